/**
 * The bytes of a frame, in one place: what `Outbox` queues is written here and what a wire delivers is read here. It knows nothing of
 * credits, peers or order.
 *
 * A frame is one msgpack array. It begins with a header of seven values:
 *
 *   | index | value       | type | meaning                                                                        |
 *   |-------|-------------|------|--------------------------------------------------------------------------------|
 *   | 0     | version     | uint | 1; a reader refuses any other, and says which it met                             |
 *   | 1     | from        | str  | the sender's address: where answers go                                         |
 *   | 2     | incarnation | str  | what the sender says of its data                                               |
 *   | 3     | session     | uint | random, new with every transport instance                                      |
 *   | 4     | toSession   | uint | the receiver's session as the sender knows it; 0 when it does not              |
 *   | 5     | sent        | uint | bytes the sender has put on this stream, this frame's entries included         |
 *   | 6     | grant       | uint | what `sent` of the receiver's stream to the sender may grow to; 0 when unknown |
 *
 * Then come entries, each a kind and its values, without a separator:
 *
 *   | kind | values                                   | meaning                                                                  |
 *   |------|------------------------------------------|--------------------------------------------------------------------------|
 *   | 0    | body                                     | a one-way item                                                           |
 *   | 1    | id, timeoutMs, body                      | a request                                                                |
 *   | 2    | id, body                                 | the answer to request `id` of `toSession`                                |
 *   | 3    | of, id, timeoutMs, size, body            | the first fragment of an entry of kind `of` whose body has `size` bytes  |
 *   | 4    | of, id, offset, body                     | the next fragment of the entry that is under way                         |
 *   | 5    |                                          | asks for a grant                                                         |
 *   | 6    | complete                                 | goodbye; 1 when each request of the receiver that came was answered      |
 *
 * The id of a fragmented item counts the fragmented items of the stream, so that fragments of two never pass for one. Numbers are whole
 * and below 2^53, bodies are bin. Frames are written by the msgpack library; the reader is our own and knows just
 * this grammar: it takes no nested value, so garbage costs neither memory nor stack, and it makes no array on the way.
 */
import { Encoder } from '@msgpack/msgpack'
import { LIMITS } from '../base/index.ts'
import { TRANSPORT_LIMITS } from './limits.ts'
import { MsgpackReader } from './msgpack-reader.ts'

export const FRAME_VERSION = 1

export const ITEM = 0
export const REQUEST_ENTRY = 1
export const REPLY = 2
export const FRAGMENT_FIRST = 3
export const FRAGMENT_NEXT = 4
export const PROBE = 5
export const GOODBYE = 6
/** What a whole message can be. */
export type MessageKind = typeof ITEM | typeof REQUEST_ENTRY | typeof REPLY

/** Values of the header in a frame's array. */
export const HEADER_VALUES = 7
/** An upper bound of what the header and the array take. */
export const HEADER_BYTES = TRANSPORT_LIMITS.addressCharsMax + TRANSPORT_LIMITS.incarnationCharsMax + 64
/** An upper bound of what an entry takes beside its body, and what it costs of credit, so that empty bodies cost something too. */
export const ENTRY_BYTES = 32

/** How many values an entry has, its kind included; 0 for what is no kind. */
export function entryValues(kind: number): number {
  return ENTRY_VALUES[kind] ?? 0
}

const ENTRY_VALUES: readonly number[] = [2, 4, 3, 6, 5, 1, 2]

/** Turns the array of a frame into bytes. Reuses one buffer, so what it returns is a copy of the right size. */
export class FrameWriter {
  readonly #encoder = new Encoder({ initialBufferSize: 16 * 1024 })

