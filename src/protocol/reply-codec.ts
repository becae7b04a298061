/**
 * The bytes of replies. As with requests, the answers to reads and writes are fixed fields and the others MessagePack lists.
 *
 *   0  1  format: 1
 *   1  1  kind (order of KINDS)
 *
 *   write, get, scan begin with   2 4 membership epoch   6 4 range epoch   10 8 raftMs   18 8 applyMs
 *   write   26 result (kv-result-codec)
 *   get     26 8 stalenessMs   34 2 number of values, each: 1 found, and if it is: 8 revision, 4 length, value
 *   scan    26 8 stalenessMs   34 1 more   35 4 number of items, each: 2 length of key, 8 revision, 4 length of value, key, value
 *
 *   error [code, message, outcome, retryable, shard, leader, hint, revision, index, [shard, ...]]
 *         null for what is not there; revision: false is not there, null is "the key is absent"
 *   shards [[shard, ...]]   middle [key or null]   merged [shard id]
 *   done []   allocate-ids [first]   describe-replica [anything]   map [map or null, [shard id, leader, ...]]
 *   operate (see operate-codec)   describe, placement-status (see description-codec)   store-heartbeat (see heartbeat-codec)
 *
 * Milliseconds are IEEE 754 doubles.
 */
import { mapFromPlain, mapToPlain, shardToPlain } from '../../shard-map/index.ts'
import { LIMITS, unreachable } from '../base/index.ts'
import { ByteReader, ByteWriter, pack, unpack } from '../machine/index.ts'
import { type Decoded, decoded, undecodable } from './decoded.ts'
import {
  descriptionToPlain,
  placementStatusToPlain,
  readDescription,
  readPlacementStatus,
} from './description-codec.ts'
import { errorToPlain, readError, readShards } from './error-codec.ts'
import { FieldReader } from './field-reader.ts'
import { heartbeatAnswerToPlain, leadersToPlain, readHeartbeatAnswer, readLeaders } from './heartbeat-codec.ts'
import { kvResultBytes, readKvResult, writeKvResult } from './kv-result-codec.ts'
import { operateAnswerToPlain, readOperateAnswer } from './operate-codec.ts'
import type { Found, Item, Reply } from './requests.ts'
import { readKey } from './shard-request-codec.ts'

const FORMAT = 1

/** The order is the format: append only. */
const KINDS = [
  'write',
  'get',
  'scan',
  'error',
  'done',
  'map',
  'describe',
  'describe-replica',
  'store-heartbeat',
  'placement-status',
  'allocate-ids',
  'shards',
  'middle',
  'merged',
  'operate',
] as const satisfies readonly Reply['kind'][]

const CODES = Object.fromEntries(KINDS.map((kind, code) => [kind, code])) as Record<Reply['kind'], number>

const HEADER_BYTES = 26

export function encodeReply(reply: Reply): Uint8Array {
  switch (reply.kind) {
    case 'write': {
      const writer = hot(reply, kvResultBytes(reply.result))
      writeKvResult(writer, reply.result)
      return writer.finish()
    }
    case 'get':
      return encodeGet(reply)
    case 'scan':
      return encodeScan(reply)
    case 'error':
      return cold(reply.kind, errorToPlain(reply.error))
    case 'done':
      return cold(reply.kind, [])
    case 'shards':
      return cold(reply.kind, [reply.shards.map(shardToPlain)])
    case 'middle':
      return cold(reply.kind, [reply.key ?? null])
    case 'merged':
      return cold(reply.kind, [reply.into])
    case 'map':
      return cold(reply.kind, [reply.map === undefined ? null : mapToPlain(reply.map), leadersToPlain(reply.leaders)])
    case 'describe':
      return cold(reply.kind, descriptionToPlain(reply))
    case 'describe-replica':
      return cold(reply.kind, [reply.replica])
    case 'store-heartbeat':
      return cold(reply.kind, heartbeatAnswerToPlain(reply.answer))
    case 'placement-status':
      return cold(reply.kind, placementStatusToPlain(reply.status))
    case 'allocate-ids':
      return cold(reply.kind, [reply.first])
    case 'operate':
      return cold(reply.kind, operateAnswerToPlain(reply.answer))
    default:
      return unreachable(reply)
  }
}

/** A writer with room for `bytes` after the common beginning, which is written. */
function hot(reply: Reply & { kind: 'write' | 'get' | 'scan' }, bytes: number): ByteWriter {
  return new ByteWriter(HEADER_BYTES + bytes)
    .u8(FORMAT)
    .u8(CODES[reply.kind])
    .u32(reply.epoch.membership)
    .u32(reply.epoch.range)
    .duration(reply.timing.raftMs)
    .duration(reply.timing.applyMs)
}

