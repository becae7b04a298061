/** One request of a peer, until it is answered. It remembers which instance asked, so that no other ever gets the answer. */
import type { IncomingRequest, PeerAddress } from './transport.ts'

/** The side that sends answers. */
export interface Answerer {
  answer(to: PeerAddress, session: number, id: number, body: Uint8Array): void
}

export class ReceivedRequest implements IncomingRequest {
  readonly from: PeerAddress
  readonly incarnation: string
  readonly body: Uint8Array
  readonly timeoutMs: number
  readonly #session: number
  readonly #id: number
  #answerer: Answerer | undefined

  constructor(
    answerer: Answerer,
    from: PeerAddress,
    incarnation: string,
    session: number,
    id: number,
    timeoutMs: number,
    body: Uint8Array,
  ) {
    this.#answerer = answerer
    this.from = from
    this.incarnation = incarnation
    this.#session = session
    this.#id = id
    this.timeoutMs = timeoutMs
    this.body = body
  }

  reply(body: Uint8Array): void {
    const answerer = this.#answerer
    if (answerer === undefined) return
    this.#answerer = undefined
    answerer.answer(this.from, this.#session, this.#id, body)
  }
}
