/**
 * The receiving half of a transport: reads frames, tells the streams what they say, and hands what is new to the handlers, in order and at
 * most once. What is no frame is counted and forgotten. It sends nothing itself: it marks streams that owe the peer a word.
 */
import { type Clock, unreachable } from '../base/index.ts'
import { type Channel, channelName, REQUEST } from './channels.ts'
import type { Counters } from './counters.ts'
import { FRAGMENT_FIRST, FRAGMENT_NEXT, FrameReader, ITEM, type MessageKind, REPLY, REQUEST_ENTRY } from './frame.ts'
import type { OutboxIdentity } from './outbox.ts'
import type { Peers } from './peers.ts'
import type { PendingRequests } from './pending-requests.ts'
import { type Answerer, ReceivedRequest } from './received-request.ts'
import type { Sender } from './sender.ts'
import type { Stream } from './stream.ts'
import type { TransportHandlers } from './transport.ts'

export class Receiver {
  handlers: TransportHandlers | undefined
  /** Streams on which a message in fragments is under way. */
  readonly assembling = new Set<Stream>()
  readonly #identity: OutboxIdentity
  readonly #clock: Clock
  readonly #peers: Peers
  readonly #pending: PendingRequests
  readonly #sender: Sender
  readonly #counters: Counters
  readonly #answerer: Answerer
  /** Told of frames of another version. */
  readonly #strange: (version: number, nowMs: number) => void
  readonly #reader = new FrameReader()

  constructor(
    identity: OutboxIdentity,
    clock: Clock,
    peers: Peers,
    pending: PendingRequests,
    sender: Sender,
    counters: Counters,
    answerer: Answerer,
    strange: (version: number, nowMs: number) => void,
  ) {
    this.#identity = identity
    this.#clock = clock
    this.#peers = peers
    this.#pending = pending
    this.#sender = sender
    this.#counters = counters
    this.#answerer = answerer
    this.#strange = strange
  }

  receive(channel: Channel, bytes: Uint8Array): void {
    const nowMs = this.#clock.nowMs()
    const reader = this.#reader
    const stream = reader.read(bytes) ? this.#peers.streamFrom(reader.from, channel, nowMs) : undefined
    if (stream === undefined) {
      this.#counters.malformedFrames++
      if (reader.otherVersion > 0) this.#strange(reader.otherVersion, nowMs)
      return
    }
    this.#counters.framesReceived++
    this.#counters.bytesReceived += bytes.length
    const { peer } = stream
    peer.heardMs = nowMs
    stream.heardMs = nowMs
    stream.unansweredProbes = 0
    if (peer.session !== reader.session) this.#meet(stream, reader.session)
    // What came the other ways does not say that requests get through.
    if (channel === REQUEST && peer.absence === 'silent') peer.absence = 'none'
    if (reader.toSession === this.#identity.session && stream.takeGrant(reader.grant)) this.#sender.touch(stream)
    const windowBytes = this.#peers.windowBytes(channel)
    if (reader.probe) stream.receiveProbe(reader.sent, windowBytes, nowMs)
    const { goodbye, sent } = reader
    const isNew = reader.kinds.length > 0 && stream.receive(reader.sent, reader.cost, windowBytes, nowMs)
    if (stream.isGrantDue) this.#sender.touch(stream)
    if (isNew) this.#deliver(stream, nowMs)
    else if (reader.kinds.length > 0) this.#counters.staleFrames++
    if (goodbye !== 'none') this.#partFrom(stream, sent, goodbye === 'complete', nowMs)
  }

  /** The peer ends in order: what was asked of it and is not answered by now never will be. */
  #partFrom(stream: Stream, sent: number, isComplete: boolean, nowMs: number): void {
    const { peer } = stream
    peer.absence = 'left'
    stream.noteGap(sent, nowMs)
    for (const each of peer.streams()) {
      each.assembly.drop()
      this.assembling.delete(each)
      this.#sender.dropForLostPeer(each, false)
    }
    this.#pending.endOn(stream, isComplete, stream.gapMs)
  }

  /** The peer is heard of for the first time, or it is another process than before. */
  #meet(stream: Stream, session: number): void {
    const { peer } = stream
    const isAnother = peer.session !== 0
    peer.session = session
    peer.absence = 'none'
    peer.owedAnswers = 0
    if (!isAnother) return
    for (const each of peer.streams()) {
      each.restart()
      this.#pending.expireSentOn(each)
      this.assembling.delete(each)
      // Answers are for the process that asked, and what Raft had to say it says anew to a restarted store.
      this.#sender.dropForLostPeer(each, true)
    }
  }

  #deliver(stream: Stream, nowMs: number): void {
    const { kinds, wholes, ids, timeouts, places, bodies, from, incarnation } = this.#reader
    const items: Uint8Array[] = []
    const requests: ReceivedRequest[] = []
    // Nothing is called back before the frame is read to its end: what a handler does must not meet a half-read frame.
    const replyIds: number[] = []
    const replyBodies: Uint8Array[] = []
    const takesReplies = this.#reader.toSession === this.#identity.session
    for (let i = 0; i < kinds.length; i++) {
      const kind = kinds[i] as number
      let id = ids[i] as number
      let timeoutMs = timeouts[i] as number
      let body = bodies[i] as Uint8Array
      if (kind === FRAGMENT_FIRST || kind === FRAGMENT_NEXT) {
        const whole = this.#assemble(stream, kind, wholes[i] as number, id, timeoutMs, places[i] as number, body, nowMs)
        if (whole === undefined) continue
        id = stream.assembly.id
        timeoutMs = stream.assembly.timeoutMs
        body = whole
      }
      const of = wholes[i] as MessageKind
      switch (of) {
        case ITEM:
          items.push(body)
          break
        case REQUEST_ENTRY:
          requests.push(
            new ReceivedRequest(this.#answerer, from, incarnation, stream.peer.session, id, timeoutMs, body),
          )
          break
        case REPLY:
          if (takesReplies) {
            replyIds.push(id)
            replyBodies.push(body)
          } else {
            this.#counters.repliesLate++
          }
          break
        default:
          unreachable(of)
      }
    }
    for (let i = 0; i < replyIds.length; i++) {
      if (!this.#pending.settle(replyIds[i] as number, replyBodies[i] as Uint8Array)) this.#counters.repliesLate++
    }
    const lane = channelName(stream.channel)
    if (items.length > 0 && lane !== 'request') this.handlers?.onItems(from, lane, items, incarnation)
    if (this.handlers === undefined) return
    stream.peer.owedAnswers += requests.length
    for (const request of requests) this.handlers.onRequest(request)
  }

  #assemble(
    stream: Stream,
    kind: typeof FRAGMENT_FIRST | typeof FRAGMENT_NEXT,
    whole: number,
    id: number,
    timeoutMs: number,
    place: number,
    chunk: Uint8Array,
    nowMs: number,
  ): Uint8Array | undefined {
    const { assembly } = stream
    let body: Uint8Array | undefined
    if (kind === FRAGMENT_FIRST) assembly.begin(whole, id, timeoutMs, place, chunk, nowMs)
    else body = assembly.add(whole, id, place, chunk, nowMs)
    if (assembly.isActive) this.assembling.add(stream)
    else this.assembling.delete(stream)
    return body
  }
}
