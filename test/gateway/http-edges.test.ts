/** HTTP itself: targets, framing, limits, time-outs, garbage. Every answer is a problem document, and the server lives. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { failure } from './fake-router.ts'
import { checkProblem, type Harness, startHarness } from './harness.ts'
import { rawProblem } from './raw-problem.ts'

async function assertAlive(h: Harness): Promise<void> {
  assert.equal((await h.ask('/livez')).status, 200)
}

test('bytes that are not HTTP get a 400 problem and a closed connection', async (t) => {
  const h = await startHarness(t)
  const garbage = [
    'hello\r\n\r\n', '\0\0\0\0', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'GET /\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'GET kv/a HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /kv/a HTTP/1.1\r\nHost x\r\n\r\n', 'PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'GET /kv/a b HTTP/1.1\r\nHost: x\r\n\r\n', 'GET / HTTP/1.1\r\nHost: x\r\nA\0b: c\r\n\r\n',
  ] // biome-ignore format: one list
  for (const bytes of garbage) rawProblem(await h.raw(Buffer.from(bytes, 'latin1')), 400, 'INVALID_ARGUMENT')
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 50 }), async (bytes) => {
      const answer = await h.raw(Buffer.concat([bytes, Buffer.from('\r\n\r\n \0\r\n\r\n')]))
      rawProblem(answer, 400, 'INVALID_ARGUMENT')
    }),
    { numRuns: 50 },
  )
  await assertAlive(h)
})

test('garbage behind a request is answered after it', async (t) => {
  const h = await startHarness(t)
  h.router.before = () => new Promise((resolve) => setTimeout(resolve, 30))
  const answer = await h.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx\0garbage\r\n\r\n')
  assert.match(answer, /^HTTP\/1.1 204 [\s\S]*HTTP\/1.1 400 /)
  assert.equal(h.router.records.size, 1)
})

test('a body that is not what its framing promised is 400', async (t) => {
  const h = await startHarness(t)
  const answer = await h.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n')
  rawProblem(answer, 400, 'INVALID_ARGUMENT')
  assert.deepEqual(h.router.calls, [])
})

test('a head that is too large is 431', async (t) => {
  const h = await startHarness(t)
  rawProblem(await h.raw(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`), 431, 'HEADERS_TOO_LARGE')
  rawProblem(await h.raw(`GET /kv/${'a'.repeat(1 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n`), 431, 'HEADERS_TOO_LARGE')
  await assertAlive(h)
})

test('no header is dropped, however many there are', async (t) => {
  const h = await startHarness(t)
  const many = Array.from({ length: 4000 }, () => 'a:\r\n').join('')
  const answer = await h.raw(
    `PUT /kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n${many}If-Match: *\r\n\r\n`,
  )
  assert.match(answer, /^HTTP\/1.1 412 /)
})

test('a head or a body that stalls is 408, and closes', async (t) => {
  const h = await startHarness(t, { limits: { stallMsMax: 200 } })
  rawProblem(await h.raw('GET /kv/a HT'), 408, 'REQUEST_TIMEOUT')
  rawProblem(await h.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc'), 408, 'REQUEST_TIMEOUT')
  rawProblem(
    await h.raw('POST /batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'),
    408,
    'REQUEST_TIMEOUT',
  )
  assert.deepEqual(h.router.calls, [])
  assert.equal(h.gateway.inflight, 0)
})

test('a body that trickles is 408 at the deadline', async (t) => {
  const h = await startHarness(t, { limits: { stallMsMax: 10_000 } })
  const socket = await h.connect()
  socket.setEncoding('latin1')
  socket.write('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nFlotilla-Timeout-Ms: 300\r\n\r\n')
  const trickle = setInterval(() => socket.write('x'), 20)
  let answer = ''
  for await (const text of socket) answer += text
  clearInterval(trickle)
  rawProblem(answer, 408, 'REQUEST_TIMEOUT')
})

test('a declared length beyond the limit is refused before the body is read', async (t) => {
  const h = await startHarness(t)
  const socket = await h.connect()
  socket.setEncoding('latin1')
  socket.write(`PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: ${10 << 20}\r\n\r\n`)
  const answer: string = await new Promise((resolve) => socket.once('data', (data) => resolve(String(data))))
  rawProblem(answer, 413, 'VALUE_TOO_LARGE')
  // The connection is still good once the body has been sent.
  socket.write(Buffer.alloc(10 << 20))
  socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
  const next: string = await new Promise((resolve) => socket.once('data', (data) => resolve(String(data))))
  assert.match(next, /^HTTP\/1.1 200 /)
  socket.destroy()
})

test('10 MB bodies get their problem through ordinary clients', async (t) => {
  const h = await startHarness(t)
  const body = Buffer.alloc(10_000_000, 0x20)
  for (const [path, method, code] of [
    ['/kv/a', 'PUT', 'VALUE_TOO_LARGE'],
    ['/kv/a', 'POST', 'VALUE_TOO_LARGE'],
    ['/batch', 'POST', 'INVALID_ARGUMENT'],
    ['/admin/shards/2/transfer-leader', 'POST', 'INVALID_ARGUMENT'],
    ['/nowhere', 'POST', 'ROUTE_NOT_FOUND'],
  ] as const) {
    const answer = await fetch(`http://127.0.0.1:${h.gateway.port}${path}`, { method, body })
    assert.equal(((await answer.json()) as { code: string }).code, code)
    const chunked = await h.ask(path, { method, body, headers: { 'transfer-encoding': 'chunked' } })
    assert.equal(chunked.json().code, code)
  }
  assert.deepEqual(h.router.calls, [])
})

test('all bodies together are bounded', async (t) => {
  const h = await startHarness(t, { limits: { bodyBytesInflightMax: 1000 } })
  await h.problem('/kv/a', { method: 'PUT', body: Buffer.alloc(1001) }, 429, 'OVERLOADED')
  assert.equal((await h.ask('/kv/a', { method: 'PUT', body: Buffer.alloc(1000) })).status, 204)
  assert.equal((await h.ask('/kv/a', { method: 'PUT', body: Buffer.alloc(1000) })).status, 204, 'released')
})

test('requests beyond the limit are 429; the operating routes still answer', async (t) => {
  const h = await startHarness(t, { limits: { inflightMax: 2 } })
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  h.router.before = () => held
  const waiting = [h.ask('/kv/a'), h.ask('/kv/b')]
  while (h.gateway.inflight < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  for (const path of ['/kv/c', '/kv', '/kv?limit=1']) {
    const answer = await h.ask(path)
    assert.equal(checkProblem(answer, 429, 'OVERLOADED').retryable, true)
  }
  checkProblem(await h.ask('/batch', { method: 'POST', body: '{"ops":[]}' }), 429, 'OVERLOADED')
  await assertAlive(h)
  release()
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 404)
  assert.equal((await h.ask('/kv/c')).status, 404)
})

test('Flotilla-Timeout-Ms is the deadline the router gets, 1 to 60000', async (t) => {
  const h = await startHarness(t)
  const deadlines: number[] = []
  h.router.before = (_call, options) => void deadlines.push(options?.timeoutMs ?? -1)
  for (const value of ['1', '60000']) await h.ask('/kv/a', { headers: { 'flotilla-timeout-ms': value } })
  await h.ask('/kv/a')
  assert.ok(
    (deadlines[0] ?? 0) <= 1 && (deadlines[1] ?? 0) > 59_000 && (deadlines[1] ?? 0) <= 60_000,
    String(deadlines),
  )
  assert.ok((deadlines[2] ?? 0) > 9000 && (deadlines[2] ?? 0) < 10_000)
  for (const value of ['0', '60001', '-1', '', '1.5', 'x', '1e3', '99999999999']) {
    await h.problem('/kv/a', { headers: { 'flotilla-timeout-ms': value } }, 400, 'INVALID_ARGUMENT')
  }
})

test('a router that misses its deadline is answered for', async (t) => {
  const h = await startHarness(t)
  h.router.before = () => new Promise((resolve) => setTimeout(resolve, 1500))
  const headers = { 'flotilla-timeout-ms': '50' }
  assert.equal((await h.problem('/kv/a', { headers }, 504, 'TIMEOUT')).outcome, 'none')
  assert.equal((await h.problem('/kv/a', { method: 'PUT', body: 'x', headers }, 504, 'TIMEOUT')).outcome, 'unknown')
})

test("the request id is the caller's own when it is sane", async (t) => {
  const h = await startHarness(t)
  assert.equal((await h.ask('/kv/a', { headers: { 'request-id': 'My.id_1-2' } })).headers['request-id'], 'My.id_1-2')
  for (const id of ['', 'a b', 'x'.repeat(129), 'a,b', '<script>', 'caf\u00e9']) {
    const answer = await h.ask('/kv/a', { headers: { 'request-id': Buffer.from(id).toString('latin1') } })
    assert.match(String(answer.headers['request-id']), /^[0-9a-f]{8}-[0-9a-z]+$/)
  }
})

test('a valid traceparent is continued, an invalid one ignored', async (t) => {
  const h = await startHarness(t)
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const answer = await h.ask('/kv/a', { headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` } })
  const continued = String(answer.headers.traceparent)
  assert.match(continued, new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
  assert.doesNotMatch(continued, /b7ad6b7169203331/)
  for (const traceparent of [
    '',
    'x',
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `ff-${trace}-b7ad6b7169203331-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-b7ad6b7169203331-01`,
  ]) {
    assert.equal((await h.ask('/kv/a', { headers: { traceparent } })).headers.traceparent, undefined)
  }
})

test('unknown routes are 404, and a known route with another method 405 with Allow', async (t) => {
  const h = await startHarness(t)
  for (const path of [
    '/',
    '/nowhere',
    '/kv64',
    '/KV/a',
    '//kv/a',
    '/kv/../livez'.slice(3),
    '/admin',
    '/admin/../livez',
    '/./livez',
    '/livez/',
    '/%6civez',
    '/admin/stores/',
    '/watch',
    '/events',
  ]) {
    await h.problem(path, {}, 404, 'ROUTE_NOT_FOUND')
  }
  for (const [path, method, allow] of [
    ['/kv/a', 'PATCH', 'DELETE, GET, HEAD, POST, PUT'],
    ['/kv64/YQ', 'OPTIONS', 'DELETE, GET, HEAD, POST, PUT'],
    ['/kv', 'POST', 'DELETE, GET, HEAD'],
    ['/batch', 'GET', 'POST'],
    ['/batch', 'HEAD', 'POST'],
    ['/livez', 'POST', 'GET, HEAD'],
    ['/admin/shards/lookup', 'DELETE', 'GET, HEAD'],
    ['/admin/shards/2', 'PUT', 'GET, HEAD'],
    ['/admin/operators/x', 'POST', 'DELETE, GET, HEAD'],
    ['*', 'OPTIONS', 'DELETE, GET, HEAD, POST, PUT'],
    ['/kv/a', 'PROPFIND', 'DELETE, GET, HEAD, POST, PUT'],
  ] as const) {
    const answer = await h.ask(path, { method })
    assert.equal(answer.headers.allow, allow, `${method} ${path}`)
    assert.equal(answer.status, 405)
    if (method !== 'HEAD') checkProblem(answer, 405, 'METHOD_NOT_ALLOWED')
  }
  rawProblem(await h.raw('CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'), 405, 'METHOD_NOT_ALLOWED')
})

test('absolute-form targets, HTTP/1.0, keep-alive and pipelining', async (t) => {
  const h = await startHarness(t)
  const absolute = await h.raw(
    'PUT http://other.example:99/kv/../a? HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nv',
  )
  assert.match(absolute, /^HTTP\/1.1 204 /)
  assert.deepEqual([...h.router.records.keys()], ['../a'])
  assert.match(await h.raw('GET http://x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /^HTTP\/1.1 404 /)
  assert.match(await h.raw('GET http://x?y=/kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /ROUTE_NOT_FOUND/)
  const old = await h.raw('GET /kv/../a HTTP/1.0\r\n\r\n')
  assert.match(old, /^HTTP\/1.1 200 [\s\S]*\r\n\r\nv$/)
  const stream = await h.raw('GET /kv HTTP/1.0\r\nAccept: application/x-ndjson\r\n\r\n')
  assert.doesNotMatch(stream, /chunked/i)
  assert.match(stream, /\.\.\/a/)
  rawProblem(await h.raw('GET /kv/a HTTP/1.1\r\nConnection: close\r\n\r\n'), 400, 'INVALID_ARGUMENT')
  const put = (key: string, more = '') => `PUT /kv/${key} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n${more}\r\n${key}`
  let delay = 60
  h.router.before = () => {
    delay -= 20
    return new Promise((resolve) => setTimeout(resolve, delay))
  }
  const pipelined = await h.raw(`${put('p')}${put('q')}GET /kv/p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  assert.deepEqual(pipelined.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 204', 'HTTP/1.1 204', 'HTTP/1.1 200'])
})

test('a head that says two things, or what nobody here can undo, is refused', async (t) => {
  const h = await startHarness(t)
  const end = 'Connection: close\r\nContent-Length: 1\r\n\r\nv'
  rawProblem(await h.raw(`PUT /kv/a HTTP/1.1\r\nHost: x\r\nHOST: x\r\n${end}`), 400, 'INVALID_ARGUMENT')
  rawProblem(await h.raw(`PUT /kv/a HTTP/1.0\r\nHost: x\r\nhost: y\r\n${end}`), 400, 'INVALID_ARGUMENT')
  for (const coding of ['gzip, chunked', 'identity, chunked', 'chunked, chunked']) {
    const head = `PUT /kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: ${coding}\r\n\r\n`
    rawProblem(await h.raw(`${head}1\r\nv\r\n0\r\n\r\n`), 400, 'INVALID_ARGUMENT')
  }
  assert.equal(h.router.records.size, 0)
  const chunked = `PUT /kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: Chunked\r\n\r\n`
  assert.match(await h.raw(`${chunked}1\r\nv\r\n0\r\n\r\n`), /^HTTP\/1.1 204 /)
})

test('Expect: 100-continue is told to go on only when the body is wanted', async (t) => {
  const h = await startHarness(t)
  const head = (length: number) =>
    `PUT /kv/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`
  assert.match(await h.raw(`${head(3)}abc`), /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 204 /)
  rawProblem(await h.raw(head(2 << 20)), 413, 'VALUE_TOO_LARGE')
  const kept = await h.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3000000\r\n\r\n')
  assert.match(kept, /\r\nConnection: close\r\n/i)
  rawProblem(
    await h.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
    400,
    'INVALID_ARGUMENT',
  )
})

test('chunked bodies, in chunks of any size', async (t) => {
  const h = await startHarness(t)
  const chunks =
    'PUT /kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nT: 1\r\n\r\n'
  assert.match(await h.raw(chunks), /^HTTP\/1.1 204 /)
  assert.equal((await h.ask('/kv/a')).text, 'abc')
  const empty = 'PUT /kv/b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
  assert.match(await h.raw(empty), /^HTTP\/1.1 204 /)
  assert.equal((await h.ask('/kv/b')).body.length, 0)
})

test('a body is the same however it is cut', async (t) => {
  const h = await startHarness(t)
  const chunked = (chunks: readonly Uint8Array[]): Buffer =>
    Buffer.concat(
      [...chunks, new Uint8Array(0)].flatMap((chunk) => [
        Buffer.from(`${chunk.length.toString(16)}\r\n`),
        chunk,
        Buffer.from('\r\n'),
      ]),
    )
  const head = 'PUT /kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 9000 }), { maxLength: 12 }), async (chunks) => {
      const whole = Buffer.concat(chunks)
      const framings = [
        Buffer.concat([Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`), chunked(chunks)]),
        Buffer.concat([Buffer.from(`${head}Content-Length: ${whole.length}\r\n\r\n`), whole]),
      ]
      for (const framing of framings) {
        assert.match(await h.raw(framing), /^HTTP\/1.1 204 /)
        assert.deepEqual((await h.ask('/kv/a')).body, whole)
      }
    }),
    { numRuns: 30 },
  )
  const crumbs = Array.from({ length: 100_000 }, (_, i) => Buffer.from([i & 0xff]))
  assert.match(
    await h.raw(Buffer.concat([Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`), chunked(crumbs)])),
    /^HTTP\/1.1 204 /,
  )
  assert.deepEqual((await h.ask('/kv/a')).body, Buffer.concat(crumbs))
})

test('every finished request is observed by route, method and status', async (t) => {
  const h = await startHarness(t)
  await h.ask('/kv/a', { method: 'PUT', body: 'x' })
  await h.ask('/kv/absent')
  await h.ask('/admin/shards/2')
  await h.ask('/nowhere')
  assert.deepEqual(h.observed, [
    'PUT /kv/{key} 204',
    'GET /kv/{key} 404',
    'GET /admin/shards/{shard} 200',
    'GET none 404',
  ])
})

test('values from inside never split an answer', async (t) => {
  const h = await startHarness(t)
  h.router.before = () => {
    throw failure({ code: 'NO_LEADER', message: 'line\r\nX: y', shard: 2, leader: 's1\r\nSet-Cookie: a=b' })
  }
  const answer = await h.ask('/kv/a')
  assert.equal(answer.headers['set-cookie'], undefined)
  assert.equal(answer.status, 503)
  assert.equal(answer.headers['flotilla-leader'], 's1??Set-Cookie:?a=b')
  assert.equal(answer.headers['content-type'], 'application/problem+json')
})
