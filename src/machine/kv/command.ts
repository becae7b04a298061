/**
 * The bytes of a key-value command: written once, where the command enters the cluster, then carried untouched through
 * wire and log, and decoded by every replica that applies it. Decoding never throws and enforces every limit again, since
 * the bytes may come from another version of the program.
 *
 *   operations                                     delete-range
 *   0   1  format: 1                               0   1  format: 2
 *   1   1  flags: 1 atomic, 2 reads                1   1  flags: 1 has an end
 *   2   4  range epoch                             2   4  range epoch
 *   6   2  number of operations, each:             6   2  most keys to remove
 *       1  kind (1 put, 2 delete, 3 get)           8   2  length of start
 *          + 16 * condition (0 none, 1 absent,     10  2  length of end
 *          2 exists, 3 revision)                   12     start, end
 *       2  length of key
 *       4  length of value (put only)
 *       8  revision (condition 3 only)
 *          key, value
 *
 * The flag `reads` says that at least one operation must see the current record, so that all others cost one look at one byte.
 */
import { AssertionFailure, assert, LIMITS, unreachable } from '../../base/index.ts'
import { ByteReader } from '../byte-reader.ts'
import { ByteWriter } from '../byte-writer.ts'
import type { KvCommand, KvCondition, KvOperation } from './types.ts'

const FORMAT_OPERATIONS = 1
const FORMAT_DELETE_RANGE = 2
const FLAG_ATOMIC = 1
const FLAG_READS = 2
const FLAG_HAS_END = 1
const HEADER_BYTES = 8
const DELETE_RANGE_HEADER_BYTES = 12

const PUT = 1
const DELETE = 2
const GET = 3

const CONDITION_NONE: KvCondition = { kind: 'none' }
const CONDITION_ABSENT: KvCondition = { kind: 'absent' }
const CONDITION_EXISTS: KvCondition = { kind: 'exists' }

/** A bound may be the successor of the longest key. */
const BOUND_BYTES_MAX = LIMITS.keyBytesMax + 1

/** Why bytes are no command. */
export interface MalformedCommand {
  readonly kind: 'malformed'
  readonly reason: string
}

/** Whether an operation must see its key's current record: a delete answers whether there was one. */
export function readsRecord(operation: KvOperation): boolean {
  return operation.kind !== 'put' || operation.condition.kind !== 'none'
}

/** Invariant: the command keeps the limits; its sender checked them. */
export function encodeKvCommand(command: KvCommand): Uint8Array {
  switch (command.kind) {
    case 'operations':
      return encodeOperations(command)
    case 'delete-range': {
      const end = command.end ?? ''
      assert(command.start.length <= BOUND_BYTES_MAX, `start of ${command.start.length} bytes`)
      assert(end.length <= BOUND_BYTES_MAX, `end of ${end.length} bytes`)
      assert(
        command.keysMax >= 1 && command.keysMax <= LIMITS.rangeDeleteKeysMax,
        `a range delete of ${command.keysMax} keys`,
      )
      return new ByteWriter(DELETE_RANGE_HEADER_BYTES + command.start.length + end.length)
        .u8(FORMAT_DELETE_RANGE)
        .u8(command.end === undefined ? 0 : FLAG_HAS_END)
        .u32(command.rangeEpoch)
        .u16(command.keysMax)
        .u16(command.start.length)
        .u16(end.length)
        .latin1(command.start)
        .latin1(end)
        .finish()
    }
    default:
      return unreachable(command)
  }
}

