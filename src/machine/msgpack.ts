/**
 * MessagePack for what is seldom sent: settings, maps, descriptions. It adds to the library what bytes from outside need: nothing is
 * allocated on the word of a header, nesting is bounded, and no exception leaves. The placement machine and `protocol` use it.
 */
import { Decoder, Encoder } from '@msgpack/msgpack'

/** Deeper than anything we write, and shallow enough for every recursive reader. */
const DEPTH_MAX = 64

/** Both are safe to share: they are synchronous, and the library copies them should they be entered twice. */
const encoder = new Encoder({ ignoreUndefined: true })
const decoder = new Decoder()

/** Fields with the value undefined are left out; undefined elsewhere becomes null. Invariant: plain data, at most 64 levels deep. */
export function pack(value: unknown): Uint8Array {
  return encoder.encode(value)
}

/** Binary values are parts of the input. */
export function unpack(
  bytes: Uint8Array,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string } {
  if (!isSound(bytes)) return { ok: false, reason: `${bytes.length} bytes are no MessagePack` }
  try {
    return { ok: true, value: decoder.decode(bytes) }
  } catch {
    // After the check above the library refuses only a map with a key it deems dangerous.
    return { ok: false, reason: 'MessagePack with a map key that is not allowed' }
  }
}

/**
 * Whether the bytes are one MessagePack value of types we use, complete and no deeper than DEPTH_MAX. Every element takes at least a byte,
 * so a header that promises more than what is left is a lie, and is found before anybody believes it.
 */
function isSound(bytes: Uint8Array): boolean {
  /** Elements still to come on each level. */
  const pending = [1]
  let promised = 1
  let at = 0
  while (pending.length > 0) {
    const level = pending.length - 1
    const left = pending[level] as number
    if (left === 0) {
      pending.pop()
      continue
    }
    if (at >= bytes.length) return false
    pending[level] = left - 1
    promised--
    const head = bytes[at] as number
    const shape = shapeOf(bytes, at, head)
    if (shape === undefined) return false
    at += shape.bytes
    promised += shape.elements
    if (at > bytes.length || promised > bytes.length - at) return false
    if (shape.elements > 0) {
      if (pending.length > DEPTH_MAX) return false
      pending.push(shape.elements)
    }
  }
  return at === bytes.length
}

interface Shape {
  /** Of the head and, for a value without elements, all of it. */
  readonly bytes: number
  readonly elements: number
}

/** Bytes after the head of the types with a fixed size, from 0xc0; -1 for those with a length, -2 for those we do not use. */
const FIXED = [
  0, -2, 0, 0, -1, -1, -1, -2, -2, -2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, -2, -2, -2, -2, -2, -1, -1, -1, -1, -1, -1, -1,
]

function shapeOf(bytes: Uint8Array, at: number, head: number): Shape | undefined {
  if (head < 0x80 || head >= 0xe0) return { bytes: 1, elements: 0 }
  if (head < 0x90) return { bytes: 1, elements: 2 * (head & 0x0f) }
  if (head < 0xa0) return { bytes: 1, elements: head & 0x0f }
  if (head < 0xc0) return { bytes: 1 + (head & 0x1f), elements: 0 }
  const fixed = FIXED[head - 0xc0] as number
  if (fixed >= 0) return { bytes: 1 + fixed, elements: 0 }
  if (fixed === -2) return undefined
  const lengthBytes = lengthBytesOf(head)
  if (at + lengthBytes >= bytes.length) return undefined
  let length = 0
  for (let i = 1; i <= lengthBytes; i++) length = length * 256 + (bytes[at + i] as number)
  if (head >= 0xdc) return { bytes: 1 + lengthBytes, elements: head >= 0xde ? 2 * length : length }
  return { bytes: 1 + lengthBytes + length, elements: 0 }
}

function lengthBytesOf(head: number): number {
  switch (head) {
    case 0xc4:
    case 0xd9:
      return 1
    case 0xc5:
    case 0xda:
    case 0xdc:
    case 0xde:
      return 2
    default:
      return 4
  }
}
