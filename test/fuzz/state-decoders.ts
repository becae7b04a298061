/** The decoders of what lies on a disk or in a log: commands, records, segments, state. See `decoder.ts` for what an item says. */
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import {
  changeFromPlain,
  changeToPlain,
  deltaFromPlain,
  deltaToPlain,
  isUnreadable,
  mapFromPlain,
  mapToPlain,
  operatorFromPlain,
  operatorToPlain,
  shardFromPlain,
  shardToPlain,
  storeFromPlain,
  storeToPlain,
} from '../../shard-map/index.ts'
import { silentLogger } from '../../src/base/index.ts'
import {
  commandRangeEpoch,
  decodeKvCommand,
  decodeRecord,
  encodeKvCommand,
  encodeRecord,
  KvMachine,
  PlacementMachine,
  pack,
  unpack,
} from '../../src/machine/index.ts'
import { decodePlacementCommand, encodePlacementCommand } from '../../src/machine/placement/command.ts'
import type { Entry } from '../../src/raft/index.ts'
import { DataStoreError, LogStoreError, openSegmentLog } from '../../src/storage/index.ts'
import {
  decodeFormatVersion,
  decodeInstallMarker,
  decodeRange,
  encodeFormatVersion,
  encodeInstallMarker,
  encodeRange,
} from '../../src/storage/layout.ts'
import { parseLockHolder } from '../../src/storage/lock-holder.ts'
import {
  BATCH_HEADER_BYTES,
  decodeBatchHeader,
  decodeFooter,
  decodeSegmentHeader,
  encodeSegmentHeader,
  footerBytes,
  parseSegmentFileName,
  sealBatch,
  viewOf,
} from '../../src/storage/segment-log/layout.ts'
import {
  decodeRecord as decodeLogRecord,
  decodeRunEntries,
  encodeRun,
  runRecordBytes,
} from '../../src/storage/segment-log/records.ts'
import { decodeShardCommand, encodeShardCommand } from '../../src/store/shard-command.ts'
import { decodeStateRecord, encodeDescriptor, encodeStateRecord } from '../../src/store/state-record.ts'
import { decodeTombstone, encodeTombstone } from '../../src/store/tombstone.ts'
import { command } from '../machine/arbitraries.ts'
import { machineWithOperators, operatorSamples } from '../machine/operator-samples.ts'
import { bootstrapped } from '../shard-map/arbitraries.ts'
import { entriesOf, hardState, memoryFiles, segmentFiles } from '../storage/log/support.ts'
import { bytesOf, type Decoder, textOf } from './decoder.ts'

const LOG_ID = 99
const MAP = bootstrapped(3, 4)
const OPERATORS = operatorSamples()
const [SHARD] = MAP.shards
const [STORE] = MAP.stores
if (SHARD === undefined || STORE === undefined) throw new Error('a founded map has shards and stores')
const MEMBERSHIP = { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false }
const MERGING = { index: 8, indexMin: 7, target: SHARD }
const DESCRIPTOR = encodeDescriptor({
  replica: 1,
  shard: SHARD,
  membership: MEMBERSHIP,
  merging: MERGING,
  absorbed: [{ shard: 9, range: 4 }],
})
const BODY = Buffer.from('a body that can be compressed, compressed, compressed, compressed')

const isDataStoreError = (error: unknown): boolean => error instanceof DataStoreError
const isLogStoreError = (error: unknown): boolean => error instanceof LogStoreError

/** Bytes as a plain value, so that readers of plain values can be fed like all others. */
function plain(read: (value: unknown) => object): (bytes: Uint8Array) => boolean {
  return (bytes) => {
    const unpacked = unpack(bytes)
    return unpacked.ok && !isUnreadable(read(unpacked.value))
  }
}

function logRecord(): Uint8Array {
  const entries = entriesOf(5, 8)
  const dataBytes = entries.reduce((sum, { data }) => sum + data.length, 0)
  const bytes = new Uint8Array(runRecordBytes(entries.length, dataBytes, true))
  encodeRun(bytes, viewOf(bytes), 0, LOG_ID, 'entries', 3, entries, 0, entries.length, hardState(2, 1, 4))
  return bytes
}

