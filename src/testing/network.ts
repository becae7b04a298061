/**
 * The simulated network: one broker and the connections to it, with the semantics of NATS (at most once, in order per connection and
 * subject) and, where a run asks for it, worse ones: frames repeated and out of order, which no broker does and which must not harm safety
 * either. Connections are `SimulatedWire`s under the real `FrameTransport`; nothing above the `Wire` port is simulated.
 */
import { crc32 } from 'node:zlib'
import { assert, LIMITS } from '../base/index.ts'
import type { Wire } from '../transport/index.ts'
import type { FaultCounts } from './fault-counts.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import type { Timeline } from './timeline.ts'

/** What happens to frames by chance. */
export interface NetworkFaults {
  readonly lostPerMille: number
  readonly repeatedPerMille: number
  /** Frames that may overtake what left before them. */
  readonly reorderedPerMille: number
  readonly delayUsMin: number
  readonly delayUsMax: number
  /** Frames that take up to `spikeUsMax`; what leaves behind them on the same link waits. */
  readonly spikePerMille: number
  readonly spikeUsMax: number
  /** Bytes that may wait for one connection before the broker drops it as a slow consumer. */
  readonly pendingBytesMax: number
}

export const CALM_NETWORK: NetworkFaults = {
  lostPerMille: 0,
  repeatedPerMille: 0,
  reorderedPerMille: 0,
  delayUsMin: 150,
  delayUsMax: 600,
  spikePerMille: 0,
  spikeUsMax: 0,
  pendingBytesMax: Number.POSITIVE_INFINITY,
}

/** The way of one connection's frames to one subject. */
interface Link {
  readonly from: string
  readonly to: string
  readonly subject: string
  /** Nothing arrives before this: what left earlier comes first. */
  busyUntilUs: number
}

interface Subscription {
  readonly wire: SimulatedWire
  readonly deliver: (bytes: Uint8Array) => void
}

/** Told of each frame that leaves; for traces. */
export type FrameObserver = (fate: 'sent' | 'lost' | 'cut', from: string, to: string, bytes: Uint8Array) => void

export class Network {
  faults: NetworkFaults = CALM_NETWORK
  observe: FrameObserver = () => {}
  readonly #timeline: Timeline
  readonly #random: SeededRandom
  readonly #counts: FaultCounts
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #wires = new Set<SimulatedWire>()
  readonly #cuts = new Set<string>()
  readonly #clogs = new Map<string, number>()
  #isUp = true

  constructor(timeline: Timeline, random: SeededRandom, counts: FaultCounts) {
    this.#timeline = timeline
    this.#random = random
    this.#counts = counts
  }

  get isUp(): boolean {
    return this.#isUp
  }

