/** The decoders of snapshots, from a single chunk to the whole stream. See `decoder.ts` for what an item says. */
import { crc32 } from 'node:zlib'
import { DataStoreError } from '../../src/storage/index.ts'
import { viewOf } from '../../src/storage/segment-log/layout.ts'
import {
  decodeChunk,
  decodeHeader,
  decodeTrailer,
  encodeChunk,
  encodeHeader,
  encodeTrailer,
  rawPayload,
  runChecksum,
} from '../../src/storage/snapshot/format.ts'
import { RecordParser } from '../../src/storage/snapshot/record-parser.ts'
import { SnapshotVerifier } from '../../src/storage/snapshot/verifier.ts'
import type { Decoder } from './decoder.ts'

const BODY = Buffer.from('a body that can be compressed, compressed, compressed, compressed')

const isDataStoreError = (error: unknown): boolean => error instanceof DataStoreError

function sealChunk(bytes: Uint8Array): void {
  if (bytes.length < 20) return
  const view = viewOf(bytes)
  view.setUint32(4, bytes.length)
  view.setUint32(0, crc32(bytes.subarray(4)))
}

/** Length and chunk, again and again. */
function snapshotStream(chunks: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    chunks.flatMap((chunk) => {
      const head = Buffer.alloc(2)
      head.writeUInt16BE(chunk.length)
      return [head, chunk]
    }),
  )
}

function wholeSnapshot(): Uint8Array {
  const records = recordPayload()
  const chunks = [
    encodeChunk('header', 0, encodeHeader({ group: 7, stateBytes: BODY.length }), true),
    encodeChunk('state', 1, BODY, true),
    encodeChunk('records', 2, records, false),
  ]
  const checksum = chunks.reduce((sum, chunk) => runChecksum(sum, decodeChunk(chunk).checksum), 0)
  const trailer = encodeTrailer({ checksum, records: 2, recordBytes: records.length })
  return snapshotStream([...chunks, encodeChunk('trailer', 3, trailer, true)])
}

function verifySnapshot(bytes: Uint8Array): boolean {
  const verifier = new SnapshotVerifier(7)
  const view = viewOf(bytes)
  for (let at = 0; at + 2 <= bytes.length; ) {
    const length = view.getUint16(at)
    verifier.accept(bytes.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return verifier.complete && verifier.state().length >= 0
}

function recordPayload(): Uint8Array {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(1, 0)
  head.writeUInt32BE(3, 4)
  return Buffer.concat([head, Buffer.from('kval'), head, Buffer.from('lwal')])
}

export const SNAPSHOT_DECODERS: readonly Decoder[] = [
  {
    name: 'snapshot chunk',
    covers: ['src/storage/snapshot/format.ts#decodeChunk', 'src/storage/snapshot/staging.ts#readChunk'],
    decode: (bytes) => rawPayload(decodeChunk(bytes)).length >= 0,
    seeds: [encodeChunk('records', 1, BODY, false), encodeChunk('state', 0, BODY, true)],
    repair: sealChunk,
    allows: isDataStoreError,
  },
  {
    name: 'snapshot header',
    covers: ['src/storage/snapshot/format.ts#decodeHeader'],
    decode: (bytes) => decodeHeader(bytes).group >= 0,
    seeds: [encodeHeader({ group: 7, stateBytes: 10 })],
    allows: isDataStoreError,
  },
  {
    name: 'snapshot trailer',
    covers: ['src/storage/snapshot/format.ts#decodeTrailer'],
    decode: (bytes) => decodeTrailer(bytes).records >= 0,
    seeds: [encodeTrailer({ checksum: 1, records: 2, recordBytes: 3 })],
    allows: isDataStoreError,
  },
  {
    name: 'snapshot records',
    covers: ['src/storage/snapshot/record-parser.ts#RecordParser'],
    decode: (bytes) => {
      const parser = new RecordParser()
      for (let at = 0; at < bytes.length; at += 11) {
        parser.push(bytes.subarray(at, at + 11))
        while (parser.next() !== undefined);
      }
      return !parser.unfinished
    },
    seeds: [recordPayload()],
    allows: isDataStoreError,
  },
  {
    name: 'snapshot stream',
    covers: ['src/storage/snapshot/verifier.ts#SnapshotVerifier'],
    decode: verifySnapshot,
    seeds: [wholeSnapshot()],
    allows: isDataStoreError,
  },
]
