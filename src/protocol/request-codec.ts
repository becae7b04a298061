/**
 * The bytes of requests. Those of every read and write are fixed fields, big-endian, because they are what a busy process does most;
 * the others are MessagePack lists behind the same two bytes.
 *
 *   0  1  format: 1
 *   1  1  kind (order of KINDS); plus 128 where extensions come next (see request-extensions), and the rest moves by their length
 *
 *   write   2 6 shard   8 4 range epoch   12 command
 *   get     2 6 shard   8 4 range epoch   12 1 consistency   13 2 number of keys, each: 2 length, key
 *   scan    2 6 shard   8 4 range epoch   12 1 consistency   13 1 flags: 1 has an end, 2 reverse, 4 keys only
 *           14 4 itemsMax   18 4 bytesMax   22 2 length of start   24 2 length of end   26 start, end
 *
 *   map [since]   describe [[shard, ...]]   describe-replica [shard]   transfer-leader [shard, store]
 *   store-heartbeat (see heartbeat-codec)   placement-status []   allocate-ids [count]
 *   read-shard [shard]   find-middle [shard, true by load]   changes of shards (see shard-request-codec)   operate (see operate-codec)
 *   learn-settings [version, [[name, value], ...]]   upkeep [group or null]   store-leaves [store, true when back]
 *
 * Consistency: 0 linearizable, 1 stale.
 *
 * What a version may change: it may append a kind, which older stores refuse, so that nobody sends it before all stores know it unless a refusal does no
 * harm; it may append fields to a list, which older stores do not read; it may add an extension, with a tag that says whether those who do not know it may go on
 * without. Nothing else: the fields of writes, gets and scans stay as they are, and their bytes are checked to the last one.
 */
import { LIMITS, type TraceContext, unreachable } from '../base/index.ts'
import { ByteReader, ByteWriter, pack, unpack } from '../machine/index.ts'
import { type Decoded, decoded, undecodable } from './decoded.ts'
import { FieldReader } from './field-reader.ts'
import { configToPlain, heartbeatToPlain, readConfig, readHeartbeat } from './heartbeat-codec.ts'
import { operateToPlain, readOperate } from './operate-codec.ts'
import { extensionBytes, readExtensions, writeExtensions } from './request-extensions.ts'
import type { Consistency, Request, Voucher } from './requests.ts'
import { readShardRequest, shardRequestToPlain } from './shard-request-codec.ts'

const FORMAT = 1

/** The order is the format: append only. */
const KINDS = [
  'write',
  'get',
  'scan',
  'map',
  'describe',
  'describe-replica',
  'transfer-leader',
  'store-heartbeat',
  'placement-status',
  'allocate-ids',
  'change-membership',
  'split',
  'prepare-merge',
  'commit-merge',
  'fence-merge',
  'rollback-merge',
  'read-shard',
  'find-middle',
  'operate',
  'learn-settings',
  'upkeep',
  'store-leaves',
] as const satisfies readonly Request['kind'][]

const CODES = Object.fromEntries(KINDS.map((kind, code) => [kind, code])) as Record<Request['kind'], number>

const WRITE_HEADER_BYTES = 12
const GET_HEADER_BYTES = 15
const SCAN_HEADER_BYTES = 26
const SCAN_HAS_END = 1
const SCAN_REVERSE = 2
const SCAN_KEYS_ONLY = 4

/** A bound may be the successor of the longest key. */
const BOUND_BYTES_MAX = LIMITS.keyBytesMax + 1

const HEADER_BYTES = 2
const EXTENDED = 0x80

export function encodeRequest(request: Request): Uint8Array {
  const bytes = encodePlain(request)
  if (request.kind !== 'write' && request.kind !== 'get' && request.kind !== 'scan') return bytes
  const added = extensionBytes(request)
  if (added === 0) return bytes
  const writer = new ByteWriter(bytes.length + added).u8(FORMAT).u8(CODES[request.kind] | EXTENDED)
  return writeExtensions(writer, request).bytes(bytes.subarray(HEADER_BYTES)).finish()
}

/** For linearizable reads; other requests stay what they are. */
export function withVoucher(request: Request, voucher: Voucher): Request {
  return isLinearizableRead(request) ? { ...request, voucher } : request
}

/** What a voucher may save a round. */
export function isLinearizableRead(request: Request): request is Request & { readonly kind: 'get' | 'scan' } {
  return (request.kind === 'get' || request.kind === 'scan') && request.consistency === 'linearizable'
}

