/**
 * What waits to go to one peer on one channel: messages in order, already laid out as the arrays of frames, none larger than the broker
 * takes. A message too large for a frame is cut here. It knows nothing of credits, connections or time; `Stream` decides what leaves.
 */
import type { Channel } from './channels.ts'
import {
  ENTRY_BYTES,
  entryValues,
  FRAGMENT_FIRST,
  FRAGMENT_NEXT,
  FRAME_VERSION,
  HEADER_BYTES,
  HEADER_VALUES,
  ITEM,
  type MessageKind,
  REPLY,
  REQUEST_ENTRY,
} from './frame.ts'

/** One frame to be. Its header is completed when it leaves. */
export interface OutgoingFrame {
  /** Frames of an outbox are numbered from 1. */
  number: number
  /** The entries' cost in credit. */
  bytes: number
  readonly values: unknown[]
}

export interface OutboxIdentity {
  readonly address: string
  readonly incarnation: string
  readonly session: number
}

/** Says of each queued message, its fragments included, whether it stays. */
export type KeepMessage = (kind: MessageKind, id: number) => boolean

export class Outbox {
  readonly channel: Channel
  /** A request ended while it was queued here; it must be filtered out before anything leaves. */
  hasEndedRequests = false
  readonly #identity: OutboxIdentity
  /** Full frames, oldest first. */
  readonly #sealed: OutgoingFrame[] = []
  #open: OutgoingFrame
  #spare: OutgoingFrame | undefined
  #queuedBytes = 0
  #lastTaken = 0
  #cutItems = 0

  constructor(channel: Channel, identity: OutboxIdentity) {
    this.channel = channel
    this.#identity = identity
    this.#open = this.#newFrame(1)
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** The number of the youngest frame that left: a message whose frame number is larger is still here. */
  get lastTaken(): number {
    return this.#lastTaken
  }

  get hasFullFrames(): boolean {
    return this.#sealed.length > 0
  }

  /** Appends a message; answers the number of the frame without which it cannot be read. */
  append(kind: MessageKind, id: number, timeoutMs: number, body: Uint8Array, frameBytesMax: number): number {
    const room = frameBytesMax - HEADER_BYTES - ENTRY_BYTES
    if (body.length > room) return this.#appendFragments(kind, id, timeoutMs, body, room)
    const frame = this.#frameFor(ENTRY_BYTES + body.length, frameBytesMax)
    if (kind === ITEM) frame.values.push(ITEM, body)
    else if (kind === REPLY) frame.values.push(REPLY, id, body)
    else frame.values.push(REQUEST_ENTRY, id, timeoutMs, body)
    return frame.number
  }

  /** The oldest frame, or undefined when nothing waits. */
  oldest(): OutgoingFrame | undefined {
    return this.#sealed[0] ?? (this.#open.bytes > 0 ? this.#open : undefined)
  }

  /** Removes `frame`, which must be the oldest. Once its bytes are written, `recycle` it. */
  take(frame: OutgoingFrame): void {
    if (this.#sealed[0] === frame) this.#sealed.shift()
    else this.#open = this.#newFrame(frame.number + 1)
    this.#queuedBytes -= frame.bytes
    this.#lastTaken = frame.number
  }

  recycle(frame: OutgoingFrame): void {
    frame.values.length = HEADER_VALUES
    frame.bytes = 0
    this.#spare = frame
  }

  /** Removes from all frames what `keep` refuses. */
  filter(keep: KeepMessage): void {
    for (const frame of this.#sealed) this.#queuedBytes -= filterFrame(frame, keep)
    this.#queuedBytes -= filterFrame(this.#open, keep)
    let kept = 0
    for (const frame of this.#sealed) if (frame.bytes > 0) this.#sealed[kept++] = frame
    this.#sealed.length = kept
  }

  #appendFragments(kind: MessageKind, id: number, timeoutMs: number, body: Uint8Array, room: number): number {
    let number = 0
    // Items have no id of their own, but fragments need one: with the end of one message and the beginning of the next lost, what remains
    // would fit together.
    const messageId = kind === ITEM ? ++this.#cutItems : id
    for (let offset = 0; offset < body.length; offset += room) {
      const chunk = body.subarray(offset, offset + room)
      const frame = this.#frameFor(ENTRY_BYTES + chunk.length, room + HEADER_BYTES + ENTRY_BYTES)
      if (offset === 0) frame.values.push(FRAGMENT_FIRST, kind, messageId, timeoutMs, body.length, chunk)
      else frame.values.push(FRAGMENT_NEXT, kind, messageId, offset, chunk)
      number = frame.number
    }
    return number
  }

  /** The frame that takes `bytes` more; they are counted at once. */
  #frameFor(bytes: number, frameBytesMax: number): OutgoingFrame {
    if (this.#open.bytes > 0 && HEADER_BYTES + this.#open.bytes + bytes > frameBytesMax) {
      this.#sealed.push(this.#open)
      this.#open = this.#newFrame(this.#open.number + 1)
    }
    this.#open.bytes += bytes
    this.#queuedBytes += bytes
    return this.#open
  }

  #newFrame(number: number): OutgoingFrame {
    const spare = this.#spare
    if (spare !== undefined) {
      this.#spare = undefined
      spare.number = number
      return spare
    }
    return { number, bytes: 0, values: frameHeader(this.#identity) }
  }
}

/** The header of a frame from us; what depends on the stream is still 0. */
export function frameHeader({ address, incarnation, session }: OutboxIdentity): unknown[] {
  return [FRAME_VERSION, address, incarnation, session, 0, 0, 0]
}

/** Removes from `frame` the messages that `keep` refuses; answers how many bytes of credit they would have cost. */
export function filterFrame(frame: OutgoingFrame, keep: KeepMessage): number {
  const { values } = frame
  const bytesBefore = frame.bytes
  let target = HEADER_VALUES
  for (let at = HEADER_VALUES; at < values.length; ) {
    const kind = values[at] as number
    const length = entryValues(kind)
    const isFragment = kind === FRAGMENT_FIRST || kind === FRAGMENT_NEXT
    const whole = (isFragment ? values[at + 1] : kind) as MessageKind
    const id = whole === ITEM ? 0 : (values[isFragment ? at + 2 : at + 1] as number)
    if (keep(whole, id)) {
      values.copyWithin(target, at, at + length)
      target += length
    } else {
      frame.bytes -= ENTRY_BYTES + (values[at + length - 1] as Uint8Array).length
    }
    at += length
  }
  values.length = target
  return bytesBefore - frame.bytes
}
