import { pack, unpack } from '../machine/index.ts'

/**
 * The items of a snapshot transfer on the bulk lane. Each is a MessagePack array that begins with its kind:
 *
 *   [1, transfer, group, from, to, term, index, indexTerm, state record]                    begin
 *   [2, transfer, sequence, bytes]                                                          chunk, sequence from 0
 *   [3, transfer, chunks]                                                                   end
 *   [4, transfer, sequence]                                                                 acknowledged: stored, send more
 *   [5, transfer, reason]                                                                   given up, by either side
 *
 * `transfer` is chosen by the sender, unique for its process. Chunks are opaque: the data store checks them.
 */
export type SnapshotItem =
  | {
      readonly kind: 'begin'
      readonly transfer: number
      readonly group: number
      readonly from: number
      readonly to: number
      readonly term: number
      readonly index: number
      readonly indexTerm: number
      readonly state: Uint8Array
    }
  | { readonly kind: 'chunk'; readonly transfer: number; readonly sequence: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly transfer: number; readonly chunks: number }
  | { readonly kind: 'acknowledged'; readonly transfer: number; readonly sequence: number }
  | { readonly kind: 'aborted'; readonly transfer: number; readonly reason: string }

export function encodeSnapshotItem(item: SnapshotItem): Uint8Array {
  switch (item.kind) {
    case 'begin':
      return pack([1, item.transfer, item.group, item.from, item.to, item.term, item.index, item.indexTerm, item.state])
    case 'chunk':
      return pack([2, item.transfer, item.sequence, item.bytes])
    case 'end':
      return pack([3, item.transfer, item.chunks])
    case 'acknowledged':
      return pack([4, item.transfer, item.sequence])
    case 'aborted':
      return pack([5, item.transfer, item.reason])
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** The item, or undefined when the bytes are none. */
export function decodeSnapshotItem(bytes: Uint8Array): SnapshotItem | undefined {
  const unpacked = unpack(bytes)
  if (!unpacked.ok) return undefined
  const fields = unpacked.value
  if (!Array.isArray(fields) || !isCount(fields[1])) return undefined
  const transfer = fields[1]
  switch (fields[0]) {
    case 1: {
      const [, , group, from, to, term, index, indexTerm, state] = fields as unknown[]
      if (![group, from, to, term, index, indexTerm].every(isCount) || !(state instanceof Uint8Array)) return undefined
      return {
        kind: 'begin',
        transfer,
        group: group as number,
        from: from as number,
        to: to as number,
        term: term as number,
        index: index as number,
        indexTerm: indexTerm as number,
        state,
      }
    }
    case 2:
      if (!isCount(fields[2]) || !(fields[3] instanceof Uint8Array)) return undefined
      return { kind: 'chunk', transfer, sequence: fields[2], bytes: fields[3] }
    case 3:
      return isCount(fields[2]) ? { kind: 'end', transfer, chunks: fields[2] } : undefined
    case 4:
      return isCount(fields[2]) ? { kind: 'acknowledged', transfer, sequence: fields[2] } : undefined
    case 5:
      return typeof fields[2] === 'string' ? { kind: 'aborted', transfer, reason: fields[2] } : undefined
    default:
      return undefined
  }
}
