/**
 * What HTTP demands of the head of a request beyond what Node's parser insists on. Asked once for every request, before it is routed.
 */
import type { IncomingMessage } from 'node:http'
import type { Expectation } from './http-server.ts'

/** What is wrong with a request's head, as a sentence for its sender; undefined when nothing is. */
export function faultOf(incoming: IncomingMessage, expectation: Expectation): string | undefined {
  const { httpVersion, headers } = incoming
  // Node takes requests without a version as HTTP/0.9, which nobody means.
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'the bytes received are not an HTTP/1 request'
  const hosts = hostsIn(incoming.rawHeaders)
  if (hosts > 1) return 'there is more than one Host header'
  if (hosts === 0 && httpVersion === '1.1') return 'the Host header is missing'
  if (expectation === 'unknown') return 'the Expect header takes only 100-continue'
  const coding = headers['transfer-encoding']
  // Node undoes chunks and nothing else; what is left would be stored as if it were the value.
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return 'the only Transfer-Encoding here is chunked'
  return undefined
}

/** Node keeps the first one and drops the others (RFC 9112 section 3.2 wants them refused). */
function hostsIn(rawHeaders: readonly string[]): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name?.length === 4 && name.toLowerCase() === 'host') count++
  }
  return count
}
