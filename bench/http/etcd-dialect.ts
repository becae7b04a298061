/**
 * etcd over its HTTP gateway: JSON with base64 fields, `POST /v3/kv/put` and `/v3/kv/range`. A range is linearizable unless it says
 * `serializable`, which this does not. The value is found by searching the body, not by parsing it: the generator's cycles are the servers'.
 */
import type { HttpDialect } from './dialect.ts'

const VALUE_FIELD = Buffer.from('"value":"')
const QUOTE = 0x22

export function etcdDialect(): HttpDialect {
  return {
    name: 'etcd-http',
    writePut(request, host, key, value) {
      const body = `{"key":"${base64(key)}","value":"${value.toString('base64')}"}`
      request.text(`POST /v3/kv/put HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    },
    writeGet(request, host, key) {
      const body = `{"key":"${base64(key)}"}`
      request.text(`POST /v3/kv/range HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    },
    readPut(lane, status, _body, observer) {
      if (status === 200) observer.putDone(lane)
      // A client error was refused before it was proposed; of any other failure etcd does not say what became of the write.
      else observer.failed(lane, `HTTP_${status}`, status >= 400 && status < 500 ? 'none' : 'unknown')
    },
    readGet(lane, status, body, observer) {
      if (status !== 200) observer.failed(lane, `HTTP_${status}`, 'none')
      else observer.getDone(lane, decodedValue(body))
    },
  }
}

function base64(key: string): string {
  return Buffer.from(key, 'latin1').toString('base64')
}

function decodedValue(body: Buffer): Buffer | undefined {
  const field = body.indexOf(VALUE_FIELD)
  if (field === -1) return undefined
  const start = field + VALUE_FIELD.length
  return Buffer.from(body.toString('latin1', start, body.indexOf(QUOTE, start)), 'base64')
}