/** Only requests that reach data are traced. */
export function withTrace(request: Request, trace: TraceContext): Request {
  return request.kind === 'write' || request.kind === 'get' || request.kind === 'scan' ? { ...request, trace } : request
}

function encodePlain(request: Request): Uint8Array {
  switch (request.kind) {
    case 'write':
      return new ByteWriter(WRITE_HEADER_BYTES + request.command.length)
        .u8(FORMAT)
        .u8(CODES.write)
        .u48(request.shard)
        .u32(request.rangeEpoch)
        .bytes(request.command)
        .finish()
    case 'get':
      return encodeGet(request)
    case 'scan':
      return encodeScan(request)
    case 'map':
      return cold(request.kind, [request.since])
    case 'change-membership':
    case 'split':
    case 'prepare-merge':
    case 'commit-merge':
    case 'fence-merge':
    case 'rollback-merge':
      return cold(request.kind, shardRequestToPlain(request))
    case 'describe':
      return cold(request.kind, [request.shards])
    case 'describe-replica':
    case 'read-shard':
      return cold(request.kind, [request.shard])
    case 'find-middle':
      // Older stores know of sizes only, and read no further than the shard.
      return cold(request.kind, request.by === 'size' ? [request.shard] : [request.shard, true])
    case 'transfer-leader':
      return cold(request.kind, [request.shard, request.store])
    case 'store-heartbeat':
      return cold(request.kind, heartbeatToPlain(request.heartbeat))
    case 'placement-status':
      return cold(request.kind, [])
    case 'allocate-ids':
      return cold(request.kind, [request.count])
    case 'operate':
      return cold(request.kind, operateToPlain(request.request))
    case 'learn-settings':
      return cold(request.kind, configToPlain(request.config))
    case 'upkeep':
      return cold(request.kind, [request.compact ?? null])
    case 'store-leaves':
      return cold(request.kind, [request.store, request.isBack])
    default:
      return unreachable(request)
  }
}

function encodeGet(request: Request & { kind: 'get' }): Uint8Array {
  let bytes = GET_HEADER_BYTES
  for (const key of request.keys) bytes += 2 + key.length
  const writer = new ByteWriter(bytes)
    .u8(FORMAT)
    .u8(CODES.get)
    .u48(request.shard)
    .u32(request.rangeEpoch)
    .flag(request.consistency === 'stale')
    .u16(request.keys.length)
  for (const key of request.keys) writer.u16(key.length).latin1(key)
  return writer.finish()
}

function encodeScan(request: Request & { kind: 'scan' }): Uint8Array {
  const end = request.end ?? ''
  const flags =
    (request.end === undefined ? 0 : SCAN_HAS_END) |
    (request.reverse ? SCAN_REVERSE : 0) |
    (request.keysOnly ? SCAN_KEYS_ONLY : 0)
  return new ByteWriter(SCAN_HEADER_BYTES + request.start.length + end.length)
    .u8(FORMAT)
    .u8(CODES.scan)
    .u48(request.shard)
    .u32(request.rangeEpoch)
    .flag(request.consistency === 'stale')
    .u8(flags)
    .u32(request.itemsMax)
    .u32(request.bytesMax)
    .u16(request.start.length)
    .u16(end.length)
    .latin1(request.start)
    .latin1(end)
    .finish()
}

function cold(kind: Request['kind'], fields: readonly unknown[]): Uint8Array {
  const packed = pack(fields)
  return new ByteWriter(2 + packed.length).u8(FORMAT).u8(CODES[kind]).bytes(packed).finish()
}

/** The command of a write is a part of the input and not looked into. */
export function decodeRequest(bytes: Uint8Array): Decoded<Request> {
  const reader = new ByteReader(bytes)
  const format = reader.u8()
  if (format !== FORMAT) return undecodable(`request of unknown format ${format}`)
  const first = reader.u8()
  if ((first & EXTENDED) === 0) return decodeFields(reader, first)
  const extensions = readExtensions(reader)
  if (typeof extensions === 'string') return undecodable(extensions)
  const request = decodeFields(reader, first - EXTENDED)
  if (!request.ok) return request
  const { trace, voucher } = extensions
  const traced = trace === undefined ? request.value : withTrace(request.value, trace)
  return decoded(voucher === undefined ? traced : withVoucher(traced, voucher))
}

