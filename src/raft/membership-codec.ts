/**
 * The bytes of a membership change inside a log entry. Written by whoever proposes a change, read by the leader that
 * checks it and by every replica that applies it.
 *
 *   offset      size      meaning
 *   0           1         transition: 0 auto, 1 joint-implicit, 2 joint-explicit
 *   1           varint    number of operations
 *   ...         1         kind: 0 add-voter, 1 add-learner, 2 remove, 3 update   (once per operation)
 *   ...         varint    replica id                                            (once per operation)
 *   ...         the rest  context, opaque
 *
 * A varint holds seven bits per byte, lowest first, the high bit set on all but the last; values stay below 2^53.
 */
import type { MembershipChange, MembershipOperation } from './types.ts'

const TRANSITIONS = ['auto', 'joint-implicit', 'joint-explicit'] as const
const KINDS = ['add-voter', 'add-learner', 'remove', 'update'] as const
/** More replicas than any group has; bounds what malformed bytes can make us build. */
const OPERATIONS_MAX = 1024

export type MembershipChangeMalformed =
  | 'truncated'
  | 'unknown-transition'
  | 'unknown-operation'
  | 'too-many-operations'
  | 'number-out-of-range'

export type DecodedMembershipChange =
  | { readonly ok: true; readonly value: MembershipChange }
  | { readonly ok: false; readonly error: MembershipChangeMalformed }

export function encodeMembershipChange(change: MembershipChange): Uint8Array {
  const bytes: number[] = [TRANSITIONS.indexOf(change.transition)]
  pushVarint(bytes, change.operations.length)
  for (const operation of change.operations) {
    bytes.push(KINDS.indexOf(operation.kind))
    pushVarint(bytes, operation.replica)
  }
  const encoded = new Uint8Array(bytes.length + change.context.length)
  encoded.set(bytes)
  encoded.set(change.context, bytes.length)
  return encoded
}

export function decodeMembershipChange(bytes: Uint8Array): DecodedMembershipChange {
  const reader = new Reader(bytes)
  const transitionCode = reader.byte()
  const count = reader.varint()
  if (reader.error !== undefined) return { ok: false, error: reader.error }
  const transition = TRANSITIONS[transitionCode]
  if (transition === undefined) return { ok: false, error: 'unknown-transition' }
  if (count > OPERATIONS_MAX) return { ok: false, error: 'too-many-operations' }
  const operations: MembershipOperation[] = []
  for (let i = 0; i < count; i++) {
    const kindCode = reader.byte()
    const replica = reader.varint()
    if (reader.error !== undefined) return { ok: false, error: reader.error }
    const kind = KINDS[kindCode]
    if (kind === undefined) return { ok: false, error: 'unknown-operation' }
    operations.push({ kind, replica })
  }
  return { ok: true, value: { transition, operations, context: bytes.subarray(reader.offset) } }
}

function pushVarint(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
}

class Reader {
  readonly #bytes: Uint8Array
  offset = 0
  error: MembershipChangeMalformed | undefined

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  byte(): number {
    const byte = this.#bytes[this.offset]
    if (byte === undefined) {
      this.error ??= 'truncated'
      return 0
    }
    this.offset += 1
    return byte
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.byte()
      value += (byte % 0x80) * scale
      if (value > Number.MAX_SAFE_INTEGER || scale > Number.MAX_SAFE_INTEGER) {
        this.error ??= 'number-out-of-range'
        return 0
      }
      if (byte < 0x80) return value
      scale *= 0x80
    }
  }
}
