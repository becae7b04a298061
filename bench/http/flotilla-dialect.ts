/** Flotilla over HTTP: `PUT` and `GET /kv/{key}`, raw bytes both ways, problems as RFC 9457 JSON. */
import { utf8Decode } from '../../src/base/index.ts'
import type { WriteOutcome } from '../load/index.ts'
import type { HttpDialect } from './dialect.ts'

/** `headers` go out with every request, each ending in CRLF: an authorization, for example. */
export function flotillaDialect(headers = ''): HttpDialect {
  return {
    name: 'flotilla-http',
    writePut(request, host, key, value) {
      request.text(`PUT /kv/${key} HTTP/1.1\r\nHost: ${host}\r\n${headers}Content-Length: ${value.length}\r\n\r\n`)
      request.bytes(value)
    },
    writeGet(request, host, key) {
      request.text(`GET /kv/${key} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`)
    },
    readPut(lane, status, body, observer) {
      if (status === 204 || status === 200) {
        observer.putDone(lane)
        return
      }
      const problem = readProblem(status, body)
      observer.failed(lane, problem.code, problem.outcome)
    },
    readGet(lane, status, body, observer) {
      if (status === 200) {
        observer.getDone(lane, body)
        return
      }
      const problem = readProblem(status, body)
      if (problem.code === 'KEY_NOT_FOUND') observer.getDone(lane, undefined)
      else observer.failed(lane, problem.code, 'none')
    },
  }
}

interface Problem {
  readonly code: string
  readonly outcome: WriteOutcome
}

/** Without a readable problem the status is the code and the outcome is unknown. */
function readProblem(status: number, body: Buffer): Problem {
  const fallback: Problem = { code: `HTTP_${status}`, outcome: 'unknown' }
  let parsed: unknown
  try {
    parsed = JSON.parse(utf8Decode(body) ?? '')
  } catch {
    // Not JSON, so not a problem document: the status is all there is to count by.
    return fallback
  }
  if (typeof parsed !== 'object' || parsed === null || !('code' in parsed) || typeof parsed.code !== 'string') {
    return fallback
  }
  const outcome = 'outcome' in parsed ? parsed.outcome : undefined
  const known = outcome === 'none' || outcome === 'applied' ? outcome : 'unknown'
  return { code: parsed.code, outcome: known }
}
