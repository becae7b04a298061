/**
 * The transport over any wires: what `Transport` promises, made of frames. Both adapters open one of these. This file keeps the life
 * cycle, the deadlines and the upkeep; what leaves is `Sender`, what arrives is `Receiver`.
 *
 * Life: `connecting -> open <-> reconnecting -> closed`; open means that all its wires are.
 */
import { assert, type Clock, LIMITS, type Logger, type Random, silentLogger, type Timer } from '../base/index.ts'
import { CHANNELS, type Channel, channelOfLane, REQUEST } from './channels.ts'
import { Counters } from './counters.ts'
import { FRAME_VERSION, ITEM, REPLY, REQUEST_ENTRY } from './frame.ts'
import { type FrameKeys, FrameSeal } from './frame-seal.ts'
import { TRANSPORT_LIMITS } from './limits.ts'
import { Peers } from './peers.ts'
import { PendingRequests, type RequestDone } from './pending-requests.ts'
import { Receiver } from './receiver.ts'
import { sealWires } from './sealed-wire.ts'
import { Sender } from './sender.ts'
import type { Stream } from './stream.ts'
import { checkId, subjectOf } from './subject.ts'
import type { Lane, PeerAddress, RequestFailure, Transport, TransportHandlers, TransportStats } from './transport.ts'
import { TransportError } from './transport-error.ts'
import type { Wire } from './wire.ts'

/** What every adapter needs. */
export interface TransportOptions extends FrameKeys {
  /** Processes of different clusters never hear each other, even on one broker. */
  readonly clusterId: string
  /** A store's id, or for a client a name that nobody else has, now or later. */
  readonly address: PeerAddress
  /** What peers are told of this process's data: a store's incarnation. Empty for clients. At most 64 printable ASCII characters. */
  readonly incarnation: string
  readonly clock: Clock
  /** Makes the session number, by which peers tell this instance from earlier ones with the same address. */
  readonly random: Random
  readonly logger?: Logger
  /** The same as calling `start` with them. */
  readonly handlers?: TransportHandlers
}

/** Between two lines about frames of another version. */
const STRANGE_NOTE_MS = 60_000

/** Throws TransportError `BAD_ID`. */
export function checkTransportOptions(options: TransportOptions): void {
  checkId('cluster id', options.clusterId)
  checkId('address', options.address)
  if (/^[!-~]*$/.test(options.incarnation) && options.incarnation.length <= TRANSPORT_LIMITS.incarnationCharsMax) return
  throw new TransportError('BAD_ID', 'an incarnation is at most 64 printable ASCII characters without blanks')
}

export class FrameTransport implements Transport {
  readonly address: PeerAddress
  readonly #clock: Clock
  readonly #logger: Logger
  #strangeNotedMs = Number.NEGATIVE_INFINITY
  #forgedNotedMs = Number.NEGATIVE_INFINITY
  /** By channel; several channels may share one. */
  readonly #wires: readonly Wire[]
  readonly #counters = new Counters()
  readonly #pending = new PendingRequests()
  readonly #peers: Peers
  readonly #sender: Sender
  readonly #receiver: Receiver
  readonly #wasOpen: boolean[]
  #state: Transport['state'] = 'connecting'
  #closing: Promise<void> | undefined
  #deadlineTimer: Timer | undefined
  #upkeepTimer: Timer | undefined
  #upkeepIsSoon = false
  #silenceCheckedMs = 0
  /** When the connection for requests last opened. */
  #openedMs = 0
  /** Requests that were refused; their askers are told after the call returned. */
  #refused: { readonly done: RequestDone; readonly why: RequestFailure }[] = []