function encodeOperations(command: KvCommand & { kind: 'operations' }): Uint8Array {
  const { operations } = command
  if (operations.length > LIMITS.batchOpsMax) tooMuch(`${operations.length} operations`)
  let bytes = HEADER_BYTES
  let dataBytes = 0
  let reads = false
  for (const operation of operations) {
    const keyBytes = operation.key.length
    if (keyBytes < 1 || keyBytes > LIMITS.keyBytesMax) tooMuch(`a key of ${keyBytes} bytes`)
    let valueBytes = 0
    bytes += 3 + keyBytes
    if (operation.kind === 'put') {
      valueBytes = operation.value.length
      if (valueBytes > LIMITS.valueBytesMax) tooMuch(`a value of ${valueBytes} bytes`)
      bytes += 4 + valueBytes
    }
    if (operation.kind !== 'get' && operation.condition.kind === 'revision') bytes += 8
    dataBytes += keyBytes + valueBytes
    reads ||= readsRecord(operation)
  }
  if (dataBytes > LIMITS.batchBytesMax) tooMuch(`${dataBytes} bytes of keys and values`)
  const writer = new ByteWriter(bytes)
    .u8(FORMAT_OPERATIONS)
    .u8((command.atomic ? FLAG_ATOMIC : 0) | (reads ? FLAG_READS : 0))
    .u32(command.rangeEpoch)
    .u16(operations.length)
  for (const operation of operations) writeOperation(writer, operation)
  return writer.finish()
}

/** The sender did not check a limit. */
function tooMuch(what: string): never {
  throw new AssertionFailure(`a command with ${what}`)
}

function writeOperation(writer: ByteWriter, operation: KvOperation): void {
  const { key } = operation
  switch (operation.kind) {
    case 'put':
      writer
        .u8(PUT | (conditionCode(operation.condition) << 4))
        .u16(key.length)
        .u32(operation.value.length)
      if (operation.condition.kind === 'revision') writer.u53(operation.condition.revision)
      writer.latin1(key).bytes(operation.value)
      return
    case 'delete':
      writer.u8(DELETE | (conditionCode(operation.condition) << 4)).u16(key.length)
      if (operation.condition.kind === 'revision') writer.u53(operation.condition.revision)
      writer.latin1(key)
      return
    case 'get':
      writer.u8(GET).u16(key.length).latin1(key)
      return
    default:
      unreachable(operation)
  }
}

function conditionCode(condition: KvCondition): number {
  switch (condition.kind) {
    case 'none':
      return 0
    case 'absent':
      return 1
    case 'exists':
      return 2
    case 'revision':
      return 3
    default:
      return unreachable(condition)
  }
}

/**
 * Whether applying the command reads anything, at the price of two bytes looked at. True for what is malformed in a way that a look
 * does not show; `decodeKvCommand` then says so.
 */
export function commandReads(command: Uint8Array): boolean {
  return command[0] !== FORMAT_OPERATIONS || ((command[1] as number) & FLAG_READS) !== 0
}

/** The range epoch a command was routed by, without decoding the rest; undefined when the bytes are too short. */
export function commandRangeEpoch(command: Uint8Array): number | undefined {
  if (command.length < HEADER_BYTES) return undefined
  return new ByteReader(command, 2).u32()
}

/** Whether the bytes may be a command of another release: its format is not known, or says of itself what is not. Too few bytes are nobody's. */
export function isForeignCommand(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_BYTES) return false
  const flags = bytes[1] as number
  switch (bytes[0]) {
    case FORMAT_OPERATIONS:
      return flags > (FLAG_ATOMIC | FLAG_READS)
    case FORMAT_DELETE_RANGE:
      return flags > FLAG_HAS_END
    default:
      return true
  }
}

/** Values are parts of the input. Every limit is checked, so whatever comes out can be applied. */
export function decodeKvCommand(bytes: Uint8Array): KvCommand | MalformedCommand {
  if (bytes.length < HEADER_BYTES) return malformed(`${bytes.length} bytes are no command`)
  switch (bytes[0]) {
    case FORMAT_OPERATIONS:
      return decodeOperations(bytes)
    case FORMAT_DELETE_RANGE:
      return decodeDeleteRange(bytes)
    default:
      return malformed(`unknown format ${bytes[0]}`)
  }
}

