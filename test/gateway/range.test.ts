/** Pages, streams and deletes of key ranges. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeRouter, failure } from './fake-router.ts'
import { type Harness, startHarness } from './harness.ts'

async function fill(h: Harness, keys: readonly string[]): Promise<void> {
  for (const key of keys) await h.ask(`/kv/${encodeURIComponent(key)}`, { method: 'PUT', body: `v-${key}` })
}

const lines = { headers: { accept: 'application/x-ndjson' } }

test('GET /kv is a page in key order across shards, with a cursor to the next one', async (t) => {
  const h = await startHarness(t)
  await fill(h, ['z', 'a', 'h', 'b', 'p'])
  const first = (await h.ask('/kv?limit=2')).json()
  assert.deepEqual(first.items, [
    { key: 'a', value: 'v-a', encoding: 'utf8', revision: 2 },
    { key: 'b', value: 'v-b', encoding: 'utf8', revision: 4 },
  ])
  const second = (await h.ask(`/kv?limit=3&cursor=${first.next}`)).json()
  assert.deepEqual(
    second.items.map((item: { key: string }) => item.key),
    ['h', 'p', 'z'],
  )
  assert.equal(second.next, null)
  assert.deepEqual((await h.ask('/kv?keys_only=true&limit=1')).json().items, [{ key: 'a', revision: 2 }])
})

test('without a limit a page has 100 items', async (t) => {
  const h = await startHarness(t)
  for (let i = 0; i < 150; i++)
    h.router.records.set(`k${String(i).padStart(3, '0')}`, { value: new Uint8Array(), revision: i })
  const page = (await h.ask('/kv')).json()
  assert.equal(page.items.length, 100)
  assert.equal((await h.ask(`/kv?cursor=${page.next}`)).json().items.length, 50)
})

test('prefix, start and end are percent-encoded bytes and intersect', async (t) => {
  const h = await startHarness(t)
  await fill(h, ['a', 'a+b', 'ab', 'abc', 'b', '\u00e9'])
  const keys = async (query: string): Promise<string[]> =>
    (await h.ask(`/kv?${query}`)).json().items.map((item: { key: string }) => item.key)
  assert.deepEqual(await keys('prefix=a'), ['a', 'a+b', 'ab', 'abc'])
  assert.deepEqual(await keys('prefix=a+'), ['a+b'])
  assert.deepEqual(await keys('prefix=%C3'), ['\u00e9'])
  assert.deepEqual(await keys('start=ab&end=b'), ['ab', 'abc'])
  assert.deepEqual(await keys('prefix=a&start=ab'), ['ab', 'abc'])
  assert.deepEqual(await keys('prefix=a&end=ab'), ['a', 'a+b'])
  assert.deepEqual(await keys('prefix=ab&start=a&end=z'), ['ab', 'abc'])
  assert.deepEqual(await keys('prefix=&start=&end='), ['a', 'a+b', 'ab', 'abc', 'b', '\u00e9'])
  h.router.calls.length = 0
  for (const query of ['start=b&end=a', 'start=a&end=a', 'prefix=a&start=b', 'prefix=b&end=a']) {
    assert.deepEqual((await h.ask(`/kv?${query}`)).json(), { items: [], next: null })
  }
  assert.deepEqual(h.router.calls, [], 'an empty range asks nobody')
})

test('keys and values that are not text come in base64', async (t) => {
  const h = await startHarness(t)
  await h.ask('/kv/%FF', { method: 'PUT', body: Buffer.from([0xfe]) })
  assert.deepEqual((await h.ask('/kv')).json().items, [
    { key: '/w==', keyEncoding: 'base64', value: '/g==', encoding: 'base64', revision: 1 },
  ])
})

test('malformed queries are 400', async (t) => {
  const h = await startHarness(t)
  const queries = [
    'limit=0', 'limit=1001', 'limit=', 'limit=-1', 'limit=1.5', 'limit=1e2', 'limit=x', 'limit=99999999999999999999',
    'reverse=1', 'reverse=', 'reverse=TRUE', 'keys_only=yes', 'consistency=strong', 'prefix=%', 'start=%0', 'end=%gg', '%=1',
    'limit=1&limit=2', 'cursor=', 'cursor=x', 'cursor=%%%', 'cursor=AAAAAAAA', 'cursor=%FF',
  ] // biome-ignore format: one list
  for (const query of queries) await h.problem(`/kv?${query}`, {}, 400, 'INVALID_ARGUMENT')
  for (const name of ['prefix', 'start', 'end'])
    await h.problem(`/kv?${name}=${'a'.repeat(5000)}`, {}, 413, 'KEY_TOO_LARGE')
  assert.deepEqual(h.router.calls, [])
})

test('a cursor of another query is 400', async (t) => {
  const h = await startHarness(t)
  await fill(h, ['a1', 'a2', 'a3', 'b1'])
  const { next } = (await h.ask('/kv?prefix=a&limit=1')).json()
  assert.equal((await h.ask(`/kv?prefix=a&limit=1&cursor=${next}`)).json().items[0].key, 'a2')
  for (const query of ['prefix=b', '', 'prefix=a&reverse=true', 'prefix=a&keys_only=true', 'prefix=a&start=a2']) {
    await h.problem(`/kv?${query}&cursor=${next}`, {}, 400, 'INVALID_ARGUMENT')
  }
  const tampered = `${next.slice(0, -2)}${next.at(-2) === 'A' ? 'B' : 'A'}${next.at(-1)}`
  await h.problem(`/kv?prefix=a&limit=1&cursor=${tampered}`, {}, 400, 'INVALID_ARGUMENT')
})

test('pages put together are the range, in both directions and for any limit', async (t) => {
  const h = await startHarness(t)
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(
        fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom('a', 'g', 'n', 't', '\0', '\xff') }),
        { maxLength: 12 },
      ),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      async (keys, limit, reverse) => {
        h.router.records.clear()
        for (const key of keys) h.router.records.set(key, { value: new Uint8Array(), revision: 1 })
        const found: string[] = []
        let cursor = ''
        do {
          const page = (await h.ask(`/kv?limit=${limit}&reverse=${reverse}${cursor}`)).json()
          assert.ok(page.items.length <= limit)
          for (const { key, keyEncoding } of page.items) {
            found.push(Buffer.from(key, keyEncoding === 'base64' ? 'base64' : 'utf8').toString('latin1'))
          }
          cursor = page.next === null ? '' : `&cursor=${page.next}`
        } while (cursor !== '')
        const sorted = [...keys].sort((a, b) => (a < b ? -1 : 1))
        assert.deepEqual(found, reverse ? sorted.reverse() : sorted)
      },
    ),
    { numRuns: 60 },
  )
})

test('NDJSON streams the whole range and obeys a limit only when given', async (t) => {
  const h = await startHarness(t)
  for (let i = 0; i < 2500; i++)
    h.router.records.set(`k${String(i).padStart(4, '0')}`, { value: Buffer.from('v'), revision: i })
  const all = await h.ask('/kv', lines)
  assert.equal(all.headers['content-type'], 'application/x-ndjson')
  const items = all.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(items.length, 2500)
  assert.deepEqual(items[7], { key: 'k0007', value: 'v', encoding: 'utf8', revision: 7 })
  assert.equal((await h.ask('/kv?limit=7', lines)).text.trimEnd().split('\n').length, 7)
  const reverse = (await h.ask('/kv?reverse=true&keys_only=true', lines)).text.split('\n')
  assert.deepEqual(JSON.parse(reverse[0] ?? ''), { key: 'k2499', revision: 2499 })
  assert.equal((await h.ask('/kv?prefix=zzz', lines)).text, '')
  assert.equal((await h.ask('/kv?start=b&end=a', lines)).text, '')
  h.router.stalenessMs = 3
  assert.equal((await h.ask('/kv?consistency=stale', lines)).headers['flotilla-staleness-ms'], '3')
})

test('a stream that fails ends with an error line; one that fails before it began is a problem', async (t) => {
  const router = new FakeRouter()
  router.pageItemsMax = 10
  const h = await startHarness(t, {}, router)
  for (let i = 0; i < 30; i++) router.records.set(`k${i}`, { value: new Uint8Array(), revision: i })
  let scans = 0
  router.before = () => {
    if (++scans === 3) throw failure({ code: 'QUORUM_LOST', message: 'quorum lost', retryable: true, shard: 2 })
  }
  const answer = await h.ask('/kv', lines)
  const received = answer.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(received.length, 21)
  const { error } = received[20]
  assert.equal(error.code, 'QUORUM_LOST')
  assert.equal(error.status, 503)
  assert.equal(error.requestId, answer.headers['request-id'])
  scans = 2
  await h.problem('/kv', lines, 503, 'QUORUM_LOST')
  scans = 2
  router.before = () => {
    if (++scans === 4) throw new TypeError('a bug')
  }
  const broken = await h.ask('/kv', lines)
  assert.equal(JSON.parse(broken.text.trimEnd().split('\n').at(-1) ?? '').error.code, 'INTERNAL')
  assert.doesNotMatch(broken.text, /a bug/)
})

test('a client that does not read holds the stream back, and one that leaves ends it', async (t) => {
  const h = await startHarness(t)
  for (let i = 0; i < 3000; i++)
    h.router.records.set(`k${String(i).padStart(4, '0')}`, { value: Buffer.alloc(20_000), revision: i })
  const socket = await h.connect()
  socket.write('GET /kv HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\n\r\n')
  await new Promise((resolve) => socket.once('readable', resolve))
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.ok(h.router.calls.length < 3, 'the whole range was read although nobody took it')
  assert.equal(h.gateway.inflight, 1)
  socket.destroy()
  while (h.gateway.inflight > 0) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.ok(h.router.calls.length < 3)
})

test('DELETE /kv removes a range that is named', async (t) => {
  const h = await startHarness(t)
  await fill(h, ['a1', 'a2', 'b1', 'b2', 'c'])
  const remove = async (query: string) => (await h.ask(`/kv?${query}`, { method: 'DELETE' })).json()
  assert.deepEqual(await remove('prefix=a'), { deleted: 2 })
  assert.deepEqual(await remove('start=b1&end=b2'), { deleted: 1 })
  assert.deepEqual(await remove('start=z&end=a'), { deleted: 0 })
  assert.deepEqual(await remove('start=b'), { deleted: 2 })
  for (const query of [
    '',
    'prefix=',
    'start=&end=',
    'prefix=&start=',
    'prefix=a&limit=1',
    'prefix=a&cursor=x',
    'start=%',
    'prefix=a&ttl=1',
  ]) {
    await h.problem(`/kv?${query}`, { method: 'DELETE' }, 400, 'INVALID_ARGUMENT')
  }
  await h.problem('/kv?prefix=a', { method: 'DELETE', headers: { 'if-match': '*' } }, 400, 'INVALID_ARGUMENT')
  await h.problem('/kv?prefix=a', { method: 'DELETE', headers: { 'idempotency-key': 'x' } }, 400, 'INVALID_ARGUMENT')
})
