/**
 * The requests of this process that have no answer yet. A request's id is its place in a table and the generation of that place, so an
 * answer finds its request without a search, and a late or repeated one finds that the generation has passed. Ids mean something only
 * together with the transport's session. One timer wheel serves all deadlines; the timer itself is the owner's.
 */
import { assert, LIMITS } from '../base/index.ts'
import { TRANSPORT_LIMITS } from './limits.ts'
import type { Stream } from './stream.ts'
import { TimerWheel } from './timer-wheel.ts'
import type { RequestFailure } from './transport.ts'

export type RequestDone = (answer: Uint8Array | RequestFailure) => void

const PLACES = LIMITS.inflightRequestsMax

class Place {
  generation = 1
  done: RequestDone | undefined
  /** Where the request was queued and in which frame: tells whether it has left. */
  stream: Stream | undefined
  openedMs = 0
  frameNumber = 0
}

export class PendingRequests {
  readonly #places: Place[] = []
  readonly #free: number[] = []
  readonly #wheel = new TimerWheel(PLACES, TRANSPORT_LIMITS.timerSlotMs, LIMITS.requestTimeoutMsMax + 1_000)
  readonly #onDue = (place: number): void => this.#expire(place)

  get size(): number {
    return this.#wheel.size
  }

  /** The id of a new request, or undefined when there are as many as may be. */
  open(nowMs: number, timeoutMs: number, done: RequestDone): number | undefined {
    const index = this.#free.pop() ?? this.#places.length
    if (index === PLACES) return undefined
    if (index === this.#places.length) this.#places.push(new Place())
    const place = this.#at(index)
    place.done = done
    place.openedMs = nowMs
    this.#wheel.arm(index, nowMs, timeoutMs)
    return place.generation * PLACES + index
  }

  /** Notes where the request waits to leave. */
  queued(id: number, stream: Stream, frameNumber: number): void {
    const place = this.#at(id % PLACES)
    place.stream = stream
    place.frameNumber = frameNumber
  }

  has(id: number): boolean {
    const place = this.#places[id % PLACES]
    return place !== undefined && place.done !== undefined && place.generation === Math.floor(id / PLACES)
  }

  /** Ends request `id`. False when it has ended before. */
  settle(id: number, answer: Uint8Array | RequestFailure): boolean {
    if (!this.has(id)) return false
    const index = id % PLACES
    this.#wheel.disarm(index)
    this.#finish(index, answer)
    return true
  }

  /** Ends all whose time has come. */
  advance(nowMs: number): void {
    this.#wheel.advance(nowMs, this.#onDue)
  }

  /** The streams on which somebody waits for an answer, each with the time of its oldest request. */
  waiting(): Map<Stream, number> {
    const oldest = new Map<Stream, number>()
    for (const { done, stream, openedMs } of this.#places) {
      if (done === undefined || stream === undefined) continue
      oldest.set(stream, Math.min(openedMs, oldest.get(stream) ?? openedMs))
    }
    return oldest
  }

  /** Ends every request on a stream, as if its time had come. */
  expireOn(stream: Stream): void {
    for (const [index, place] of this.#places.entries()) {
      if (place.done === undefined || place.stream !== stream) continue
      this.#wheel.disarm(index)
      this.#expire(index)
    }
  }

  /** The process that took the requests of a stream is gone: they end without an answer. Those that have not left may go to its successor. */
  expireSentOn(stream: Stream): void {
    for (const [index, place] of this.#places.entries()) {
      if (place.done === undefined || place.stream !== stream || stream.outbox.lastTaken < place.frameNumber) continue
      this.#wheel.disarm(index)
      this.#expire(index)
    }
  }

  settleAll(answer: RequestFailure): void {
    for (const [index, place] of this.#places.entries()) this.settle(place.generation * PLACES + index, answer)
  }

  /**
   * The peer of a stream said goodbye: its requests end. Those that have not left and, where `isComplete`, those of which no answer can have been
   * lost (they were sent after `gapMs`) certainly did nothing.
   */
  endOn(stream: Stream, isComplete: boolean, gapMs: number): void {
    for (const [index, place] of this.#places.entries()) {
      if (place.done === undefined || place.stream !== stream) continue
      this.#wheel.disarm(index)
      const hasLeft = stream.outbox.lastTaken >= place.frameNumber
      if (hasLeft && isComplete && place.openedMs > gapMs) this.#finish(index, 'not-sent')
      else this.#expire(index)
    }
  }

  #expire(index: number): void {
    const { stream, frameNumber } = this.#at(index)
    if (stream !== undefined && stream.outbox.lastTaken < frameNumber) {
      // It must not leave after its asker was told that it did not.
      stream.outbox.hasEndedRequests = true
      this.#finish(index, 'not-sent')
    } else {
      this.#finish(index, 'no-answer')
    }
  }

  #finish(index: number, answer: Uint8Array | RequestFailure): void {
    const place = this.#at(index)
    const { done } = place
    assert(done !== undefined, `request place ${index} ends twice`)
    place.done = undefined
    place.stream = undefined
    place.generation++
    this.#free.push(index)
    done(answer)
  }

  #at(index: number): Place {
    const place = this.#places[index]
    assert(place !== undefined, `request place ${index} of ${this.#places.length}`)
    return place
  }
}