function decodeOperations(bytes: Uint8Array): KvCommand | MalformedCommand {
  const flags = bytes[1] as number
  if (flags > (FLAG_ATOMIC | FLAG_READS)) return malformed(`unknown flags ${flags}`)
  const reader = new ByteReader(bytes, 2)
  const rangeEpoch = reader.u32()
  const count = reader.u16()
  if (count > LIMITS.batchOpsMax) return malformed(`${count} operations, at most ${LIMITS.batchOpsMax}`)
  const operations: KvOperation[] = []
  let dataBytes = 0
  let reads = false
  for (let i = 0; i < count; i++) {
    const operation = readOperation(reader)
    if (typeof operation === 'string') return malformed(`operation ${i}: ${operation}`)
    dataBytes += operation.key.length + (operation.kind === 'put' ? operation.value.length : 0)
    reads ||= readsRecord(operation)
    operations.push(operation)
  }
  if (!reader.isComplete) return malformed('the length does not fit the contents')
  if (dataBytes > LIMITS.batchBytesMax) return malformed(`${dataBytes} bytes of keys and values`)
  if (reads !== ((flags & FLAG_READS) !== 0)) return malformed('the flag for reads is wrong')
  return { kind: 'operations', rangeEpoch, atomic: (flags & FLAG_ATOMIC) !== 0, operations }
}

/** The next operation, or what is wrong with it. */
function readOperation(reader: ByteReader): KvOperation | string {
  const code = reader.u8()
  const kind = code & 0x0f
  const conditionCode = code >>> 4
  const keyBytes = reader.u16()
  const valueBytes = kind === PUT ? reader.u32() : 0
  if (keyBytes < 1 || keyBytes > LIMITS.keyBytesMax) return `a key of ${keyBytes} bytes`
  if (valueBytes > LIMITS.valueBytesMax) return `a value of ${valueBytes} bytes`
  const condition = readCondition(reader, conditionCode)
  if (condition === undefined) return `unknown condition ${conditionCode}`
  const key = reader.latin1(keyBytes)
  const value = kind === PUT ? reader.bytes(valueBytes) : undefined
  if (reader.failed) return 'cut short'
  if (value !== undefined) return { kind: 'put', key, value, condition }
  if (kind === DELETE) return { kind: 'delete', key, condition }
  if (kind === GET && conditionCode === 0) return { kind: 'get', key }
  return `unknown kind ${code}`
}

function readCondition(reader: ByteReader, code: number): KvCondition | undefined {
  switch (code) {
    case 0:
      return CONDITION_NONE
    case 1:
      return CONDITION_ABSENT
    case 2:
      return CONDITION_EXISTS
    case 3:
      return { kind: 'revision', revision: reader.u53() }
    default:
      return undefined
  }
}

function decodeDeleteRange(bytes: Uint8Array): KvCommand | MalformedCommand {
  const flags = bytes[1] as number
  if (flags > FLAG_HAS_END) return malformed(`unknown flags ${flags}`)
  const reader = new ByteReader(bytes, 2)
  const rangeEpoch = reader.u32()
  const keysMax = reader.u16()
  const startBytes = reader.u16()
  const endBytes = reader.u16()
  if (keysMax < 1 || keysMax > LIMITS.rangeDeleteKeysMax) return malformed(`a range delete of ${keysMax} keys`)
  if (startBytes > BOUND_BYTES_MAX) return malformed(`start of ${startBytes} bytes`)
  if (endBytes > BOUND_BYTES_MAX) return malformed(`end of ${endBytes} bytes`)
  const start = reader.latin1(startBytes)
  const end = reader.latin1(endBytes)
  if (!reader.isComplete) return malformed('the length does not fit the contents')
  if (flags === 0 && endBytes > 0) return malformed('an end that the flags deny')
  return { kind: 'delete-range', rangeEpoch, start, end: flags === FLAG_HAS_END ? end : undefined, keysMax }
}

function malformed(reason: string): MalformedCommand {
  return { kind: 'malformed', reason }
}
