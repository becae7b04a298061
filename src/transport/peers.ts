/**
 * The peers that a transport remembers, and what all of them share: the budget that bounds what they may have under way to us, the
 * subjects, and the counter from which a forgotten peer's streams go on. Sends nothing.
 */
import { assert, type Clock } from '../base/index.ts'
import { AssemblyBudget } from './assembly.ts'
import { CHANNELS, type Channel } from './channels.ts'
import { TRANSPORT_LIMITS } from './limits.ts'
import type { OutboxIdentity } from './outbox.ts'
import { Peer } from './peer.ts'
import { Stream } from './stream.ts'
import { isAddress, subjectOf } from './subject.ts'

export class Peers {
  readonly assemblyBudget = new AssemblyBudget()
  readonly #clusterId: string
  readonly #identity: OutboxIdentity
  readonly #peers = new Map<string, Peer>()
  /** Streams per channel; they share the channel's receive budget. */
  readonly #streamCounts: number[] = CHANNELS.map(() => 0)
  /** No stream of a forgotten peer had sent more than this. New ones begin here, so their peer never sees a counter go back. */
  #sentByForgotten = 0

  constructor(clusterId: string, identity: OutboxIdentity) {
    this.#clusterId = clusterId
    this.#identity = identity
  }

  get size(): number {
    return this.#peers.size
  }

  all(): IterableIterator<Peer> {
    return this.#peers.values()
  }

  find(address: string): Peer | undefined {
    return this.#peers.get(address)
  }

  /** The stream to an address that our own side chose. An address that is none is the caller's mistake. */
  streamTo(address: string, channel: Channel, clock: Clock): Stream {
    const peer = this.#peers.get(address)
    const stream = peer?.stream(channel)
    if (stream !== undefined) return stream
    assert(isAddress(address), `${JSON.stringify(address)} is not an address`)
    return this.#addStream(peer ?? this.#add(address, clock.nowMs()), channel)
  }

  /** The stream of a sender we were told of, or undefined when that cannot be one, or when there are too many. */
  streamFrom(address: string, channel: Channel, nowMs: number): Stream | undefined {
    let peer = this.#peers.get(address)
    if (peer === undefined) {
      if (!isAddress(address) || this.#peers.size >= TRANSPORT_LIMITS.peersMax) return undefined
      peer = this.#add(address, nowMs)
    }
    return peer.stream(channel) ?? this.#addStream(peer, channel)
  }

  /** What one peer may have under way to us on a channel. */
  windowBytes(channel: Channel): number {
    const share = Math.floor(TRANSPORT_LIMITS.receiveBudgetBytes / Math.max(1, this.#streamCounts[channel] as number))
    return Math.min(TRANSPORT_LIMITS.windowBytesMax, Math.max(TRANSPORT_LIMITS.windowBytesMin, share))
  }

  /** Forgets those that are idle and were silent for long. */
  forgetSilent(nowMs: number): void {
    for (const peer of this.#peers.values()) {
      if (nowMs - peer.heardMs <= TRANSPORT_LIMITS.peerSilentMsMax) continue
      const streams = peer.streams()
      if (!streams.every((stream) => stream.isIdle)) continue
      for (const stream of streams) {
        this.#sentByForgotten = Math.max(this.#sentByForgotten, stream.sent)
        this.#streamCounts[stream.channel] = (this.#streamCounts[stream.channel] as number) - 1
      }
      this.#peers.delete(peer.address)
    }
  }

  #add(address: string, nowMs: number): Peer {
    const peer = new Peer(address, nowMs)
    this.#peers.set(address, peer)
    return peer
  }

  #addStream(peer: Peer, channel: Channel): Stream {
    const subject = subjectOf(this.#clusterId, channel, peer.address)
    const stream = new Stream(peer, channel, subject, this.#identity, this.assemblyBudget, this.#sentByForgotten)
    peer.setStream(stream)
    this.#streamCounts[channel] = (this.#streamCounts[channel] as number) + 1
    return stream
  }
}