function encodeGet(reply: Reply & { kind: 'get' }): Uint8Array {
  let bytes = 10
  for (const found of reply.values) bytes += found === undefined ? 1 : 13 + found.value.length
  const writer = hot(reply, bytes).duration(reply.stalenessMs).u16(reply.values.length)
  for (const found of reply.values) {
    if (found === undefined) writer.u8(0)
    else writer.u8(1).u53(found.revision).u32(found.value.length).bytes(found.value)
  }
  return writer.finish()
}

function encodeScan(reply: Reply & { kind: 'scan' }): Uint8Array {
  let bytes = 13
  for (const { key, value } of reply.items) bytes += 14 + key.length + value.length
  const writer = hot(reply, bytes).duration(reply.stalenessMs).flag(reply.more).u32(reply.items.length)
  for (const { key, value, revision } of reply.items) {
    writer.u16(key.length).u53(revision).u32(value.length).latin1(key).bytes(value)
  }
  return writer.finish()
}

function cold(kind: Reply['kind'], fields: readonly unknown[]): Uint8Array {
  const packed = pack(fields)
  return new ByteWriter(2 + packed.length).u8(FORMAT).u8(CODES[kind]).bytes(packed).finish()
}

/** Values are parts of the input. */
export function decodeReply(bytes: Uint8Array): Decoded<Reply> {
  const reader = new ByteReader(bytes)
  const format = reader.u8()
  if (format !== FORMAT) return undecodable(`reply of unknown format ${format}`)
  const code = reader.u8()
  const kind = KINDS[code]
  if (kind === undefined) return undecodable(`reply of unknown kind ${code}`)
  switch (kind) {
    case 'write':
    case 'get':
    case 'scan': {
      const reply = readHot(kind, reader)
      return reader.isComplete ? decoded(reply) : undecodable(`damaged reply to a ${kind}`)
    }
    default: {
      const unpacked = unpack(reader.rest())
      if (!unpacked.ok) return undecodable(`reply ${kind}: ${unpacked.reason}`)
      const fields = new FieldReader(unpacked.value)
      const reply = readCold(kind, fields)
      if (!fields.failed && reply !== undefined) return decoded(reply)
      return undecodable(
        `a reply ${kind} with ${fields.foreign ? 'a kind that only a newer release knows' : 'wrong fields'}`,
      )
    }
  }
}

function readHot(kind: 'write' | 'get' | 'scan', reader: ByteReader): Reply {
  const epoch = { membership: reader.u32(), range: reader.u32() }
  const timing = { raftMs: reader.duration(), applyMs: reader.duration() }
  switch (kind) {
    case 'write':
      return { kind, result: readKvResult(reader), timing, epoch }
    case 'get': {
      const stalenessMs = reader.duration()
      return { kind, values: readValues(reader), timing, epoch, stalenessMs }
    }
    case 'scan': {
      const stalenessMs = reader.duration()
      const more = reader.flag()
      return { kind, items: readItems(reader), more, timing, epoch, stalenessMs }
    }
    default:
      return unreachable(kind)
  }
}

function readValues(reader: ByteReader): (Found | undefined)[] {
  const count = reader.u16()
  const values: (Found | undefined)[] = []
  for (let i = 0; i < count && !reader.failed; i++) {
    if (!reader.flag()) {
      values.push(undefined)
      continue
    }
    const revision = reader.u53()
    values.push({ value: reader.bytes(reader.u32()), revision })
  }
  return values
}

function readItems(reader: ByteReader): Item[] {
  const count = reader.u32()
  const items: Item[] = []
  for (let i = 0; i < count && !reader.failed; i++) {
    const keyBytes = reader.u16()
    if (keyBytes < 1 || keyBytes > LIMITS.keyBytesMax) reader.fail()
    const revision = reader.u53()
    const valueBytes = reader.u32()
    const key = reader.latin1(keyBytes)
    items.push({ key, value: reader.bytes(valueBytes), revision })
  }
  return items
}

function readCold(kind: Exclude<Reply['kind'], 'write' | 'get' | 'scan'>, fields: FieldReader): Reply | undefined {
  switch (kind) {
    case 'error':
      return { kind, error: readError(fields) }
    case 'done':
      return { kind }
    case 'map': {
      const map = fields.optional(() => fields.model(mapFromPlain))
      return { kind, map, leaders: readLeaders(fields) }
    }
    case 'shards':
      return { kind, shards: readShards(fields, fields.any()) }
    case 'merged':
      return { kind, into: fields.count() }
    case 'middle':
      return { kind, key: fields.optional(() => readKey(fields)) }
    case 'describe':
      return readDescription(fields)
    case 'describe-replica':
      return { kind, replica: fields.any() ?? null }
    case 'store-heartbeat':
      return { kind, answer: readHeartbeatAnswer(fields) }
    case 'placement-status':
      return readPlacementStatus(fields)
    case 'allocate-ids':
      return { kind, first: fields.count() }
    case 'operate':
      return { kind, answer: readOperateAnswer(fields) }
    default:
      return unreachable(kind)
  }
}
