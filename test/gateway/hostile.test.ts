/** What hostile clients try at the gateway: paths that climb, headers and logs that are split, prototypes, bombs, spreadsheets, and many connections. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createLogger } from '../../src/observe/index.ts'
import { csvLine } from '../../tools/cli/index.ts'
import { checkProblem, startHarness } from './harness.ts'

test('a path that climbs is a key or nothing', async (t) => {
  const h = await startHarness(t)
  const climbing = ['../../etc/passwd', '..%2f..%2fadmin/status', '%2e%2e/%2e%2e/admin', '..\\..\\x', './/x', '%00../x']
  for (const key of climbing) {
    assert.equal((await h.ask(`/kv/${key}`, { method: 'PUT', body: key })).status, 204)
    assert.equal((await h.ask(`/kv/${key}`)).text, key)
  }
  const listed = (await h.ask('/kv')).json().items as { key: string }[]
  assert.equal(listed.length, climbing.length)
  for (const path of [
    '/../../etc/passwd',
    '/docs/../../etc/passwd',
    '/docs/..%2f..%2fx',
    '/%2e%2e/x',
    '//etc/passwd',
    '/admin/../livez',
  ]) {
    await h.problem(path, {}, 404, 'ROUTE_NOT_FOUND')
  }
  // Never another resource than the one named: neither the keys nor a file.
  for (const path of ['/admin/stores/..', '/admin/stores/..%2f..%2fshards', '/admin/operators/%2e%2e%2fx']) {
    assert.equal((await h.ask(path)).status, 404, path)
  }
})

test('nothing a client sends becomes a header of its own in the answer', async (t) => {
  const h = await startHarness(t)
  const split = 'a%0d%0aSet-Cookie:%20x=1%0d%0a%0d%0a<html>'
  for (const path of [
    `/kv/${split}`,
    `/kv?cursor=${split}`,
    `/admin/stores/${split}`,
    `/admin/shards/lookup?key=${split}`,
    `/${split}`,
  ]) {
    const answer = await h.ask(path)
    assert.equal(answer.headers['set-cookie'], undefined, path)
    assert.match(String(answer.headers['content-type']), /^application\/(problem\+)?json$/, path)
  }
  for (const id of ['a b', 'a;b', '<script>', 'x'.repeat(129)]) {
    const answer = await h.ask('/livez', { headers: { 'request-id': id } })
    assert.notEqual(answer.headers['request-id'], id)
  }
  const raw = await h.raw(
    'GET /livez HTTP/1.1\r\nHost: a\r\nRequest-Id: x\n Set-Cookie: y\r\nConnection: close\r\n\r\n',
  )
  assert.doesNotMatch(raw, /\r\nSet-Cookie/i)
})

test('two lengths, or a length and chunks, are refused: nobody smuggles a second request', async (t) => {
  const h = await startHarness(t)
  for (const head of [
    'Content-Length: 5\r\nContent-Length: 6',
    'Content-Length: 5\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked, identity',
    'Content-Length: +5',
    'Content-Length: 5, 5',
  ]) {
    const answer = await h.raw(
      `PUT /kv/a HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n0\r\n\r\nGET /kv/smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    )
    assert.match(answer, /^HTTP\/1\.1 400 /, head)
    assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, head)
  }
  assert.deepEqual(h.router.calls, [])
})

test('a log line stays one line, whatever is in it', async (t) => {
  const written: string[] = []
  t.mock.method(process.stderr, 'write', (text: string | Uint8Array) => {
    written.push(String(text))
    return true
  })
  const evil = 'a\r\n2026 error forged\u001b[2J\u2028\u0085x'
  for (const format of ['pretty', 'json'] as const) {
    const logger = createLogger({ level: 'info', format, store: 's1' })
    logger.log('info', evil, { field: evil, list: [evil] })
  }
  t.mock.restoreAll()
  const lines = written
    .join('')
    .split('\n')
    .filter((line) => line.includes('forged'))
  assert.equal(lines.length, 2)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  for (const line of lines) assert.doesNotMatch(line, /[\u0000-\u001f]/)
})

test('names of an object’s own machinery are names like any other', async (t) => {
  const h = await startHarness(t)
  for (const body of [
    '{"value":"v","__proto__":{"polluted":1}}',
    '{"value":"v","constructor":{"prototype":{"polluted":1}}}',
    '{"__proto__":{"value":"v"}}',
  ]) {
    checkProblem(await h.ask('/kv/a', { method: 'POST', body }), 400, 'INVALID_ARGUMENT')
  }
  for (const body of [
    '{"ops":[{"op":"get","key":"a","__proto__":{"op":"delete"}}]}',
    '{"ops":[],"__proto__":{"atomic":true}}',
    '{"__proto__":{"ops":[]}}',
    '{"ops":[{"op":"constructor","key":"a"}]}',
    '{"ops":[{"op":"__proto__","key":"a"}]}',
  ]) {
    checkProblem(await h.ask('/batch', { method: 'POST', body }), 400, 'INVALID_ARGUMENT')
  }
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.equal((await h.ask(`/kv/${name}`)).status, 404, name)
    assert.equal((await h.ask(`/kv/${name}`, { method: 'PUT', body: name })).status, 204)
    assert.equal((await h.ask(`/kv/${name}`)).text, name)
    for (const path of [`/${name}`, `/admin/stores/${name}`, `/admin/operators/${name}`]) {
      assert.equal((await h.ask(path)).status, 404, path)
    }
    assert.equal((await h.ask(`/kv?prefix=${name}`)).json().items.length, 1)
    checkProblem(await h.ask(`/kv?${name}=1&prefix=${name}`), 400, 'INVALID_ARGUMENT')
  }
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
})

test('compressed bodies are bytes: nothing is inflated', async (t) => {
  const h = await startHarness(t)
  const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024))
  assert.ok(bomb.length < 100_000)
  const headers = { 'content-encoding': 'gzip' }
  assert.equal((await h.ask('/kv/a', { method: 'PUT', body: bomb, headers })).status, 204)
  const stored = await h.ask('/kv/a')
  assert.ok(stored.body.equals(bomb))
  assert.equal(stored.headers['content-encoding'], undefined)
  for (const path of ['/kv/a', '/batch', '/admin/shards/2/transfer-leader']) {
    checkProblem(await h.ask(path, { method: 'POST', body: bomb, headers }), 400, 'INVALID_ARGUMENT')
  }
})

test('connections beyond the limit are closed, and those within it served', async (t) => {
  const h = await startHarness(t, { limits: { connectionsMax: 3 } })
  const held: net.Socket[] = []
  for (let i = 0; i < 3; i++) held.push(await h.connect())
  // The server counts a connection when it accepts it, which an answer proves.
  for (const socket of held) {
    socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n')
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 200/)
  }
  const refused = net.connect(h.gateway.port, '127.0.0.1')
  refused.on('error', () => {})
  refused.resume()
  await once(refused, 'close')
  held[0]?.destroy()
  for (let tries = 0; ; tries++) {
    try {
      assert.equal((await h.ask('/livez')).status, 200)
      break
    } catch (error) {
      // The server has not noticed yet that one left.
      if (tries === 100) throw error
    }
  }
  for (const socket of held) socket.destroy()
})

test('CSV on the command line is no formula', () => {
  const column = [{ name: 'value', value: (text: string) => text }]
  for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '  =1', '|calc', '=cmd|"/C calc"!A1']) {
    assert.match(csvLine(text, column), /^"'/, text)
  }
  for (const text of ['a=1', '1-2', 'plain', '']) assert.equal(csvLine(text, column), text)
  assert.equal(csvLine(7, [{ name: 'n', value: () => -7 }]), '-7')
})
