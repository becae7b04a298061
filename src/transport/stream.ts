/**
 * What this process and one peer have on one channel, both ways: the outbox with the credit to empty it, and how far the peer's stream
 * was received. Only this file moves the counters. It does not send: `FrameTransport` asks what may leave and tells what came.
 *
 * Credit. A sender counts the bytes it has put on a stream (`sent`), a receiver says how far that count may grow (`granted`). Both are
 * cumulative and every frame carries both, so a lost frame costs nothing that the next one does not bring back. A sender without credit
 * asks again from time to time; that answers the loss of the last grant, and of all that would have caused a new one.
 */
import { assert } from '../base/index.ts'
import { Assembly, type AssemblyBudget } from './assembly.ts'
import type { Channel } from './channels.ts'
import { TRANSPORT_LIMITS } from './limits.ts'
import { Outbox, type OutboxIdentity, type OutgoingFrame } from './outbox.ts'
import type { Peer } from './peer.ts'

export class Stream {
  readonly peer: Peer
  readonly channel: Channel
  readonly outbox: Outbox
  readonly assembly: Assembly
  readonly subject: string
  /** It is in the list of streams that the next flush looks at. */
  isDirty = false
  /** Something waits for credit, since `blockedSinceMs`. */
  isBlocked = false
  blockedSinceMs = 0
  /** The peer should hear how far it may send, soon. */
  isGrantDue = false
  /** When a frame came on this stream last. */
  heardMs = Number.NEGATIVE_INFINITY
  /** How often the peer was asked for a sign of life since. */
  unansweredProbes = 0
  /** Before this moment something that the peer had sent may have been lost on the way. */
  gapMs = Number.NEGATIVE_INFINITY
  #sent: number
  #granted: number
  /** `sent` of the peer's youngest frame; undefined before the first of its session. */
  #received: number | undefined
  #grantTold = 0

  /** `sentBefore`: at least what an earlier stream to the same address had reached, because the peer may remember that one. */
  constructor(
    peer: Peer,
    channel: Channel,
    subject: string,
    identity: OutboxIdentity,
    budget: AssemblyBudget,
    sentBefore: number,
  ) {
    this.peer = peer
    this.channel = channel
    this.subject = subject
    this.outbox = new Outbox(channel, identity)
    this.assembly = new Assembly(budget)
    this.#sent = sentBefore
    this.#granted = sentBefore + TRANSPORT_LIMITS.initialCreditBytes
  }

  get sent(): number {
    return this.#sent
  }

  mayLeave(frame: OutgoingFrame): boolean {
    return this.#sent + frame.bytes <= this.#granted
  }

  /** `frame` leaves: pays for it and answers what the header says. */
  pay(frame: OutgoingFrame): number {
    this.#sent += frame.bytes
    assert(this.#sent <= this.#granted, `sent ${this.#sent} bytes of ${this.#granted} granted`)
    return this.#sent
  }

  /** What the peer may send, for the next frame to it; 0 before anything came. */
  tellGrant(windowBytes: number): number {
    this.isGrantDue = false
    if (this.#received === undefined) return 0
    // A grant that was given is never taken back: the peer may have used it.
    this.#grantTold = Math.max(this.#grantTold, this.#received + windowBytes)
    return this.#grantTold
  }

  /** The peer grants. True when that ends a lack of credit. */
  takeGrant(grant: number): boolean {
    if (grant <= this.#granted) return false
    // No honest receiver grants more than a window; the bound keeps a broken one from switching flow control off.
    this.#granted = Math.min(grant, this.#sent + TRANSPORT_LIMITS.windowBytesMax)
    return this.isBlocked
  }

  /** A frame with entries of `cost` came. False when it came before, or a younger one did: then it is not to be delivered. */
  receive(sent: number, cost: number, windowBytes: number, nowMs: number): boolean {
    if (this.#received !== undefined && sent <= this.#received) return false
    if ((this.#received ?? 0) + cost !== sent) this.gapMs = nowMs
    this.#moveReceived(sent, windowBytes)
    return true
  }

  /** The peer asks for a grant and says what it has sent: what did not come yet never will. */
  receiveProbe(sent: number, windowBytes: number, nowMs: number): void {
    this.noteGap(sent, nowMs)
    if (this.#received === undefined || sent > this.#received) this.#moveReceived(sent, windowBytes)
    this.isGrantDue = true
  }

  /** The peer says what it has sent in all: if that is more than came, something was lost. */
  noteGap(sent: number, nowMs: number): void {
    if (sent > (this.#received ?? 0)) this.gapMs = nowMs
  }

  /** The peer is another process now: what it was sent is lost, and what it sends counts from elsewhere. */
  restart(): void {
    this.#granted = this.#sent + TRANSPORT_LIMITS.initialCreditBytes
    this.#received = undefined
    this.#grantTold = 0
    this.isGrantDue = false
    this.unansweredProbes = 0
    this.assembly.drop()
  }

  /** Nothing would be missed if this stream were forgotten. */
  get isIdle(): boolean {
    return this.outbox.queuedBytes === 0 && !this.isDirty && !this.isBlocked && !this.assembly.isActive
  }

  #moveReceived(sent: number, windowBytes: number): void {
    // Of a new session, grant as soon as possible: the peer knows only the initial credit.
    const isNew = this.#received === undefined
    this.#received = sent
    if (isNew || sent + windowBytes - this.#grantTold >= windowBytes / 4) this.isGrantDue = true
  }
}
