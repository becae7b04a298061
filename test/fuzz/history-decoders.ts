/** Decoders of what a store remembers of its past: rows of the log of messages. */
import { crc32 } from 'node:zlib'
import { ROW_BYTES, readRow, writeRow } from '../../src/observe/rpc-log/row.ts'
import type { Decoder } from './decoder.ts'

function loggedCall(latencyMs: number | undefined): Uint8Array {
  const bytes = Buffer.alloc(ROW_BYTES)
  const call = {
    type: 2,
    heartbeat: false,
    peer: 1,
    group: 3,
    term: 4,
    entries: 5,
    bytes: 600,
    sentMs: 7,
    latencyMs,
    error: 1,
  }
  writeRow(bytes, 0, call, 8, 1_700_000_000_000, 0, 1)
  return bytes
}

export const HISTORY_DECODERS: readonly Decoder[] = [
  {
    name: 'row of the RPC log',
    covers: ['src/observe/rpc-log/row.ts#readRow'],
    decode: (bytes) => {
      const row = readRow(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0)
      // Whoever reads a row makes a date of its time.
      return row !== undefined && new Date(row.wallMs).toISOString().length > 0
    },
    seeds: [loggedCall(1.5), loggedCall(undefined)],
    repair: (bytes) => {
      if (bytes.length < ROW_BYTES) return
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, crc32(bytes.subarray(4, ROW_BYTES)), true)
    },
  },
]
