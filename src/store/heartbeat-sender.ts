import { PLACEMENT_SHARD, type StoreId } from '../../shard-map/index.ts'
import type { Timer } from '../base/index.ts'
import {
  decodeReply,
  encodeRequest,
  type Reply,
  type Request,
  type ShardFigures,
  type StoreHeartbeat,
} from '../protocol/index.ts'
import type { DiskSpace } from '../storage/index.ts'
import { figuresOf, isNews, sampleBusiest } from './heartbeat-figures.ts'
import type { Store } from './store.ts'

/**
 * Tells the placement driver's leader how this store is doing, and brings back the map. A heartbeat carries only the shards whose leadership,
 * term, epoch or size changed since the last one that was acknowledged; a quiet store sends a few dozen bytes.
 */
const INTERVAL_MS = 1_000
/** While the store has no map, or just gained or lost a shard, it does not wait for the full interval. */
const EAGER_INTERVAL_MS = 100
const ANSWER_TIMEOUT_MS = 2_000
const DISK_INTERVAL_MS = 10_000

export class HeartbeatSender {
  readonly #store: Store
  readonly #changed = new Set<number>()
  /** The shards that the driver believes led here, with the figures it has of them. */
  readonly #reported = new Map<number, ShardFigures>()
  #timer: Timer | undefined
  #stopped = false
  #sequence = 0
  #full = true
  /** Whom the last refusal named. */
  #target: string | undefined
  /** Who last said not to lead group 1. */
  #refusedBy: string | undefined
  /** Who said to lead group 1, for the next time that nobody else is known. */
  #announced: string | undefined
  #nextFounder = 0
  #heardMs: number
  #space: DiskSpace | undefined
  #spaceLookedMs = Number.NEGATIVE_INFINITY

  constructor(store: Store) {
    this.#store = store
    this.#heardMs = store.options.clock.nowMs()
  }

  /** For how long the placement driver has answered nothing; since the construction if it never did. Milliseconds. */
  get unansweredMs(): number {
    return this.#store.options.clock.nowMs() - this.#heardMs
  }

