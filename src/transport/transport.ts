/**
 * The port through which the processes of a cluster talk: items to a named peer, batched into one frame per peer and turn, and requests
 * with answers. It knows nothing of Raft or of shards; items are opaque bytes with a lane. Delivery is at most once, in order per peer and
 * lane while a connection lasts; nothing is promised across reconnects.
 *
 * Life: `connecting -> open <-> reconnecting -> closed`. It reconnects for ever.
 */

/** Lanes have separate connections, so that bulk data never delays liveness. */
export type Lane = 'control' | 'raft' | 'bulk'

/** Who can be addressed: a store by its id, or a client by the unique address it listens on. */
export type PeerAddress = string

export type RequestFailure =
  /** Nothing left this process. */
  | 'not-sent'
  /** No answer came in time, or the connection went away after sending. */
  | 'no-answer'
  | 'closed'

export interface IncomingRequest {
  readonly from: PeerAddress
  readonly body: Uint8Array
  /** Milliseconds the asker is still willing to wait, measured from arrival. */
  readonly timeoutMs: number
  /** Answers once; later calls do nothing. The answer leaves with the peer's next frame. */
  reply(body: Uint8Array): void
}

export interface TransportHandlers {
  /** A batch of one-way items from one peer, in order. The bytes may be kept. */
  onItems(from: PeerAddress, lane: Lane, items: readonly Uint8Array[]): void
  onRequest(request: IncomingRequest): void
  onState(state: 'open' | 'reconnecting' | 'closed'): void
}

export interface TransportStats {
  readonly framesSent: number
  readonly framesReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly itemsDropped: number
  readonly reconnects: number
  readonly malformedFrames: number
}

export interface Transport {
  readonly address: PeerAddress
  readonly state: 'connecting' | 'open' | 'reconnecting' | 'closed'
  /** Queues a one-way item. False when it was dropped: no credit and the queue is full, or not connected. */
  send(to: PeerAddress, lane: Lane, item: Uint8Array): boolean
  /**
   * Queues a request. `done` is called exactly once: with the answer's body or with why there is none. It leaves with the next frame.
   * Requests are refused, not queued without bound (LIMITS.inflightRequestsMax).
   */
  request(
    to: PeerAddress,
    body: Uint8Array,
    timeoutMs: number,
    done: (answer: Uint8Array | RequestFailure) => void,
  ): void
  /** Sends every queued frame now. Called by the loop at the end of its turn; without such a call a turn of the event loop later. */
  flush(): void
  stats(): TransportStats
  close(): Promise<void>
}
