import type { ShardId, StoreId } from '../../shard-map/index.ts'
import {
  decodeReply,
  encodeRequest,
  isLinearizableRead,
  type Reply,
  type Request,
  type Voucher,
  withVoucher,
} from '../protocol/index.ts'
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
  /** What its replica can say for a linearizable read that has been asked for by now. */
  vouch(shard: ShardId): Voucher | undefined
}

/** After so many reads without, a store that refused vouchers is offered one again: it may be of a newer release by now. */
const PLAIN_READS = 10_000

export class Channel {
  readonly #transport: Transport
  readonly #local: LocalStore | undefined
  readonly #anyStore: () => StoreId
  /** Stores of releases that refuse requests with a voucher, and how many reads they still get without. */
  readonly #plainReads = new Map<StoreId, number>()

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
    const voucher = isLinearizableRead(request) ? this.#voucher(store, request.shard) : undefined
    if (voucher === undefined) {
      this.#send(store, request, timeoutMs, done)
      return
    }
    this.#send(store, withVoucher(request, voucher), timeoutMs, (reply) => {
      if (typeof reply === 'string' || reply.kind !== 'error' || reply.error.code !== 'INVALID_ARGUMENT') {
        done(reply)
        return
      }
      this.#plainReads.set(store, PLAIN_READS)
      this.#send(store, request, timeoutMs, done)
    })
  }

  /** Our own replica's word for a read, where there is one and `store` understands it. */
  #voucher(store: StoreId, shard: ShardId): Voucher | undefined {
    if (this.#plainReads.size > 0) {
      const left = this.#plainReads.get(store) ?? 0
      if (left > 1) {
        this.#plainReads.set(store, left - 1)
        return undefined
      }
      this.#plainReads.delete(store)
    }
    return this.#local?.vouch(shard)
  }

  #send(store: StoreId, request: Request, timeoutMs: number, done: (reply: Reply | RequestFailure) => void): void {
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
