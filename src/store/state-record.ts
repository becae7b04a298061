import type { Shard, ShardId } from '../../shard-map/index.ts'
import { utf8Decode, utf8Encode } from '../base/index.ts'
import type { MembershipState } from '../raft/index.ts'

/**
 * The state record of a replica: what the data store keeps beside the data, so that both always belong together. It travels
 * inside snapshots too (the receiver puts its own replica id in).
 *
 *   offset  size  meaning
 *        0     1  format, 1; or 3, the same of a replica that was found damaged and does not run
 *        1     6  applied index, big endian
 *        7     6  applied term
 *       13     4  bytes of the descriptor, D
 *       17     D  descriptor: JSON {replica, shard, membership, merging, absorbed}; changes seldom, so it is encoded when it does
 *     17+D     …  the state machine's own state
 */
const FORMAT = 1
/** 2 is the format of tombstones. */
const DAMAGED_FORMAT = 3
const HEADER_BYTES = 17

export interface ReplicaDescriptor {
  readonly replica: number
  readonly shard: Shard
  readonly membership: MembershipState
  /** The shard has stopped and waits to be taken in by its left neighbour. */
  readonly merging: Merging | undefined
  /** The shards that this one took in last, oldest first, so that nobody undoes a merge that has happened. */
  readonly absorbed: readonly Absorbed[]
}

export interface Absorbed {
  readonly shard: ShardId
  /** The range epoch that the merge led to. */
  readonly range: number
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
      absorbed: descriptor.absorbed,
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

/**
 * The record of a replica that was found damaged: it does not come back to life at the next start. Others may get its keys meanwhile, so that what
 * it says of its data is not true any more.
 */
export function withDamageMark(record: Uint8Array): Uint8Array {
  const marked = Uint8Array.from(record)
  if (marked[0] === FORMAT) marked[0] = DAMAGED_FORMAT
  return marked
}

/** The record as it was before it was marked, for the names in it. */
export function withoutDamageMark(record: Uint8Array): Uint8Array {
  const unmarked = Uint8Array.from(record)
  if (unmarked[0] === DAMAGED_FORMAT) unmarked[0] = FORMAT
  return unmarked
}

/** The record, or a sentence that says what is wrong with it. */
export function decodeStateRecord(record: Uint8Array): StateRecord | string {
  if (record.length < HEADER_BYTES) return `a state record of ${record.length} bytes is too short`
  if (record[0] === DAMAGED_FORMAT) return 'it was found damaged before this start'
  if (record[0] !== FORMAT)
    return `state record format ${record[0]} is unknown to this version, which reads format ${FORMAT}`
  const view = Buffer.from(record.buffer, record.byteOffset, record.length)
  const descriptorBytes = view.readUInt32BE(13)
  if (HEADER_BYTES + descriptorBytes > record.length) return 'the descriptor of a state record is cut short'
  const text = utf8Decode(record.subarray(HEADER_BYTES, HEADER_BYTES + descriptorBytes))
  if (text === undefined) return 'the descriptor of a state record is not text'
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // Broken JSON is the only error of JSON.parse.
    return 'the descriptor of a state record is not JSON'
  }
  const descriptor = readDescriptor(parsed)
  if (descriptor === undefined) return 'the descriptor of a state record lacks a field or has one of another kind'
  const { index, term } = appliedPosition(record)
  return {
    appliedIndex: index,
    appliedTerm: term,
    ...descriptor,
    machine: record.subarray(HEADER_BYTES + descriptorBytes),
  }
}

type Fields = Readonly<Record<string, unknown>>

/** Snapshots bring descriptors from other stores, so that nothing in one is believed before it was looked at. */
function readDescriptor(parsed: unknown): ReplicaDescriptor | undefined {
  const fields = fieldsOf(parsed)
  const shard = readShard(fieldsOf(fields?.shard))
  const membership = readMembership(fieldsOf(fields?.membership))
  const merging = readMerging(fields?.merging)
  const absorbed = readAbsorbed(fields?.absorbed)
  if (!isNumber(fields?.replica) || shard === undefined || membership === undefined) return undefined
  if (merging === null || absorbed === undefined) return undefined
  return { replica: fields.replica, shard, membership, merging, absorbed }
}

/** An older version wrote none. */
function readAbsorbed(value: unknown): readonly Absorbed[] | undefined {
  if (value === undefined) return []
  if (!Array.isArray(value)) return undefined
  const absorbed = value.map(fieldsOf)
  return absorbed.every((fields) => isNumber(fields?.shard) && isNumber(fields.range))
    ? (absorbed as unknown as readonly Absorbed[])
    : undefined
}

/** Undefined where nothing is being merged, null for what makes no sense. */
function readMerging(value: unknown): Merging | undefined | null {
  if (value === undefined || value === null) return undefined
  const fields = fieldsOf(value)
  const target = readShard(fieldsOf(fields?.target))
  if (!isNumber(fields?.index) || !isNumber(fields.indexMin) || target === undefined) return null
  return { index: fields.index, indexMin: fields.indexMin, target }
}

function readShard(fields: Fields | undefined): Shard | undefined {
  if (fields === undefined) return undefined
  const { id, start, end, epoch, replicas } = fields
  const counters = fieldsOf(epoch)
  if (!isNumber(id) || typeof start !== 'string' || !(typeof end === 'string' || end === undefined || end === null))
    return undefined
  if (!isNumber(counters?.membership) || !isNumber(counters.range) || !Array.isArray(replicas)) return undefined
  if (!replicas.every(isReplica)) return undefined
  // A record without an end has none; undefined is not written, null is what an older text may hold.
  const epochRead = { membership: counters.membership, range: counters.range }
  return { ...fields, id, start, end: end ?? undefined, epoch: epochRead, replicas }
}

function isReplica(value: unknown): value is Shard['replicas'][number] {
  const fields = fieldsOf(value)
  return isNumber(fields?.id) && typeof fields.store === 'string' && typeof fields.role === 'string'
}

function readMembership(fields: Fields | undefined): MembershipState | undefined {
  if (fields === undefined) return undefined
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = fields
  if (!isNumbers(voters) || !isNumbers(votersOutgoing) || !isNumbers(learners) || !isNumbers(learnersNext))
    return undefined
  return typeof autoLeave === 'boolean' ? { voters, votersOutgoing, learners, learnersNext, autoLeave } : undefined
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isNumber)
}
