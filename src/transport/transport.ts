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
  /** It certainly had no effect: it did not leave this process, or its peer said goodbye and had answered all that it took. */
  | 'not-sent'
  /** No answer came in time, the peer fell silent, or the connection went away after sending. */
  | 'no-answer'
  | 'closed'

export interface IncomingRequest {
  readonly from: PeerAddress
  /** As the asker states it; see `TransportHandlers.onItems`. */
  readonly incarnation: string
  readonly body: Uint8Array
  /** Milliseconds the asker is still willing to wait, measured from arrival. */
  readonly timeoutMs: number
  /**
   * Answers once; later calls do nothing. The answer leaves with the peer's next frame; while there is no connection or no credit it
   * waits. It is dropped, and counted, when the asker is gone or restarted, or when more than a queue's worth waits.
   */
  reply(body: Uint8Array): void
}

export interface TransportHandlers {
  /**
   * A batch of one-way items from one peer, in order. The bytes may be kept, but they are views of a larger read buffer, so whoever keeps
   * few of many copies them. `incarnation` is what the sender says of itself, so that a store that lost its data can be refused.
   */
  onItems(from: PeerAddress, lane: Lane, items: readonly Uint8Array[], incarnation: string): void
  onRequest(request: IncomingRequest): void
  onState(state: 'open' | 'reconnecting' | 'closed'): void
}

export interface TransportStats {
  readonly framesSent: number
  readonly framesReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** One-way items that were refused, or dropped while they waited for credit when the connection or the peer went away. */
  readonly itemsDropped: number
  /** Answers whose asker was gone or restarted, or for which the queue had no room. */
  readonly repliesDropped: number
  /** Answers that came after their request had ended, or twice. */
  readonly repliesLate: number
  readonly reconnects: number
  readonly malformedFrames: number
  /** Frames that arrived twice, or after a younger one of the same peer and lane. */
  readonly staleFrames: number
  /** Messages of which a fragment was missing. */
  readonly fragmentsDropped: number
  /** How often a destination ran out of credit. */
  readonly creditStalls: number
  /** Now: requests without an answer. */
  readonly requestsPending: number
  /** Now: peers that are remembered. */
  readonly peers: number
}

export interface Transport {
  readonly address: PeerAddress
  readonly state: 'connecting' | 'open' | 'reconnecting' | 'closed'
  /**
   * Names who gets what arrives; once. Until then items and requests that arrive are dropped, answers are not: who only asks needs no
   * handlers. It does not repeat the present state to `onState`.
   */
  start(handlers: TransportHandlers): void
  /**
   * Queues a one-way item, whose bytes must not change any more. False when it was dropped: no credit and the queue is full, or not
   * connected.
   */
  send(to: PeerAddress, lane: Lane, item: Uint8Array): boolean
  /**
   * Queues a request. `done` is called exactly once, never before this call returned: with the answer's body or with why there is none.
   * It leaves with the next frame. `timeoutMs` is kept within 1 and LIMITS.requestTimeoutMsMax, and rounded up to some 16 ms.
   * Requests are refused, not queued without bound (LIMITS.inflightRequestsMax).
   */
  request(
    to: PeerAddress,
    body: Uint8Array,
    timeoutMs: number,
    done: (answer: Uint8Array | RequestFailure) => void,
  ): void
  /**
   * Whether asking this peer now would most likely be for nothing: it owed an answer and gave no sign of life though asked (some 1.5 s), or it said
   * goodbye. It is asked for a sign of life until it is heard of again, or forgotten.
   */
  isAbsent(peer: PeerAddress): boolean
  /** Sends every queued frame now. Called by the loop at the end of its turn; without such a call a turn of the event loop later. */
  flush(): void
  /**
   * Announces a `flush`: until then what is queued waits, about a millisecond at most, so that it leaves together with what the caller
   * will have to say.
   */
  holdUntilFlush(): void
  stats(): TransportStats
  /** Sends what is queued, takes leave of its peers, fails what is pending with `closed`, lets the connections go. Calling it again returns the same promise. */
  close(): Promise<void>
}
