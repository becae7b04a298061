import { PLACEMENT_SHARD, type ShardId, type StoreId } from '../../shard-map/index.ts'
import { decodeReply, encodeRequest, type Reply, type Request } from '../protocol/index.ts'
import type { Store } from '../store/index.ts'
import type { Transport } from '../transport/index.ts'

/**
 * Requests of the placement driver to whoever leads a shard. Whom to ask comes from heartbeats, and from the refusals of those who did not lead;
 * when nobody is known, the shard's stores are asked one after the other. It does not repeat a request: whoever asks decides.
 */
export interface LeaderCallsOptions {
  readonly transport: Transport
  /** As heartbeats say. */
  readonly leaderOf: (shard: ShardId) => StoreId | undefined
}

export class LeaderCalls {
  readonly #options: LeaderCallsOptions
  readonly #hints = new Map<ShardId, StoreId>()
  #store: Store | undefined
  #turn = 0

  constructor(options: LeaderCallsOptions) {
    this.#options = options
  }

  start(store: Store): void {
    this.#store = store
  }

  forgetAll(): void {
    this.#hints.clear()
  }

  forget(shard: ShardId): void {
    this.#hints.delete(shard)
  }

  /** `stores` hold replicas of the shard, as far as known. `done` is called once, with undefined when there was no answer. */
  ask(
    shard: ShardId,
    stores: readonly StoreId[],
    request: Request,
    timeoutMs: number,
    done: (reply: Reply | undefined) => void,
  ): void {
    const store = this.#store
    const target = this.#choose(shard, stores)
    if (store === undefined || target === undefined) {
      done(undefined)
      return
    }
    const answered = (reply: Reply | undefined): void => {
      if (reply === undefined || reply.kind === 'error')
        this.#learn(shard, target, reply?.error.code, reply?.error.leader)
      // A store describes the shards that it leads, and says nothing of others.
      if (reply?.kind === 'describe' && reply.shards.length === 0) this.#hints.delete(shard)
      done(reply)
    }
    this.askStore(target, request, timeoutMs, answered)
  }

  /** Asks one store, whatever it leads. `done` is called once, with undefined when there was no answer. */
  askStore(target: StoreId, request: Request, timeoutMs: number, done: (reply: Reply | undefined) => void): void {
    const store = this.#store
    if (store === undefined) {
      done(undefined)
      return
    }
    if (target === store.id) {
      store.request(request, timeoutMs, done)
      return
    }
    const { transport } = this.#options
    transport.request(target, encodeRequest(request), timeoutMs, (answer) => {
      const reply = typeof answer === 'string' ? undefined : decodeReply(answer)
      done(reply?.ok === true ? reply.value : undefined)
    })
    transport.flush()
  }

  #choose(shard: ShardId, stores: readonly StoreId[]): StoreId | undefined {
    if (shard === PLACEMENT_SHARD) return this.#store?.id
    const known = this.#hints.get(shard) ?? this.#options.leaderOf(shard)
    return known ?? stores[this.#turn++ % Math.max(1, stores.length)]
  }

  #learn(shard: ShardId, asked: StoreId, code: string | undefined, leader: StoreId | undefined): void {
    if (code === 'NOT_LEADER' && leader !== undefined && leader !== asked) this.#hints.set(shard, leader)
    else if (code === undefined || code === 'NOT_LEADER' || code === 'SHARD_NOT_FOUND') this.#hints.delete(shard)
  }
}