  write(values: readonly unknown[]): Uint8Array {
    return Buffer.from(this.#encoder.encodeSharedRef(values))
  }
}

/**
 * Reads one frame after the other into the same arrays: entry `i` is `kinds[i]`, `ids[i]` and so on. What they hold is void with the
 * next `read`; the bodies are views of the bytes that were read and stay good.
 */
export class FrameReader {
  from = ''
  incarnation = ''
  session = 0
  toSession = 0
  sent = 0
  grant = 0
  /** Whether the sender asks for a grant. */
  probe = false
  /** Whether the sender takes its leave, and then whether it owes no answer. */
  goodbye: 'none' | 'complete' | 'incomplete' = 'none'
  /** What the entries cost their sender of credit. */
  cost = 0
  /** Of bytes that were refused because they begin like a frame of another version: that version, else 0. */
  otherVersion = 0
  /** Kinds 0 to 4. */
  readonly kinds: number[] = []
  /** Of fragments: the kind of the whole. */
  readonly wholes: number[] = []
  readonly ids: number[] = []
  readonly timeouts: number[] = []
  /** Of the first fragment the size of the whole, of others the offset. */
  readonly places: number[] = []
  readonly bodies: Uint8Array[] = []
  readonly #reader = new MsgpackReader()

  /** False when these bytes are no frame; the fields are void then. */
  read(bytes: Uint8Array): boolean {
    if (bytes.length > LIMITS.frameBytesMax) return false
    this.kinds.length = 0
    this.wholes.length = 0
    this.ids.length = 0
    this.timeouts.length = 0
    this.places.length = 0
    this.bodies.length = 0
    this.probe = false
    this.goodbye = 'none'
    this.cost = 0
    const reader = this.#reader
    reader.open(bytes)
    const valueCount = reader.array()
    this.otherVersion = 0
    if (valueCount < 1) return false
    const version = reader.uint()
    if (version !== FRAME_VERSION) {
      if (!reader.failed) this.otherVersion = version
      return false
    }
    if (valueCount < HEADER_VALUES) return false
    this.from = reader.text(TRANSPORT_LIMITS.addressCharsMax)
    this.incarnation = reader.text(TRANSPORT_LIMITS.incarnationCharsMax)
    this.session = reader.uint()
    this.toSession = reader.uint()
    this.sent = reader.uint()
    this.grant = reader.uint()
    let left = valueCount - HEADER_VALUES
    while (left > 0 && !reader.failed) {
      const kind = reader.uint()
      left -= entryValues(kind)
      if (left < 0 || !this.#readEntry(kind, reader)) return false
    }
    return !reader.failed && reader.atEnd && this.session > 0
  }

  #readEntry(kind: number, reader: MsgpackReader): boolean {
    switch (kind) {
      case ITEM:
        return this.#add(kind, kind, 0, 0, 0, reader.bin())
      case REQUEST_ENTRY:
        return this.#add(kind, kind, reader.uint(), reader.uint(), 0, reader.bin())
      case REPLY:
        return this.#add(kind, kind, reader.uint(), 0, 0, reader.bin())
      case FRAGMENT_FIRST:
        return this.#add(kind, reader.uint(), reader.uint(), reader.uint(), reader.uint(), reader.bin())
      case FRAGMENT_NEXT: {
        const whole = reader.uint()
        return this.#add(kind, whole, reader.uint(), 0, reader.uint(), reader.bin())
      }
      case PROBE:
        this.probe = true
        return true
      case GOODBYE:
        this.goodbye = reader.uint() === 1 ? 'complete' : 'incomplete'
        return true
      default:
        return false
    }
  }

  #add(kind: number, whole: number, id: number, timeout: number, place: number, body: Uint8Array): boolean {
    this.kinds.push(kind)
    this.wholes.push(whole)
    this.ids.push(id)
    this.timeouts.push(timeout)
    this.places.push(place)
    this.bodies.push(body)
    this.cost += ENTRY_BYTES + body.length
    return whole <= REPLY
  }
}

/** One entry of a frame, for those who only look at frames. */
export interface FrameEntry {
  readonly kind: 'item' | 'request' | 'reply' | 'fragment'
  readonly body: Uint8Array
}

/** What a frame carries, in order; undefined when the bytes are none. For traces: the hot path uses a `FrameReader` of its own. */
export function readFrame(bytes: Uint8Array): FrameEntry[] | undefined {
  const reader = new FrameReader()
  if (!reader.read(bytes)) return undefined
  return reader.kinds.map((kind, i) => ({
    kind: ENTRY_NAMES[kind] ?? 'fragment',
    body: reader.bodies[i] as Uint8Array,
  }))
}

const ENTRY_NAMES: readonly FrameEntry['kind'][] = ['item', 'request', 'reply']
