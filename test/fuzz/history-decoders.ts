/** Decoders of what a store remembers of its past: rows of the log of messages. */
import { ROW_BYTES, readRow, sumOf, writeRow } from '../../src/observe/rpc-log/row.ts'
import type { Decoder } from './decoder.ts'

function loggedCall(latencyMs: number): Uint8Array {
  const bytes = new Uint8Array(ROW_BYTES)
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
  writeRow(viewOf(bytes), 0, call, 8, 1_700_000_000_000, 0, 1)
  return bytes
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export const HISTORY_DECODERS: readonly Decoder[] = [
  {
    name: 'row of the RPC log',
    covers: ['src/observe/rpc-log/row.ts#readRow'],
    decode: (bytes) => {
      const row = readRow(viewOf(bytes), 0)
      // Whoever reads a row makes a date of its time.
      return row !== undefined && new Date(row.wallMs).toISOString().length > 0
    },
    seeds: [loggedCall(1.5), loggedCall(Number.NaN)],
    repair: (bytes) => {
      if (bytes.length < ROW_BYTES) return
      const view = viewOf(bytes)
      view.setUint32(0, sumOf(view, 0), true)
    },
  },
]
