import type { ShardId, StoreId } from '../../shard-map/index.ts'
import { decodeReply, encodeRequest, type Reply, type Request } from '../protocol/index.ts'
import type { RequestFailure, Transport } from '../transport/index.ts'

/**
 * How a router reaches stores: a call without bytes where the store is in this process, a frame otherwise. Which stores have
 * fallen silent or left is the transport's finding; it also ends the requests to them.
 */
export interface LocalStore {
  readonly id: StoreId
  request(request: Request, timeoutMs: number, done: (reply: Reply) => void): void
  /**
   * Whom to ask for a shard of which this store has a replica: its leader, or this store itself while the replica knows none. A replica
   * hears of a new leader first. Undefined where there is no replica here.
   */
  whomToAsk(shard: ShardId): StoreId | undefined
}

export class Channel {
  readonly #transport: Transport
  readonly #local: LocalStore | undefined
  readonly #anyStore: () => StoreId

  constructor(transport: Transport, local: LocalStore | undefined, anyStore: () => StoreId) {
    this.#transport = transport
    this.#local = local
    this.#anyStore = anyStore
  }

  /** Some store, for those who know none better: the one in this process, or another one each time. */
  get anyStore(): StoreId {
    return this.#local?.id ?? this.#anyStore()
  }

  get localId(): StoreId | undefined {
    return this.#local?.id
  }

  /**
   * See `LocalStore.whomToAsk`; undefined without a store in this process. While the leader is absent, the replica here is asked until it
   * hears of another: guessing could put a write on its way to a dead store, and nobody would know its outcome.
   */
  whomToAsk(shard: ShardId): StoreId | undefined {
    const store = this.#local?.whomToAsk(shard)
    return store !== undefined && this.isAbsent(store) ? this.localId : store
  }

  /** Whether asking it now would most likely be for nothing: it was found silent, or it said that it stops. */
  isAbsent(store: StoreId): boolean {
    return store !== this.#local?.id && this.#transport.isAbsent(store)
  }

  request(store: StoreId, request: Request, timeoutMs: number, done: (reply: Reply | RequestFailure) => void): void {
    if (store === this.#local?.id) {
      this.#local.request(request, timeoutMs, done)
      return
    }
    this.#transport.request(store, encodeRequest(request), timeoutMs, (answer) => {
      if (typeof answer === 'string') {
        done(answer)
        return
      }
      const reply = decodeReply(answer)
      // Bytes that cannot be read come from another version or from damage: whether a write happened is open.
      done(reply.ok ? reply.value : 'no-answer')
    })
  }
}
