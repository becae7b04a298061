/**
 * The sending half of a transport: which streams have something to say this turn, what of it may leave, and how it leaves. One frame per
 * stream and turn, more only when it does not fit. What may be said to whom is decided above; this file loses nothing silently.
 */
import { type Clock, LIMITS, type Timer, unreachable } from '../base/index.ts'
import type { Channel } from './channels.ts'
import type { Counters } from './counters.ts'
import { FrameWriter, GOODBYE, ITEM, type MessageKind, PROBE, REPLY, REQUEST_ENTRY } from './frame.ts'
import { TRANSPORT_LIMITS } from './limits.ts'
import { filterFrame, frameHeader, type OutboxIdentity, type OutgoingFrame } from './outbox.ts'
import type { Peers } from './peers.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { Stream } from './stream.ts'
import type { Wire } from './wire.ts'

export class Sender {
  /** Streams that wait for credit. */
  readonly blocked = new Set<Stream>()
  readonly #identity: OutboxIdentity
  readonly #clock: Clock
  readonly #wires: readonly Wire[]
  readonly #peers: Peers
  readonly #pending: PendingRequests
  readonly #counters: Counters
  readonly #onStall: () => void
  readonly #writer = new FrameWriter()
  readonly #onSoon = (): void => {
    this.#isScheduled = false
    this.flush()
  }
  readonly #keepPending = (kind: MessageKind, id: number): boolean => kind !== REQUEST_ENTRY || this.#pending.has(id)
  #dirty: Stream[] = []
  #isScheduled = false
  #isHeld = false
  #holdTimer: Timer | undefined

  /** `onStall` is called when a stream runs out of credit. */
  constructor(
    identity: OutboxIdentity,
    clock: Clock,
    wires: readonly Wire[],
    peers: Peers,
    pending: PendingRequests,
    counters: Counters,
    onStall: () => void,
  ) {
    this.#identity = identity
    this.#clock = clock
    this.#wires = wires
    this.#peers = peers
    this.#pending = pending
    this.#counters = counters
    this.#onStall = onStall
  }

  isOpen(channel: Channel): boolean {
    return this.#wire(channel).isOpen
  }

  /** Whether `body` can wait for its turn. */
  hasRoom(stream: Stream, body: Uint8Array): boolean {
    return (
      body.length <= LIMITS.messageBytesMax &&
      stream.outbox.queuedBytes + body.length <= LIMITS.destinationQueueBytesMax
    )
  }

  /** Queues a message; answers the number of the frame it leaves with. */
  append(stream: Stream, kind: MessageKind, id: number, timeoutMs: number, body: Uint8Array): number {
    const { outbox } = stream
    const payloadBytesMax = this.#wire(stream.channel).payloadBytesMax
    const frameBytesMax = Math.max(TRANSPORT_LIMITS.frameBytesMin, Math.min(LIMITS.frameBytesMax, payloadBytesMax))
    const frameNumber = outbox.append(kind, id, timeoutMs, body, frameBytesMax)
    this.touch(stream)
    // More than a frame's worth in one turn need not pile up until its end.
    if (outbox.hasFullFrames && !stream.isBlocked) this.#sendFullFrames(stream)
    return frameNumber
  }

  /** Has `stream` looked at by the next flush. */
  touch(stream: Stream): void {
    if (stream.isDirty) return
    stream.isDirty = true
    this.#dirty.push(stream)
    if (this.#isScheduled) return
    this.#isScheduled = true
    if (this.#isHeld) this.#holdTimer = this.#clock.after(TRANSPORT_LIMITS.holdMsMax, this.#onSoon)
    else this.#clock.soon(this.#onSoon)
  }

  /** See `Transport.holdUntilFlush`. */
  holdUntilFlush(): void {
    this.#isHeld = true
  }

  flush(): void {
    this.#isHeld = false
    if (this.#holdTimer !== undefined) {
      this.#holdTimer.cancel()
      this.#holdTimer = undefined
      this.#isScheduled = false
    }
    if (this.#dirty.length === 0) return
    const dirty = this.#dirty
    this.#dirty = []
    for (const stream of dirty) {
      stream.isDirty = false
      this.#sendAll(stream)
    }
  }

  /** A frame without messages: it tells the peer its grant and how far we are, and asks for ours. */
  probe(stream: Stream): void {
    this.#publish(stream, [...frameHeader(this.#identity), PROBE], stream.sent)
  }

  /** A last frame: no more will come, and whether all that the peer asked was answered. Its `sent` lets the peer see whether answers were lost. */
  sayGoodbye(stream: Stream): void {
    const isComplete = stream.peer.owedAnswers === 0 && stream.outbox.queuedBytes === 0
    this.#publish(stream, [...frameHeader(this.#identity), GOODBYE, isComplete ? 1 : 0], stream.sent)
  }

  /** The connection of `stream` went: items and requests are not kept, answers wait for its return. */
  dropForLostConnection(stream: Stream): void {
    this.#drop(stream, true, false)
    if (stream.outbox.queuedBytes === 0) this.#unblock(stream)
  }

  /** The process behind `stream` is gone or another one. Requests stay when it is another one, which may as well serve them. */
  dropForLostPeer(stream: Stream, keepRequests: boolean): void {
    this.#drop(stream, false, keepRequests)
    this.#unblock(stream)
    this.touch(stream)
  }

  #drop(stream: Stream, keepReplies: boolean, keepRequests: boolean): void {
    if (stream.outbox.queuedBytes === 0) return
    const ended: number[] = []
    stream.outbox.filter((kind, id) => this.#keeps(kind, id, keepReplies, keepRequests, ended))
    for (const id of ended) this.#pending.settle(id, 'not-sent')
  }

  /** Whether a message that cannot leave now stays; one that does not is counted, each queued fragment by itself. The ids of requests that end are added to `ended`. */
  #keeps(kind: MessageKind, id: number, keepReplies: boolean, keepRequests: boolean, ended: number[]): boolean {
    switch (kind) {
      case ITEM:
        this.#counters.itemsDropped++
        return false
      case REPLY:
        if (!keepReplies) this.#counters.repliesDropped++
        return keepReplies
      case REQUEST_ENTRY:
        if (!keepRequests) ended.push(id)
        return keepRequests
      default:
        return unreachable(kind)
    }
  }

  #unblock(stream: Stream): void {
    stream.isBlocked = false
    this.blocked.delete(stream)
  }

  #sendAll(stream: Stream): void {
    if (!this.isOpen(stream.channel)) return
    const { outbox } = stream
    if (outbox.hasEndedRequests) {
      outbox.hasEndedRequests = false
      outbox.filter(this.#keepPending)
    }
    for (let frame = outbox.oldest(); frame !== undefined; frame = outbox.oldest()) {
      if (!stream.mayLeave(frame)) {
        this.#block(stream)
        break
      }
      this.#send(stream, frame)
    }
    if (stream.isBlocked && outbox.queuedBytes === 0) this.#unblock(stream)
    if (stream.isGrantDue) this.#publish(stream, frameHeader(this.#identity), stream.sent)
  }

  #sendFullFrames(stream: Stream): void {
    if (!this.isOpen(stream.channel) || stream.outbox.hasEndedRequests) return
    while (stream.outbox.hasFullFrames) {
      const frame = stream.outbox.oldest()
      if (frame === undefined || !stream.mayLeave(frame)) return
      this.#send(stream, frame)
    }
  }

  #send(stream: Stream, frame: OutgoingFrame): void {
    stream.outbox.take(frame)
    if (!this.#publish(stream, frame.values, stream.pay(frame))) {
      // The connection closed just now, or the broker takes less than it said: what was in the frame has not left.
      const ended: number[] = []
      filterFrame(frame, (kind, id) => this.#keeps(kind, id, false, false, ended))
      for (const id of ended) this.#pending.settle(id, 'not-sent')
    }
    stream.outbox.recycle(frame)
  }

  #block(stream: Stream): void {
    if (stream.isBlocked) return
    stream.isBlocked = true
    stream.blockedSinceMs = this.#clock.nowMs()
    this.#counters.creditStalls++
    this.blocked.add(stream)
    this.#onStall()
  }

  #publish(stream: Stream, values: unknown[], sent: number): boolean {
    values[4] = stream.peer.session
    values[5] = sent
    values[6] = stream.tellGrant(this.#peers.windowBytes(stream.channel))
    const bytes = this.#writer.write(values)
    if (!this.#wire(stream.channel).publish(stream.subject, bytes)) return false
    this.#counters.framesSent++
    this.#counters.bytesSent += bytes.length
    return true
  }

  #wire(channel: Channel): Wire {
    return this.#wires[channel] as Wire
  }
}
