/**
 * What a request may carry beside its own fields, so that a version can say more without being refused by one before it. Called by the request codec, which
 * sets a bit where there are extensions; most requests have none.
 *
 *   0  2  bytes of all extensions that follow, each:
 *         1 tag   1 length   bytes
 *
 * A tag below 128 may be left out by who does not know it: with a length that it does not expect, too. One from 128 on changes what the request means, and
 * who does not know it must refuse. Tag 1 is the trace context (24 bytes).
 */
import type { TraceContext } from '../base/index.ts'
import { ByteReader, type ByteWriter } from '../machine/index.ts'
import { readTraceContext, TRACE_CONTEXT_BYTES, writeTraceContext } from './trace-context-codec.ts'

const LENGTH_BYTES = 2
const ITEM_HEADER_BYTES = 2
const TAG_TRACE = 1
const TAG_ESSENTIAL = 0x80

export const TRACE_EXTENSION_BYTES = LENGTH_BYTES + ITEM_HEADER_BYTES + TRACE_CONTEXT_BYTES

export interface Extensions {
  readonly trace?: TraceContext
}

export function writeTraceExtension(writer: ByteWriter, trace: TraceContext): ByteWriter {
  writer
    .u16(ITEM_HEADER_BYTES + TRACE_CONTEXT_BYTES)
    .u8(TAG_TRACE)
    .u8(TRACE_CONTEXT_BYTES)
  return writeTraceContext(writer, trace)
}

/** Text: why the request must be refused. */
export function readExtensions(reader: ByteReader): Extensions | string {
  const items = new ByteReader(reader.bytes(reader.u16()))
  let trace: TraceContext | undefined
  while (items.remaining > 0) {
    const tag = items.u8()
    const bytes = items.bytes(items.u8())
    if (items.failed) break
    if (tag >= TAG_ESSENTIAL) return `extension ${tag} is not known here`
    if (tag === TAG_TRACE && bytes.length === TRACE_CONTEXT_BYTES) trace = readTraceContext(new ByteReader(bytes))
  }
  if (reader.failed || items.failed) return 'damaged extensions'
  return trace === undefined ? {} : { trace }
}