  start(): void {
    this.#arm(0)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  /** Something about this group is news to the placement driver. */
  changed(group: number): void {
    if (group !== PLACEMENT_SHARD) this.#changed.add(group)
  }

  /** A store acts as the placement driver. It may have ceased to be by the time that it is asked, so it is asked once. */
  driverSpoke(store: StoreId): void {
    this.#announced = store
  }

  #arm(delayMs: number): void {
    if (this.#stopped) return
    this.#timer = this.#store.options.clock.after(delayMs, () => this.#send())
  }

  #send(): void {
    const { transport, clock } = this.#store.options
    const heartbeat = this.#compose()
    const request: Request = { kind: 'store-heartbeat', heartbeat }
    const sentChanges = [...this.#changed]
    this.#changed.clear()
    const target = this.#chooseTarget()
    const done = (reply: Reply | undefined): void => {
      if (this.#stopped) return
      if (reply?.kind === 'store-heartbeat') {
        this.#heardMs = clock.nowMs()
        this.#announced = undefined
        if (target === this.#refusedBy) this.#refusedBy = undefined
        if (target !== undefined) {
          this.#store.map.learnLeader(PLACEMENT_SHARD, target)
          this.#store.fence.ask(target)
        }
        this.#full = reply.answer.resend
        for (const led of heartbeat.led) this.#reported.set(led.shard.id, led)
        for (const shard of heartbeat.noLongerLed) this.#reported.delete(shard)
        const { map, leaders, config, snapshotBytesPerSecond } = reply.answer
        if (config !== undefined) this.#store.settings.learn(config)
        if (snapshotBytesPerSecond !== undefined) this.#store.budgets.limit(snapshotBytesPerSecond)
        if (map !== undefined) this.#store.learnMap(map, leaders)
        else this.#store.map.learnLeaders(leaders)
      } else {
        for (const group of sentChanges) this.#changed.add(group)
        this.#target = reply?.kind === 'error' ? reply.error.leader : undefined
        if (reply?.kind === 'error' && reply.error.code === 'NOT_LEADER') this.#refusedBy = target
      }
      const eager =
        reply?.kind !== 'store-heartbeat' || this.#full || this.#changed.size > 0 || this.#store.map.map.version === 0
      this.#arm(eager ? EAGER_INTERVAL_MS : INTERVAL_MS)
    }
    if (target === this.#store.id) {
      this.#store.request(request, ANSWER_TIMEOUT_MS, done)
    } else if (target === undefined) {
      clock.soon(() => done(undefined))
    } else {
      transport.request(target, encodeRequest(request), ANSWER_TIMEOUT_MS, (answer) => {
        if (typeof answer === 'string') {
          done(undefined)
          return
        }
        const reply = decodeReply(answer)
        done(reply.ok ? reply.value : undefined)
      })
      transport.flush()
    }
  }

  #compose(): StoreHeartbeat {
    const store = this.#store
    this.#lookAtDisk()
    const leading = [...store.replicas.values()].filter(
      (replica) => replica.isLeader && replica.group !== PLACEMENT_SHARD,
    )
    const led: StoreHeartbeat['led'][number][] = []
    const noLongerLed: number[] = []
    let bytes = 0
    const sampled = sampleBusiest(leading)
    for (const replica of store.replicas.values()) {
      bytes += replica.bytes
      if (replica.group === PLACEMENT_SHARD) continue
      if (replica.isLeader) {
        const { shard } = replica
        const figures = sampled.get(replica.group) ?? figuresOf(replica)
        const reported = this.#reported.get(replica.group)
        if (this.#full || this.#changed.has(replica.group) || reported === undefined || isNews(figures, reported))
          led.push({ shard, term: replica.raft.term, ...figures })
      } else if (this.#reported.has(replica.group)) {
        noLongerLed.push(replica.group)
      }
    }
    // What was merged away, or moved away altogether, is led by nobody here.
    for (const group of this.#reported.keys()) if (!store.replicas.has(group)) noLongerLed.push(group)
    return {
      info: store.options.info,
      sequence: ++this.#sequence,
      full: this.#full,
      mapVersion: store.map.map.version,
      replicas: store.replicas.size,
      bytes,
      uptimeSeconds: store.uptimeSeconds,
      led,
      noLongerLed,
      snapshots: store.snapshots.sending + store.snapshots.receiving,
      capacityBytes: this.#space?.capacityBytes ?? 0,
      availableBytes: this.#space?.availableBytes ?? 0,
      damaged: [...store.damaged.keys()],
      configVersion: store.settings.config.version,
    }
  }

  /** How full the disk is, for the next heartbeats. */
  #lookAtDisk(): void {
    const { clock, diskSpace } = this.#store.options
    const nowMs = clock.nowMs()
    if (diskSpace === undefined || nowMs - this.#spaceLookedMs < DISK_INTERVAL_MS) return
    this.#spaceLookedMs = nowMs
    // It answers undefined rather than to fail.
    void diskSpace().then((space) => {
      this.#space = space
    })
  }

  /**
   * Whoever leads group 1 as far as our replica of it knows, unless that store has just said that it does not: a replica that was removed unheard believes in its
   * last leader for ever. Then whom a refusal named, or who said so; otherwise its members, or the founders where there is no map, one after the other.
   */
  #chooseTarget(): string | undefined {
    const own = this.#store.replicas.get(PLACEMENT_SHARD)?.leaderStore
    if (own !== undefined && own !== this.#refusedBy) return own
    if (this.#target !== undefined) return this.#target
    const announced = this.#announced
    this.#announced = undefined
    if (announced !== undefined) return announced
    const { replicas } = this.#store.map.map.placement ?? this.#store.options.placementShard
    const members = replicas.map((replica) => replica.store)
    return members[this.#nextFounder++ % Math.max(1, members.length)]
  }
}