/** The checksum of a log's record, or of a snapshot's chunk, over what it covers. */
function sealRecord(bytes: Uint8Array): void {
  if (bytes.length < 8) return
  const view = viewOf(bytes)
  view.setUint32(4, bytes.length, true)
  view.setUint32(0, crc32(bytes.subarray(4), LOG_ID), true)
}

/** A batch of two records, as `sealBatch` leaves it. */
function sealedBatch(): Uint8Array {
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + 64 + footerBytes(2))
  const stamp = { sequence: 3, oldestSegment: 1, batchBytes: bytes.length, records: 2 }
  sealBatch(bytes, viewOf(bytes), LOG_ID, stamp, [BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + 32], [1, 2])
  return bytes
}

function sealBatchHeader(bytes: Uint8Array): void {
  if (bytes.length >= BATCH_HEADER_BYTES)
    viewOf(bytes).setUint32(4, crc32(bytes.subarray(8, BATCH_HEADER_BYTES), LOG_ID), true)
}

function segment(): Uint8Array {
  const files = memoryFiles(1)
  const log = openSegmentLog({ files, segmentBytes: 64 * 1024, random: { below: () => LOG_ID }, logger: silentLogger })
  for (const group of [1, 2])
    log.create(group, group, { index: 0, term: 0 }).append(entriesOf(1, 4), hardState(1, 1, 2))
  log.sync(() => {})
  return files.read(segmentFiles(files)[0] ?? '')
}

function openLog(bytes: Uint8Array): boolean {
  const files = memoryFiles(1)
  files.write('log/0000000000000001.segment', bytes)
  const log = openSegmentLog({ files, segmentBytes: 64 * 1024, random: { below: () => LOG_ID }, logger: silentLogger })
  for (const group of log.groups().values()) group.entries(group.firstIndex(), group.lastIndex() + 1, 1024)
  return log.damaged().length === 0
}

const EPOCH = { membership: 2, range: 5 }
function shardEntries(): Entry[] {
  return [4, 5].map((index) => ({ index, term: 3, type: index === 4 ? 'normal' : 'shard', data: BODY }))
}

