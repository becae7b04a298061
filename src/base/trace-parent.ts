/** The text by which traces go from program to program: the header `traceparent` of W3C Trace Context. Read by the gateway and by clients. */

const TRACE_PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const ZERO_TRACE = '0'.repeat(32)
const ZERO_SPAN = '0'.repeat(16)

/** What a caller's `traceparent` says (W3C Trace Context, section 3.2); undefined when it is not valid. */
export function parseTraceParent(
  traceParent: string,
): { readonly traceId: string; readonly spanId: string; readonly flags: string } | undefined {
  const match = TRACE_PARENT.exec(traceParent)
  if (match === null) return undefined
  const [, version, traceId = '', spanId = '', flags = '', rest] = match
  if (version === 'ff' || traceId === ZERO_TRACE || spanId === ZERO_SPAN) return undefined
  if (version === '00' && rest !== undefined) return undefined
  return { traceId, spanId, flags }
}
