import type { Shard } from '../../shard-map/index.ts'
import { utf8Decode, utf8Encode } from '../base/index.ts'
import type { MembershipState } from '../raft/index.ts'

/**
 * The state record of a replica: what the data store keeps beside the data, so that both always belong together. It travels
 * inside snapshots too (the receiver puts its own replica id in).
 *
 *   offset  size  meaning
 *        0     1  format, 1
 *        1     6  applied index, big endian
 *        7     6  applied term
 *       13     4  bytes of the descriptor, D
 *       17     D  descriptor: JSON {replica, shard, membership, merging}; changes seldom, so it is encoded when it does
 *     17+D     …  the state machine's own state
 */
const FORMAT = 1
const HEADER_BYTES = 17

export interface ReplicaDescriptor {
  readonly replica: number
  readonly shard: Shard
  readonly membership: MembershipState
  /** The shard has stopped and waits to be taken in by its left neighbour. */
  readonly merging: Merging | undefined
}

/** What a prepared merge must not forget. */
export interface Merging {
  /** Where the entry that prepared it stands: the last that changed the data. */
  readonly index: number
  /** Every replica of the group has all committed entries below this one. */
  readonly indexMin: number
  /** The shard that is to take this one in, as it must be then. */
  readonly target: Shard
}

export interface StateRecord extends ReplicaDescriptor {
  readonly appliedIndex: number
  readonly appliedTerm: number
  readonly machine: Uint8Array
}

export function encodeDescriptor(descriptor: ReplicaDescriptor): Uint8Array {
  return utf8Encode(
    JSON.stringify({
      replica: descriptor.replica,
      shard: descriptor.shard,
      membership: descriptor.membership,
      merging: descriptor.merging,
    }),
  )
}

/** `descriptor` is what encodeDescriptor gave; callers keep it between changes. */
export function encodeStateRecord(
  appliedIndex: number,
  appliedTerm: number,
  descriptor: Uint8Array,
  machine: Uint8Array,
): Uint8Array {
  const record = Buffer.allocUnsafe(HEADER_BYTES + descriptor.length + machine.length)
  record[0] = FORMAT
  record.writeUIntBE(appliedIndex, 1, 6)
  record.writeUIntBE(appliedTerm, 7, 6)
  record.writeUInt32BE(descriptor.length, 13)
  record.set(descriptor, HEADER_BYTES)
  record.set(machine, HEADER_BYTES + descriptor.length)
  return record
}

/** Reads only the applied position, for the hot path of flushing. */
export function appliedPosition(record: Uint8Array): { index: number; term: number } {
  const view = Buffer.from(record.buffer, record.byteOffset, record.length)
  return { index: view.readUIntBE(1, 6), term: view.readUIntBE(7, 6) }
}

/** The record, or a sentence that says what is wrong with it. */
export function decodeStateRecord(record: Uint8Array): StateRecord | string {
  if (record.length < HEADER_BYTES) return `a state record of ${record.length} bytes is too short`
  if (record[0] !== FORMAT)
    return `state record format ${record[0]} is unknown to this version, which reads format ${FORMAT}`
  const view = Buffer.from(record.buffer, record.byteOffset, record.length)
  const descriptorBytes = view.readUInt32BE(13)
  if (HEADER_BYTES + descriptorBytes > record.length) return 'the descriptor of a state record is cut short'
  const text = utf8Decode(record.subarray(HEADER_BYTES, HEADER_BYTES + descriptorBytes))
  if (text === undefined) return 'the descriptor of a state record is not text'
  let descriptor: ReplicaDescriptor
  try {
    descriptor = JSON.parse(text) as ReplicaDescriptor
  } catch {
    // Broken JSON is the only error of JSON.parse.
    return 'the descriptor of a state record is not JSON'
  }
  const { index, term } = appliedPosition(record)
  return {
    appliedIndex: index,
    appliedTerm: term,
    replica: descriptor.replica,
    shard: { ...descriptor.shard, end: descriptor.shard.end ?? undefined },
    membership: descriptor.membership,
    merging: descriptor.merging ?? undefined,
    machine: record.subarray(HEADER_BYTES + descriptorBytes),
  }
}