export const STATE_DECODERS: readonly Decoder[] = [
  {
    name: 'kv command',
    covers: ['src/machine/kv/command.ts#decodeKvCommand'],
    decode: (bytes) => {
      commandRangeEpoch(bytes)
      return decodeKvCommand(bytes).kind !== 'malformed'
    },
    seeds: fc.sample(command, { seed: 5, numRuns: 40 }).map(encodeKvCommand),
  },
  {
    name: 'shard command',
    covers: ['src/store/shard-command.ts#decodeShardCommand'],
    decode: (bytes) => typeof decodeShardCommand(bytes) !== 'string',
    seeds: [
      { kind: 'split' as const, epoch: EPOCH, cuts: [{ key: 'm', shard: 12, replicas: [40, 41, 42] }] },
      { kind: 'prepare-merge' as const, epoch: EPOCH, indexMin: 7, target: SHARD },
      { kind: 'commit-merge' as const, epoch: EPOCH, source: SHARD, previousTerm: 3, entries: shardEntries() },
      { kind: 'fence-merge' as const, epoch: EPOCH },
      { kind: 'rollback-merge' as const, epoch: EPOCH },
    ].map(encodeShardCommand),
  },
  {
    name: 'kv record',
    covers: ['src/machine/kv/record.ts#decodeRecord'],
    decode: (bytes) => decodeRecord(bytes) !== undefined,
    seeds: [encodeRecord(1, BODY), encodeRecord(2 ** 40, new Uint8Array(0))],
  },
  {
    name: 'kv machine state',
    covers: [],
    decode: (bytes) =>
      KvMachine.restore(bytes, { start: '', end: undefined, epoch: { range: 1 } }) instanceof KvMachine,
    seeds: [Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 5)],
  },
  {
    name: 'placement command',
    covers: [
      'src/machine/placement/command.ts#decodePlacementCommand',
      'src/machine/placement/command.ts#readSettings',
      'src/machine/placement/operator-codec.ts#operatorCommandFromPlain',
    ],
    decode: (bytes) => decodePlacementCommand(bytes).kind !== 'malformed',
    seeds: [
      encodePlacementCommand({ kind: 'allocate-ids', count: 3 }),
      encodePlacementCommand({ kind: 'configure', settings: [['placement.on', true]], expectedVersion: 4 }),
      encodePlacementCommand({ kind: 'change', change: { kind: 'register-store', store: STORE } }),
      encodePlacementCommand({ kind: 'change', change: { kind: 'update-shards', shards: MAP.shards } }),
      encodePlacementCommand({ kind: 'start-operators', operators: OPERATORS, atMs: 5 }),
      encodePlacementCommand({
        kind: 'advance-operator',
        id: 1,
        step: 0,
        reached: { membership: 2, range: 1 },
        atMs: 6,
      }),
      encodePlacementCommand({
        kind: 'unwind-operator',
        id: 1,
        outcome: 'cancelled',
        reason: 'no',
        steps: [{ what: 'leave-joint', shard: 2 }],
        atMs: 7,
      }),
      encodePlacementCommand({ kind: 'pause-scheduler', scheduler: 'drain', untilMs: 8 }),
    ],
  },
  {
    name: 'placement machine',
    covers: [
      'src/machine/placement/operator-codec.ts#savedOperatorsFromPlain',
      'src/machine/placement/config-book.ts#configHistoryFromPlain',
    ],
    decode: (bytes) => PlacementMachine.restore(bytes) instanceof PlacementMachine,
    seeds: [machineWithOperators(OPERATORS)],
  },
  {
    name: 'operator',
    covers: ['operatorFromPlain', 'shardStepFromPlain', 'stepFromPlain'].map(
      (name) => `shard-map/plan/operator-codec.ts#${name}`,
    ),
    decode: plain(operatorFromPlain),
    seeds: OPERATORS.map((operator) => pack(operatorToPlain(operator))),
  },
  { name: 'msgpack', covers: [], decode: (bytes) => unpack(bytes).ok, seeds: [pack({ a: [1, 'b', BODY], c: null })] },
  {
    name: 'shard map',
    covers: ['shard-map/codec.ts#mapFromPlain'],
    decode: plain(mapFromPlain),
    seeds: [pack(mapToPlain(MAP))],
  },
  {
    name: 'map delta',
    covers: ['shard-map/codec.ts#deltaFromPlain'],
    decode: plain(deltaFromPlain),
    seeds: [
      pack(
        deltaToPlain({
          from: 1,
          to: 2,
          placement: undefined,
          shards: MAP.shards,
          removedShards: [9],
          stores: MAP.stores,
          removedStores: [],
        }),
      ),
    ],
  },
  {
    name: 'shard',
    covers: ['shard-map/codec.ts#shardFromPlain', 'shard-map/codec.ts#replicasFromPlain'],
    decode: plain(shardFromPlain),
    seeds: [pack(shardToPlain(SHARD))],
  },
  {
    name: 'store',
    covers: ['shard-map/codec.ts#storeFromPlain'],
    decode: plain(storeFromPlain),
    seeds: [pack(storeToPlain(STORE))],
  },
  {
    name: 'map change',
    covers: ['shard-map/change-codec.ts#changeFromPlain'],
    decode: plain(changeFromPlain),
    seeds: [
      pack(changeToPlain({ kind: 'register-store', store: STORE })),
      pack(changeToPlain({ kind: 'update-shards', shards: MAP.shards })),
      pack(changeToPlain({ kind: 'label-store', store: 's1', labels: { zone: 'z', host: null } })),
    ],
  },
  {
    name: 'state record',
    covers: ['src/store/state-record.ts#decodeStateRecord'],
    decode: (bytes) => {
      const record = decodeStateRecord(bytes)
      // What its callers do with it first.
      return typeof record !== 'string' && record.shard.replicas.length >= 0 && record.membership.voters.length >= 0
    },
    seeds: [encodeStateRecord(9, 2, DESCRIPTOR, BODY)],
  },
  {
    name: 'tombstone',
    covers: ['src/store/tombstone.ts#decodeTombstone'],
    decode: (bytes) => typeof decodeTombstone(bytes) !== 'string',
    seeds: [encodeTombstone({ replica: 4, membership: 2, mergedInto: 7 })],
  },
  {
    name: 'segment file',
    covers: ['src/storage/segment-log/open-segment-log.ts#openSegmentLog'],
    decode: openLog,
    seeds: [segment()],
    allows: isLogStoreError,
    // Buffers and caches that an open log has whatever is in it.
    reservedBytes: 16 * 1024 * 1024,
  },
  {
    name: 'segment header',
    covers: ['src/storage/segment-log/layout.ts#decodeSegmentHeader'],
    decode: (bytes) => decodeSegmentHeader(bytes) !== undefined,
    seeds: [encodeSegmentHeader({ version: 1, logId: LOG_ID, sequence: 4 })],
  },
  {
    name: 'batch header and footer',
    covers: ['src/storage/segment-log/layout.ts#decodeBatchHeader', 'src/storage/segment-log/layout.ts#decodeFooter'],
    decode: (bytes) => {
      const view = viewOf(bytes)
      const header = decodeBatchHeader(bytes, view, 0, LOG_ID)
      // The footer stands wherever the header says; both ends are tried.
      const at = Math.max(0, bytes.length - footerBytes(header?.records ?? 0))
      return decodeFooter(bytes, view, at, 0, LOG_ID) !== undefined
    },
    seeds: [sealedBatch()],
    repair: sealBatchHeader,
  },
  {
    name: 'log record',
    covers: ['src/storage/segment-log/records.ts#decodeRecord'],
    // Behind its checksum: a record is at least its header.
    decode: (bytes) => bytes.length >= 24 && decodeLogRecord(viewOf(bytes), 0, bytes.length) !== undefined,
    seeds: [logRecord()],
  },
  {
    name: 'entries of a record',
    covers: ['src/storage/segment-log/records.ts#decodeRunEntries'],
    decode: (bytes) => decodeRunEntries(bytes, LOG_ID, 3) !== undefined,
    seeds: [logRecord()],
    repair: sealRecord,
  },
  {
    name: 'segment file name',
    covers: ['src/storage/segment-log/layout.ts#parseSegmentFileName'],
    decode: (bytes) => parseSegmentFileName(textOf(bytes)) !== undefined,
    seeds: [bytesOf('0000000000000001.segment')],
  },
  {
    name: 'format version',
    covers: ['src/storage/layout.ts#decodeFormatVersion'],
    decode: (bytes) => decodeFormatVersion(bytes) >= 0,
    seeds: [encodeFormatVersion()],
  },
  {
    name: 'range record',
    covers: ['src/storage/layout.ts#decodeRange'],
    decode: (bytes) => decodeRange(bytes).start.length >= 0,
    seeds: [encodeRange({ start: 'a', end: 'b' }), encodeRange({ start: '', end: undefined })],
    allows: isDataStoreError,
  },
  {
    name: 'install marker',
    covers: ['src/storage/layout.ts#decodeInstallMarker'],
    decode: (bytes) => decodeInstallMarker(bytes).file.length >= 0,
    seeds: [encodeInstallMarker({ range: { start: 'a', end: undefined }, file: '7.staging', state: BODY })],
    allows: isDataStoreError,
  },
  {
    name: 'lock holder',
    covers: ['src/storage/lock-holder.ts#parseLockHolder'],
    decode: (bytes) => {
      const unpacked = unpack(bytes)
      const isObject = unpacked.ok && typeof unpacked.value === 'object' && unpacked.value !== null
      return isObject && parseLockHolder(unpacked.value as Record<string, unknown>) !== undefined
    },
    seeds: [pack({ pid: 3, host: 'h', boot: '', namespace: '', startTicks: '5' }), pack({ released: true })],
  },
]
