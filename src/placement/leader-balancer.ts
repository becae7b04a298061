import { type LeaderTransfer, planLeaderBalance, type ShardMap } from '../../shard-map/index.ts'
import type { Clock, EventSink } from '../base/index.ts'
import { decodeReply, encodeRequest, type Reply, type Request } from '../protocol/index.ts'
import type { Store } from '../store/index.ts'
import type { Transport } from '../transport/index.ts'
import type { Liveness } from './liveness.ts'

/**
 * Keeps leaders spread over the stores: asks the planner, and asks leaders to hand over. It waits after a change of the placement leader and of
 * the stores, so that it acts on a settled picture.
 */
const SETTLE_MS = 3_000
const INTERVAL_MS = 2_000
const TRANSFER_TIMEOUT_MS = 5_000
const TRANSFERS_AT_ONCE_MAX = 4
const TOLERANCE_LEADERS = 0.25
/** A shard that was just moved stays where it is for a while, whether or not the transfer succeeded. */
const COOL_DOWN_MS = 30_000

export class LeaderBalancer {
  readonly #clock: Clock
  readonly #events: EventSink
  readonly #transport: Transport
  readonly #inFlight = new Map<number, LeaderTransfer>()
  readonly #restUntilMs = new Map<number, number>()
  #notBeforeMs = 0

  constructor(options: { readonly clock: Clock; readonly events: EventSink; readonly transport: Transport }) {
    this.#clock = options.clock
    this.#events = options.events
    this.#transport = options.transport
  }

  /** The picture is new: let it settle. */
  reset(nowMs: number): void {
    this.#notBeforeMs = nowMs + SETTLE_MS
  }

  step(store: Store, map: ShardMap, liveness: Liveness): void {
    const nowMs = this.#clock.nowMs()
    if (nowMs < this.#notBeforeMs) return
    this.#notBeforeMs = nowMs + INTERVAL_MS
    for (const [shard, untilMs] of this.#restUntilMs) if (untilMs <= nowMs) this.#restUntilMs.delete(shard)
    const isUp = (id: string): boolean => liveness.state(id, nowMs, Number.POSITIVE_INFINITY) === 'up'
    const shards = map.shards.flatMap((shard) => {
      const led = liveness.led.get(shard.id)
      if (led === undefined) return []
      const resting = this.#restUntilMs.has(shard.id)
      const candidates = shard.replicas
        .filter((replica) => replica.role === 'voter' && isUp(replica.store))
        .map((replica) => replica.store)
      return [{ shard: shard.id, leader: led.leader, candidates: resting ? [] : candidates }]
    })
    const plan = planLeaderBalance({
      shards,
      stores: map.stores.map((info) => ({
        id: info.id,
        weight: 1,
        accepts: info.state === 'up' && isUp(info.id),
        evict: info.state === 'draining' || info.state === 'decommissioning',
      })),
      inFlight: [...this.#inFlight.values()],
      tolerance: TOLERANCE_LEADERS,
      transfersMax: TRANSFERS_AT_ONCE_MAX - this.#inFlight.size,
    })
    for (const transfer of plan) this.#transfer(store, transfer, transfer.reason)
  }

  #transfer(store: Store, transfer: LeaderTransfer, reason: string): void {
    this.#inFlight.set(transfer.shard, transfer)
    this.#restUntilMs.set(transfer.shard, this.#clock.nowMs() + COOL_DOWN_MS)
    const request: Request = { kind: 'transfer-leader', shard: transfer.shard, store: transfer.to }
    const done = (reply: Reply | undefined): void => {
      this.#inFlight.delete(transfer.shard)
      this.#events.emit({
        type: 'leader_balanced',
        group: transfer.shard,
        peer: transfer.to,
        data: { from: transfer.from, reason, ok: reply?.kind === 'done' },
      })
    }
    if (transfer.from === store.id) {
      store.request(request, TRANSFER_TIMEOUT_MS, done)
      return
    }
    this.#transport.request(transfer.from, encodeRequest(request), TRANSFER_TIMEOUT_MS, (answer) => {
      const reply = typeof answer === 'string' ? undefined : decodeReply(answer)
      done(reply?.ok === true ? reply.value : undefined)
    })
    this.#transport.flush()
  }
}
