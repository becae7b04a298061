/**
 * A broker inside one process: it carries frames between the transports of one cluster, or of many. Everything it does goes through the
 * injected clock and random source, so a simulator that owns them replays a run exactly. Like a real connection it keeps order per
 * sender and subject, also where frames are delayed; what it may lose, repeat or hold back is asked of `faults`.
 */
import { assert, type Clock, type Random } from '../../base/index.ts'
import type { ChannelName } from '../channels.ts'

/** One frame on its way. */
export interface MemoryFrame {
  readonly from: string
  readonly to: string
  readonly channel: ChannelName
  readonly bytes: Uint8Array
}

export interface MemoryFaults {
  /** Frames of a thousand that are lost. */
  readonly lostPerMille?: number
  /** Frames of a thousand that arrive twice. */
  readonly repeatedPerMille?: number
  readonly delayMsMin?: number
  readonly delayMsMax?: number
}

/**
 * Decides about one frame: how many milliseconds from now each copy of it arrives. An empty list loses it; undefined leaves it to
 * `faults`.
 */
export type MemoryPolicy = (frame: MemoryFrame) => readonly number[] | undefined

export interface MemoryHubOptions {
  readonly clock: Clock
  /** Needed for faults that happen by chance. */
  readonly random?: Random
}

export type Deliver = (bytes: Uint8Array) => void

interface MemoryDelivery {
  readonly link: Link
  readonly bytes: Uint8Array
  /** Of the broker that took it: a restarted one knows nothing of it. */
  readonly run: number
}

/** The way of one sender's frames to one subject. */
interface Link {
  readonly from: string
  readonly to: string
  readonly channel: ChannelName
  readonly subject: string
  /** Frames under way with a delay, in order of arrival. */
  readonly delayed: { readonly dueMs: number; readonly delivery: MemoryDelivery }[]
}

/** What the hub tells a connection. */
export interface HubMember {
  onHubChange(): void
}

export class MemoryHub {
  readonly clock: Clock
  faults: MemoryFaults = {}
  policy: MemoryPolicy | undefined
  readonly #random: Random | undefined
  readonly #subscribers = new Map<string, Deliver>()
  readonly #members = new Set<HubMember>()
  readonly #cuts = new Set<string>()
  readonly #drain = (): void => this.#deliverReady()
  #ready: MemoryDelivery[] = []
  #isUp = true
  #run = 0

  constructor(options: MemoryHubOptions) {
    this.clock = options.clock
    this.#random = options.random
  }

  /** Whether the "broker" runs. */
  get isUp(): boolean {
    return this.#isUp
  }

  /** Takes the broker away: every transport loses its connection, frames under way are lost. */
  stop(): void {
    this.#isUp = false
    this.#run++
    for (const member of this.#members) member.onHubChange()
  }

  /** Brings the broker back; transports find it a turn later. */
  start(): void {
    this.#isUp = true
    this.clock.soon(() => {
      for (const member of this.#members) member.onHubChange()
    })
  }

  /** Loses all frames from one address to another until `mend` or `heal`; the other direction goes on. */
  cut(from: string, to: string): void {
    this.#cuts.add(cutKey(from, to))
  }

  mend(from: string, to: string): void {
    this.#cuts.delete(cutKey(from, to))
  }

  /** Cuts both directions between any address of `left` and any of `right`. */
  partition(left: readonly string[], right: readonly string[]): void {
    for (const one of left) {
      for (const other of right) {
        this.cut(one, other)
        this.cut(other, one)
      }
    }
  }

  /** Ends all cuts. */
  heal(): void {
    this.#cuts.clear()
  }

  // For MemoryWire

  join(member: HubMember): void {
    this.#members.add(member)
  }

  leave(member: HubMember): void {
    this.#members.delete(member)
  }

  subscribe(subject: string, deliver: Deliver): void {
    assert(!this.#subscribers.has(subject), `two transports listen on ${subject}`)
    this.#subscribers.set(subject, deliver)
  }

  unsubscribe(subject: string): void {
    this.#subscribers.delete(subject)
  }

  publish(link: Link, bytes: Uint8Array): void {
    if (this.#cuts.size > 0 && this.#cuts.has(cutKey(link.from, link.to))) return
    const delays = this.policy?.({ from: link.from, to: link.to, channel: link.channel, bytes }) ?? this.#chance()
    for (const delayMs of delays) this.#carry(link, bytes, delayMs)
  }

  #chance(): readonly number[] {
    const { lostPerMille = 0, repeatedPerMille = 0, delayMsMin = 0, delayMsMax = delayMsMin } = this.faults
    if (lostPerMille > 0 && this.#below(1000) < lostPerMille) return []
    const delays = [delayMsMin + (delayMsMax > delayMsMin ? this.#below(delayMsMax - delayMsMin + 1) : 0)]
    if (repeatedPerMille > 0 && this.#below(1000) < repeatedPerMille) delays.push(...delays)
    return delays
  }

  #below(bound: number): number {
    assert(this.#random !== undefined, 'a hub with faults by chance needs a random source')
    return this.#random.below(bound)
  }

  #carry(link: Link, bytes: Uint8Array, delayMs: number): void {
    const last = link.delayed.at(-1)
    const delivery = { link, bytes, run: this.#run }
    if (delayMs <= 0 && last === undefined) {
      this.#ready.push(delivery)
      if (this.#ready.length === 1) this.clock.soon(this.#drain)
      return
    }
    // Never before what left earlier: a connection does not reorder.
    const dueMs = Math.max(last?.dueMs ?? 0, this.clock.nowMs() + delayMs)
    link.delayed.push({ dueMs, delivery })
    if (last === undefined) this.#awaitDelayed(link)
  }

  #awaitDelayed(link: Link): void {
    const first = link.delayed[0]
    if (first === undefined) return
    this.clock.after(Math.max(0, first.dueMs - this.clock.nowMs()), () => {
      const nowMs = this.clock.nowMs()
      for (let next = link.delayed[0]; next !== undefined && next.dueMs <= nowMs; next = link.delayed[0]) {
        // Delivered before it is removed, so that what it causes lines up behind it.
        this.#deliver(next.delivery)
        link.delayed.shift()
      }
      this.#awaitDelayed(link)
    })
  }

  #deliverReady(): void {
    const ready = this.#ready
    this.#ready = []
    for (const delivery of ready) this.#deliver(delivery)
  }

  #deliver({ link, bytes, run }: MemoryDelivery): void {
    // Asked again on arrival: a broker that went away, or a cut, takes what was under way.
    if (!this.#isUp || run !== this.#run || this.#cuts.has(cutKey(link.from, link.to))) return
    this.#subscribers.get(link.subject)?.(bytes)
  }
}

export type { Link as MemoryLink }

export function createMemoryHub(options: MemoryHubOptions): MemoryHub {
  return new MemoryHub(options)
}

function cutKey(from: string, to: string): string {
  return `${from}>${to}`
}