function decodeFields(reader: ByteReader, code: number): Decoded<Request> {
  const kind = KINDS[code]
  if (kind === undefined) return undecodable(foreign(`kind ${code}`))
  switch (kind) {
    case 'write': {
      const request: Request = { kind, shard: reader.u48(), rangeEpoch: reader.u32(), command: reader.rest() }
      return complete(reader, request)
    }
    case 'get':
      return complete(reader, readGet(reader))
    case 'scan':
      return complete(reader, readScan(reader))
    default: {
      const unpacked = unpack(reader.rest())
      if (!unpacked.ok) return undecodable(`${kind}: ${unpacked.reason}`)
      const fields = new FieldReader(unpacked.value)
      const request = readCold(kind, fields)
      if (!fields.failed && request !== undefined) return decoded(request)
      return undecodable(fields.foreign ? foreign(`a ${kind} with a kind`) : `a ${kind} with wrong fields`)
    }
  }
}

function foreign(what: string): string {
  return `${what} that only a newer release knows; upgrade this store`
}

function complete(reader: ByteReader, request: Request): Decoded<Request> {
  return reader.isComplete ? decoded(request) : undecodable(`damaged ${request.kind}`)
}

function readGet(reader: ByteReader): Request {
  const shard = reader.u48()
  const rangeEpoch = reader.u32()
  const consistency = readConsistency(reader)
  const count = reader.u16()
  const keys: string[] = []
  for (let i = 0; i < count && !reader.failed; i++) {
    const length = reader.u16()
    if (length < 1 || length > LIMITS.keyBytesMax) reader.fail()
    keys.push(reader.latin1(length))
  }
  return { kind: 'get', shard, rangeEpoch, consistency, keys }
}

function readScan(reader: ByteReader): Request {
  const shard = reader.u48()
  const rangeEpoch = reader.u32()
  const consistency = readConsistency(reader)
  const flags = reader.u8()
  const itemsMax = reader.u32()
  const bytesMax = reader.u32()
  const startBytes = reader.u16()
  const endBytes = reader.u16()
  // A page that may hold nothing would never end a scan; whoever reads it asserts that it holds something.
  if (itemsMax < 1 || bytesMax < 1) reader.fail()
  if (flags > 7 || startBytes > BOUND_BYTES_MAX || endBytes > BOUND_BYTES_MAX) reader.fail()
  if ((flags & SCAN_HAS_END) === 0 && endBytes > 0) reader.fail()
  const start = reader.latin1(startBytes)
  const end = reader.latin1(endBytes)
  return {
    kind: 'scan',
    shard,
    rangeEpoch,
    consistency,
    start,
    end: (flags & SCAN_HAS_END) === 0 ? undefined : end,
    reverse: (flags & SCAN_REVERSE) !== 0,
    keysOnly: (flags & SCAN_KEYS_ONLY) !== 0,
    itemsMax,
    bytesMax,
  }
}

function readConsistency(reader: ByteReader): Consistency {
  return reader.flag() ? 'stale' : 'linearizable'
}

function readCold(kind: Exclude<Request['kind'], 'write' | 'get' | 'scan'>, fields: FieldReader): Request | undefined {
  switch (kind) {
    case 'map':
      return { kind, since: fields.count() }
    case 'describe': {
      const shards = fields.flat(1, (ids) => ids.count())
      return { kind, shards }
    }
    case 'describe-replica':
    case 'read-shard':
      return { kind, shard: fields.count() }
    case 'find-middle': {
      const shard = fields.count()
      return { kind, shard, by: fields.optional(() => fields.flag()) === true ? 'load' : 'size' }
    }
    case 'change-membership':
    case 'split':
    case 'prepare-merge':
    case 'commit-merge':
    case 'fence-merge':
    case 'rollback-merge':
      return readShardRequest(kind, fields)
    case 'transfer-leader':
      return { kind, shard: fields.count(), store: fields.text() }
    case 'store-heartbeat': {
      const heartbeat = readHeartbeat(fields)
      return heartbeat === undefined ? undefined : { kind, heartbeat }
    }
    case 'placement-status':
      return { kind }
    case 'allocate-ids': {
      const count = fields.count()
      // In the log a number without bound would use up all that there are, on every replica at once.
      return count > LIMITS.idsPerRequestMax ? undefined : { kind, count }
    }
    case 'operate': {
      const request = readOperate(fields)
      return request === undefined ? undefined : { kind, request }
    }
    case 'learn-settings':
      return { kind, config: readConfig(fields) }
    case 'upkeep':
      return { kind, compact: fields.optional(() => fields.count()) }
    case 'store-leaves':
      return { kind, store: fields.text(), isBack: fields.flag() }
    default:
      return unreachable(kind)
  }
}
