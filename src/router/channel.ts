import type { StoreId } from '../../shard-map/index.ts'
import { decodeReply, encodeRequest, type Reply, type Request } from '../protocol/index.ts'
import type { RequestFailure, Transport } from '../transport/index.ts'

/**
 * How a router reaches stores: a call without bytes where the store is in this process, a frame otherwise.
 */
export interface LocalStore {
  readonly id: StoreId
  request(request: Request, timeoutMs: number, done: (reply: Reply) => void): void
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