  /** `wires`: one per channel, in the order of CHANNELS. Throws TransportError `BAD_ID`, and `BAD_OPTIONS` for keys of no use. */
  constructor(options: TransportOptions, wires: readonly Wire[]) {
    checkTransportOptions(options)
    const { clusterId, address, incarnation, clock, random } = options
    this.address = address
    this.#clock = clock
    this.#logger = options.logger ?? silentLogger
    const seal = FrameSeal.of(options)
    this.#wires = seal === undefined ? wires : sealWires(wires, seal, () => this.#noteForged())
    const session = 1 + random.below(2 ** 26) + random.below(2 ** 26) * 2 ** 26
    const identity = { address, incarnation, session }
    this.#peers = new Peers(clusterId, identity)
    this.#sender = new Sender(identity, clock, this.#wires, this.#peers, this.#pending, this.#counters, () =>
      this.#hasten(),
    )
    this.#receiver = new Receiver(
      identity,
      clock,
      this.#peers,
      this.#pending,
      this.#sender,
      this.#counters,
      { answer: (to, toSession, id, body) => this.#answer(to, toSession, id, body) },
      (version, nowMs) => this.#noteStrangeVersion(version, nowMs),
    )
    if (options.handlers !== undefined) this.start(options.handlers)
    this.#wasOpen = CHANNELS.map(() => false)
    for (const channel of CHANNELS) {
      const wire = this.#wire(channel)
      wire.subscribe(subjectOf(clusterId, channel, address), (bytes) => this.#receive(channel, bytes))
    }
    for (const wire of new Set(this.#wires)) wire.watch(() => this.#onWireChange())
    this.#onWireChange()
  }

  get state(): Transport['state'] {
    return this.#state
  }

  start(handlers: TransportHandlers): void {
    assert(this.#receiver.handlers === undefined, 'a transport is started once')
    this.#receiver.handlers = handlers
  }

  send(to: PeerAddress, lane: Lane, item: Uint8Array): boolean {
    const stream = this.#streamTo(to, channelOfLane(lane))
    if (this.#state === 'closed' || !this.#sender.isOpen(stream.channel) || !this.#sender.hasRoom(stream, item)) {
      this.#counters.itemsDropped++
      return false
    }
    this.#sender.append(stream, ITEM, 0, 0, item)
    return true
  }

  request(to: PeerAddress, body: Uint8Array, timeoutMs: number, done: RequestDone): void {
    if (this.#state === 'closed') {
      this.#refuse(done, 'closed')
      return
    }
    const stream = this.#streamTo(to, REQUEST)
    stream.peer.isAsked = true
    if (stream.peer.absence === 'left') {
      this.#refuse(done, 'not-sent')
      this.#hasten()
      return
    }
    const waitMs = Math.max(1, Math.min(LIMITS.requestTimeoutMsMax, Math.ceil(timeoutMs)))
    const canLeave = this.#sender.isOpen(REQUEST) && this.#sender.hasRoom(stream, body)
    const id = canLeave ? this.#pending.open(this.#clock.nowMs(), waitMs, done) : undefined
    if (id === undefined) {
      this.#refuse(done, 'not-sent')
      return
    }
    this.#pending.queued(id, stream, this.#sender.append(stream, REQUEST_ENTRY, id, waitMs, body))
    if (this.#deadlineTimer === undefined) this.#armDeadlines()
  }

  isAbsent(peer: PeerAddress): boolean {
    return (this.#peers.find(peer)?.absence ?? 'none') !== 'none'
  }

  flush(): void {
    this.#sender.flush()
  }

  holdUntilFlush(): void {
    this.#sender.holdUntilFlush()
  }

  stats(): TransportStats {
    return {
      ...this.#counters,
      fragmentsDropped: this.#peers.assemblyBudget.dropped,
      requestsPending: this.#pending.size,
      peers: this.#peers.size,
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#sender.flush()
    this.#takeLeave()
    this.#setState('closed')
    this.#deadlineTimer?.cancel()
    this.#upkeepTimer?.cancel()
    this.#pending.settleAll('closed')
    await Promise.all([...new Set(this.#wires)].map((wire) => wire.close()))
  }

  /** Tells everybody who may wait for an answer, or ask next. */
  #takeLeave(): void {
    if (!this.#sender.isOpen(REQUEST)) return
    for (const peer of [...this.#peers.all()]) {
      if (peer.session !== 0 && peer.absence !== 'left')
        this.#sender.sayGoodbye(this.#peers.streamTo(peer.address, REQUEST, this.#clock))
    }
  }

  #streamTo(to: PeerAddress, channel: Channel): Stream {
    if (this.#upkeepTimer === undefined) this.#armUpkeep()
    return this.#peers.streamTo(to, channel, this.#clock)
  }

  #receive(channel: Channel, bytes: Uint8Array): void {
    if (this.#state === 'closed') return
    this.#receiver.receive(channel, bytes)
    if (this.#upkeepTimer === undefined) this.#armUpkeep()
    else if (this.#receiver.assembling.size > 0) this.#hasten()
  }

  /** Somebody of another release, or a stranger: worth a line now and then, never one for each frame. */
  #noteStrangeVersion(version: number, nowMs: number): void {
    if (nowMs < this.#strangeNotedMs + STRANGE_NOTE_MS) return
    this.#strangeNotedMs = nowMs
    const sentence = `frames of version ${version} arrive, and this release reads version ${FRAME_VERSION}: upgrade the older stores first`
    this.#logger.log('warn', sentence, { version })
  }

  /** Who may publish here and does not know the key, or a member that was not given it. */
  #noteForged(): void {
    this.#counters.malformedFrames++
    const nowMs = this.#clock.nowMs()
    if (nowMs < this.#forgedNotedMs + STRANGE_NOTE_MS) return
    this.#forgedNotedMs = nowMs
    const sentence =
      'frames without the key of this cluster arrive and are dropped: a store or program lacks transport.clusterKey, or a stranger publishes here'
    this.#logger.log('warn', sentence)
  }

  #answer(to: PeerAddress, toSession: number, id: number, body: Uint8Array): void {
    if (this.#state === 'closed') return
    const peer = this.#peers.find(to)
    const stream = peer?.session === toSession ? this.#streamTo(to, REQUEST) : undefined
    if (stream === undefined || !this.#sender.hasRoom(stream, body)) {
      this.#counters.repliesDropped++
      if (body.length > LIMITS.messageBytesMax)
        this.#logger.log('error', 'answer too large', { to, bytes: body.length })
      return
    }
    stream.peer.owedAnswers--
    this.#sender.append(stream, REPLY, id, 0, body)
  }

  #refuse(done: RequestDone, why: RequestFailure): void {
    this.#refused.push({ done, why })
    if (this.#refused.length > 1) return
    this.#clock.soon(() => {
      const refused = this.#refused
      this.#refused = []
      for (const each of refused) each.done(each.why)
    })
  }

  #wire(channel: Channel): Wire {
    return this.#wires[channel] as Wire
  }

  // Connections

  #onWireChange(): void {
    if (this.#state === 'closed') return
    for (const channel of CHANNELS) {
      const { isOpen } = this.#wire(channel)
      if (isOpen === this.#wasOpen[channel]) continue
      this.#wasOpen[channel] = isOpen
      if (isOpen) this.#onOpened(channel)
      else this.#onLost(channel)
    }
    const areOpen = this.#wasOpen.every((isOpen) => isOpen)
    if (areOpen) this.#setState('open')
    else if (this.#state === 'open') this.#setState('reconnecting')
  }

  #onOpened(channel: Channel): void {
    if (channel === REQUEST) this.#openedMs = this.#clock.nowMs()
    for (const peer of this.#peers.all()) {
      const stream = peer.stream(channel)
      if (stream === undefined) continue
      if (stream.isBlocked) this.#sender.probe(stream)
      if (stream.outbox.queuedBytes > 0 || stream.isGrantDue) this.#sender.touch(stream)
    }
  }

  #onLost(channel: Channel): void {
    for (const peer of this.#peers.all()) {
      const stream = peer.stream(channel)
      if (stream !== undefined) this.#sender.dropForLostConnection(stream)
    }
  }

  #setState(state: 'open' | 'reconnecting' | 'closed'): void {
    if (state === this.#state) return
    if (state === 'open' && this.#state === 'reconnecting') this.#counters.reconnects++
    this.#state = state
    this.#receiver.handlers?.onState(state)
  }

  // Deadlines: one timer while requests are pending, none while none are

  #armDeadlines(): void {
    const dueMs = this.#clock.nowMs() + TRANSPORT_LIMITS.timerSlotMs
    this.#deadlineTimer = this.#clock.after(TRANSPORT_LIMITS.timerSlotMs, () => {
      const isLate = this.#clock.nowMs() > dueMs + TRANSPORT_LIMITS.timerSlotMs
      // Who wakes late first takes in what arrived meanwhile: the answers may be there.
      if (isLate) this.#clock.soon(() => this.#endDue())
      else this.#endDue()
    })
  }

  #endDue(): void {
    if (this.#state === 'closed') return
    const nowMs = this.#clock.nowMs()
    this.#pending.advance(nowMs)
    if (nowMs - this.#silenceCheckedMs >= TRANSPORT_LIMITS.silenceCheckMs) this.#endSilent(nowMs)
    this.#deadlineTimer = undefined
    if (this.#pending.size > 0) this.#armDeadlines()
  }

  /** Ends the requests to peers that give no sign of life, so that nobody waits out a long deadline for a process that died. */
  #endSilent(nowMs: number): void {
    this.#silenceCheckedMs = nowMs
    // Without a connection nobody can be heard; that is no sign of their death.
    if (!this.#sender.isOpen(REQUEST)) return
    for (const [stream, oldestMs] of this.#pending.waiting()) {
      const silentMs = nowMs - Math.max(stream.heardMs, oldestMs, this.#openedMs)
      if (silentMs < TRANSPORT_LIMITS.silenceCheckMs) continue
      if (stream.unansweredProbes < TRANSPORT_LIMITS.unansweredProbesMax) {
        stream.unansweredProbes++
        this.#sender.probe(stream)
        continue
      }
      stream.unansweredProbes = 0
      stream.peer.absence = 'silent'
      this.#hasten()
      this.#pending.expireOn(stream)
    }
  }

  // Upkeep: often while something waits for a peer, rarely otherwise

  #hasten(): void {
    if (!this.#upkeepIsSoon) this.#armUpkeep(true)
  }

  #armUpkeep(isSoon = false): void {
    if (this.#state === 'closed') return
    this.#upkeepTimer?.cancel()
    this.#upkeepIsSoon = isSoon
    const delayMs = isSoon ? TRANSPORT_LIMITS.probeIntervalMs : TRANSPORT_LIMITS.sweepIntervalMs
    this.#upkeepTimer = this.#clock.after(delayMs, () => this.#keepUp())
  }

  #keepUp(): void {
    const nowMs = this.#clock.nowMs()
    for (const stream of this.#sender.blocked) {
      const sinceMs = Math.max(stream.blockedSinceMs, stream.peer.heardMs)
      if (nowMs - sinceMs > TRANSPORT_LIMITS.peerSilentMsMax) this.#sender.dropForLostPeer(stream, false)
      else if (this.#sender.isOpen(stream.channel)) this.#sender.probe(stream)
    }
    for (const stream of this.#receiver.assembling) {
      if (!stream.assembly.isStale(nowMs)) continue
      stream.assembly.drop()
      this.#receiver.assembling.delete(stream)
    }
    const isMissing = this.#askForMissing()
    this.#peers.forgetSilent(nowMs)
    this.#upkeepTimer = undefined
    this.#upkeepIsSoon = false
    const isSoon = isMissing || this.#sender.blocked.size > 0 || this.#receiver.assembling.size > 0
    if (this.#peers.size > 0) this.#armUpkeep(isSoon)
  }

  /** Asks the absent for a sign of life, so that their return is noticed though nobody sends them anything. Whether there are any. */
  #askForMissing(): boolean {
    let isMissing = false
    for (const peer of this.#peers.all()) {
      if (!peer.isAsked || peer.absence === 'none') continue
      isMissing = true
      const stream = peer.stream(REQUEST)
      if (stream !== undefined && this.#sender.isOpen(REQUEST)) this.#sender.probe(stream)
    }
    return isMissing
  }
}
