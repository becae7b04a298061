/** The bytes of a trace context: 16 of the trace's id, 8 of the span's. Identities of zeros mean none and are refused. */
import type { TraceContext } from '../base/index.ts'
import type { ByteReader, ByteWriter } from '../machine/index.ts'

export const TRACE_CONTEXT_BYTES = 24
const TRACE_ID_WORDS = 4
const SPAN_ID_WORDS = 2

export function writeTraceContext(writer: ByteWriter, { traceId, spanId }: TraceContext): ByteWriter {
  for (let i = 0; i < TRACE_ID_WORDS; i++) writer.u32(Number.parseInt(traceId.slice(i * 8, i * 8 + 8), 16))
  for (let i = 0; i < SPAN_ID_WORDS; i++) writer.u32(Number.parseInt(spanId.slice(i * 8, i * 8 + 8), 16))
  return writer
}

export function readTraceContext(reader: ByteReader): TraceContext | undefined {
  const traceId = hexWords(reader, TRACE_ID_WORDS)
  const spanId = hexWords(reader, SPAN_ID_WORDS)
  return reader.failed || /^0+$/.test(traceId) || /^0+$/.test(spanId) ? undefined : { traceId, spanId }
}

function hexWords(reader: ByteReader, count: number): string {
  let text = ''
  for (let i = 0; i < count; i++) text += reader.u32().toString(16).padStart(8, '0')
  return text
}