  connect(process: SimulatedProcess, address: string): SimulatedWire {
    const wire = new SimulatedWire(this, process, address)
    this.#wires.add(wire)
    if (this.#isUp) wire.setOpen(true)
    return wire
  }

  /** The broker ends: all connections are lost, and all frames under way. */
  stopBroker(): void {
    if (!this.#isUp) return
    this.#counts.add('broker-stop')
    this.#isUp = false
    for (const wire of [...this.#wires]) wire.setOpen(false)
  }

  /** A broker starts; every process finds it after a time of its own. */
  startBroker(): void {
    if (this.#isUp) return
    this.#isUp = true
    for (const wire of this.#wires) this.#reconnect(wire, this.#random.between(1_000, 250_000))
  }

  /** The broker drops connections of one process for whatever reason; the process reconnects. */
  disconnect(address: string): void {
    for (const wire of [...this.#wires])
      if (wire.address === address && wire.isOpen && !this.#random.chance(400)) this.#drop(wire, 'disconnect')
  }

  /** Loses every frame from one address to another until `mend`. */
  cut(from: string, to: string): void {
    if (from !== to) this.#cuts.add(`${from}>${to}`)
  }

  mend(from: string, to: string): void {
    this.#cuts.delete(`${from}>${to}`)
  }

  /** Frames of one address to another wait until then, and arrive in order afterwards. */
  clog(from: string, to: string, untilUs: number): void {
    this.#clogs.set(`${from}>${to}`, untilUs)
    this.#counts.add('clog')
  }

  /** Ends everything that was switched on from outside. */
  heal(): void {
    this.faults = CALM_NETWORK
    this.#cuts.clear()
    this.#clogs.clear()
    this.startBroker()
  }

  // For SimulatedWire

  subscribe(subject: string, wire: SimulatedWire, deliver: (bytes: Uint8Array) => void): void {
    const holder = this.#subscriptions.get(subject)?.wire
    assert(holder === undefined || !holder.isAttached, `two living processes listen on ${subject}`)
    this.#subscriptions.set(subject, { wire, deliver })
  }

  /** The process has closed the connection, or is dead. */
  detach(wire: SimulatedWire): void {
    this.#wires.delete(wire)
    for (const [subject, subscription] of this.#subscriptions)
      if (subscription.wire === wire) this.#subscriptions.delete(subject)
  }

  publish(wire: SimulatedWire, link: Link, bytes: Uint8Array): void {
    const { faults } = this
    if (this.#cuts.size > 0 && this.#cuts.has(`${link.from}>${link.to}`)) {
      this.#counts.add('frame-cut')
      this.observe('cut', link.from, link.to, bytes)
      return
    }
    const random = this.#random
    if (random.chance(faults.lostPerMille)) {
      this.#counts.add('frame-lost')
      this.observe('lost', link.from, link.to, bytes)
      return
    }
    this.observe('sent', link.from, link.to, bytes)
    let delayUs = random.between(faults.delayUsMin, faults.delayUsMax)
    if (random.chance(faults.spikePerMille)) {
      delayUs += random.below(faults.spikeUsMax)
      this.#counts.add('frame-delayed')
    }
    const { nowUs } = this.#timeline
    const clogged = this.#clogs.size === 0 ? 0 : (this.#clogs.get(`${link.from}>${link.to}`) ?? 0)
    let dueUs = Math.max(nowUs + delayUs, clogged)
    if (random.chance(faults.reorderedPerMille)) {
      dueUs += random.below(20_000)
      this.#counts.add('frame-reordered')
    } else {
      dueUs = Math.max(dueUs, link.busyUntilUs)
      link.busyUntilUs = dueUs
    }
    const detail = crc32(bytes)
    this.#carry(wire, link, bytes, dueUs, detail)
    if (random.chance(faults.repeatedPerMille)) {
      this.#counts.add('frame-repeated')
      this.#carry(wire, link, bytes, dueUs + random.below(50_000), detail)
    }
  }

  #carry(wire: SimulatedWire, link: Link, bytes: Uint8Array, dueUs: number, detail: number): void {
    const subscription = this.#subscriptions.get(link.subject)
    if (subscription === undefined) return
    const { wire: receiver, deliver } = subscription
    const { run: sentOn } = wire
    const { run: receivedOn } = receiver
    receiver.pendingBytes += bytes.length
    if (receiver.isOpen && receiver.pendingBytes > this.faults.pendingBytesMax) this.#drop(receiver, 'slow-consumer')
    receiver.process.arrival(
      dueUs - this.#timeline.nowUs,
      () => {
        // A connection that was lost meanwhile, on either side, takes what was under way with it; so does a cut.
        if (receiver.run !== receivedOn) return
        receiver.pendingBytes -= bytes.length
        if (wire.lostRun === sentOn) return
        if (this.#cuts.size > 0 && this.#cuts.has(`${link.from}>${link.to}`)) {
          this.#counts.add('frame-cut')
          return
        }
        deliver(bytes)
      },
      detail,
    )
  }

  #drop(wire: SimulatedWire, reason: 'disconnect' | 'slow-consumer'): void {
    this.#counts.add(reason)
    wire.setOpen(false)
    this.#reconnect(wire, this.#random.between(1_000, 2_000_000))
  }

  #reconnect(wire: SimulatedWire, delayUs: number): void {
    wire.process.arrival(delayUs, () => {
      if (this.#isUp && this.#wires.has(wire)) wire.setOpen(true)
    })
  }
}

/** One connection of one process to the broker. */
export class SimulatedWire implements Wire {
  readonly payloadBytesMax = LIMITS.frameBytesMax
  readonly process: SimulatedProcess
  readonly address: string
  readonly #network: Network
  readonly #links = new Map<string, Link>()
  #onChange: (() => void) | undefined
  #isOpen = false
  #isClosed = false
  /** Counts connections made and lost. */
  run = 0
  /** On their way to this connection, or waiting because its process sleeps. */
  pendingBytes = 0
  /** The latest run that the broker ended, and with it the frames that were under way. */
  lostRun = -1

  constructor(network: Network, process: SimulatedProcess, address: string) {
    this.#network = network
    this.process = process
    this.address = address
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Whether a living process still holds it. */
  get isAttached(): boolean {
    return !this.#isClosed && this.process.isAlive
  }

  publish(subject: string, bytes: Uint8Array): boolean {
    if (!this.#isOpen) return false
    // A dead process does not learn that it is dead.
    if (!this.process.effect()) return true
    let link = this.#links.get(subject)
    if (link === undefined) {
      link = { from: this.address, to: subject.slice(subject.lastIndexOf('.') + 1), subject, busyUntilUs: 0 }
      this.#links.set(subject, link)
    }
    this.#network.publish(this, link, bytes)
    return true
  }

  subscribe(subject: string, deliver: (bytes: Uint8Array) => void): void {
    this.#network.subscribe(subject, this, deliver)
  }

  watch(onChange: () => void): void {
    this.#onChange = onChange
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#isOpen = false
    this.#network.detach(this)
  }

  /** For the network only. */
  setOpen(isOpen: boolean): void {
    if (this.#isClosed || isOpen === this.#isOpen) return
    if (!isOpen) this.lostRun = this.run
    this.run++
    this.pendingBytes = 0
    this.#isOpen = isOpen
    if (this.process.isAlive) this.process.arrival(0, () => this.#onChange?.())
  }
}
