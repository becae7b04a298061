/** The response parser against responses of every framing, cut anywhere, and against bytes that are not HTTP. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ResponseParser } from '../../bench/http/index.ts'

interface Seen {
  readonly status: number
  readonly body: string
  readonly reusable: boolean
}

function collect(pieces: readonly Buffer[], end = false): { seen: Seen[]; malformed: string[]; cutOff: boolean } {
  const seen: Seen[] = []
  const malformed: string[] = []
  const parser = new ResponseParser({
    response: (status, body, reusable) => seen.push({ status, body: body.toString('latin1'), reusable }),
    malformed: (reason) => malformed.push(reason),
  })
  for (const piece of pieces) {
    // The socket reuses its buffer, so the parser must not keep what it was handed.
    const reused = Buffer.from(piece)
    parser.feed(reused)
    reused.fill(0x58)
  }
  return { seen, malformed, cutOff: end ? parser.end() : false }
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((left, right) => left - right)
  const edges = [0, ...sorted, bytes.length]
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge))
}

const body = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const noise = fc.constantFrom(
  'Date: today',
  'ETag: "12"',
  'Content-Type: text/plain',
  'Content-Language: en',
  'T: 1',
  'X-Content-Length: 99',
)

const fixed = fc
  .record({
    status: fc.integer({ min: 200, max: 599 }),
    body,
    headers: fc.array(noise),
    name: fc.constantFrom('Content-Length', 'content-length', 'CONTENT-LENGTH'),
  })
  .filter(({ status }) => status !== 204 && status !== 304)
  .map(({ status, body, headers, name }) => ({
    wire: `HTTP/1.1 ${status} Some Reason\r\n${headers.map((header) => `${header}\r\n`).join('')}${name}: ${body.length}\r\n\r\n${body}`,
    seen: { status, body, reusable: true },
  }))
const chunked = fc
  .record({
    parts: fc.array(body.filter((part) => part.length > 0)),
    extension: fc.constantFrom('', ';a=b', ' '),
    trailers: fc.array(noise, { maxLength: 2 }),
  })
  .map(({ parts, extension, trailers }) => ({
    wire: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${parts
      .map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`)
      .join('')}0\r\n${trailers.map((trailer) => `${trailer}\r\n`).join('')}\r\n`,
    seen: { status: 200, body: parts.join(''), reusable: true },
  }))
const empty = fc.constantFrom(204, 304).map((status) => ({
  wire: `HTTP/1.1 ${status} Nothing\r\nETag: "7"\r\n\r\n`,
  seen: { status, body: '', reusable: true },
}))
const interim = fixed.map(({ wire, seen }) => ({ wire: `HTTP/1.1 100 Continue\r\n\r\n${wire}`, seen }))

test('any sequence of responses, cut anywhere, is read as it was written', () => {
  const responses = fc.array(fc.oneof(fixed, chunked, empty, interim), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(responses, fc.array(fc.nat(4000), { maxLength: 40 }), (written, places) => {
      const wire = Buffer.from(written.map((response) => response.wire).join(''), 'latin1')
      const { seen, malformed } = collect(cut(wire, places))
      assert.deepEqual(malformed, [])
      assert.deepEqual(
        seen,
        written.map((response) => response.seen),
      )
    }),
    { numRuns: 500 },
  )
})

test('a response that arrives byte by byte is read', () => {
  const wire = Buffer.from(
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n',
  )
  const { seen } = collect([...wire].map((byte) => Buffer.from([byte])))
  assert.deepEqual(seen, [
    { status: 200, body: 'hello', reusable: true },
    { status: 404, body: '', reusable: true },
  ])
})

test('a connection that closes, or speaks HTTP/1.0, is not used again', () => {
  const close = Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  assert.equal(collect([close]).seen[0]?.reusable, false)
  const old = Buffer.from('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n')
  assert.equal(collect([old]).seen[0]?.reusable, false)
  const kept = Buffer.from('HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n')
  assert.equal(collect([kept]).seen[0]?.reusable, true)
})

test('a body without a length ends with the connection', () => {
  const pieces = [Buffer.from('HTTP/1.1 200 OK\r\n\r\nsome '), Buffer.from('bytes')]
  assert.deepEqual(collect(pieces).seen, [])
  assert.deepEqual(collect(pieces, true).seen, [{ status: 200, body: 'some bytes', reusable: false }])
})

test('a response that the end of the connection cuts off is reported', () => {
  assert.equal(collect([Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')], true).cutOff, true)
  assert.equal(collect([Buffer.from('HTTP/1.1 20')], true).cutOff, true)
  assert.equal(collect([Buffer.from('HTTP/1.1 204 No\r\n\r\n')], true).cutOff, false)
})

const NOT_HTTP: Readonly<Record<string, string>> = {
  'another protocol': 'INFO {"server_id":"x"}\r\n\r\n',
  'a status that is no number': 'HTTP/1.1 abc\r\n\r\n',
  'a length that is no number': 'HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n',
  'an absent length': 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n',
  'a length beyond all limits': 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n',
  'an unknown coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
  'a chunk size that is no number': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'a chunk longer than its size': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n',
  'an endless head': `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(70_000)}`,
}
for (const [what, wire] of Object.entries(NOT_HTTP)) {
  test(`${what} is malformed`, () => {
    const { seen, malformed } = collect([Buffer.from(wire), Buffer.from('HTTP/1.1 204 No\r\n\r\n')])
    assert.equal(malformed.length, 1)
    assert.deepEqual(seen, [])
  })
}

test('no bytes make the parser throw', () => {
  const prefix = fc.constantFrom(
    '',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n',
  )
  fc.assert(
    fc.property(
      prefix,
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.nat(200), { maxLength: 9 }),
      (start, bytes, places) => {
        const { malformed } = collect(cut(Buffer.concat([Buffer.from(start), bytes]), places), true)
        assert.ok(malformed.length <= 1)
      },
    ),
    { numRuns: 2000 },
  )
})
