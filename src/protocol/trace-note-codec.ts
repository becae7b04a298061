/**
 * The bytes of a note that travels ahead of entries which belong to a trace, in the lane of Raft messages: it tells the follower under which span its part is to be
 * told. Stores that do not know of notes take it for a Raft message of a later format and drop it.
 *
 *   0   1  2, where a Raft message has its format    20  16  trace id
 *   1   1  format: 1                                 36   8  span id
 *   2   6  group
 *   8   6  index      14  6  term
 */
import type { TraceContext } from '../base/index.ts'
import { ByteReader, ByteWriter } from '../machine/index.ts'
import { readTraceContext, TRACE_CONTEXT_BYTES, writeTraceContext } from './trace-context-codec.ts'

/** The first byte, by which a note is told from a Raft message. */
const MARK = 2
const FORMAT = 1
const BYTES = 20 + TRACE_CONTEXT_BYTES

export interface TraceNote {
  readonly group: number
  readonly index: number
  readonly term: number
  readonly context: TraceContext
}

export function encodeTraceNote({ group, index, term, context }: TraceNote): Uint8Array {
  const writer = new ByteWriter(BYTES).u8(MARK).u8(FORMAT).u48(group).u48(index).u48(term)
  return writeTraceContext(writer, context).finish()
}

export function isTraceNote(item: Uint8Array): boolean {
  return item[0] === MARK
}

/** Undefined for what is none, or is of a later format: nothing but a span is lost. */
export function decodeTraceNote(item: Uint8Array): TraceNote | undefined {
  const reader = new ByteReader(item)
  if (reader.u8() !== MARK || reader.u8() !== FORMAT) return undefined
  const note = { group: reader.u48(), index: reader.u48(), term: reader.u48() }
  const context = readTraceContext(reader)
  return context === undefined || !reader.isComplete ? undefined : { ...note, context }
}
