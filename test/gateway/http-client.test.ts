/**
 * The client over HTTP beside the one over a router: the same calls have the same results, and whatever goes wrong on the way is a FlotillaError that
 * says what became of the write.
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type BatchOperation, type Client, HttpClient, RouterClient } from '../../src/client/index.ts'
import { FlotillaError } from '../../src/protocol/index.ts'
import { startHarness } from './harness.ts'

const KEYS = ['a', 'a/b', 'b', 'é', '\0', 'zz']

/** What a call came to, in a form that can be compared. */
async function settled(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return { result: plain(await run()) }
  } catch (error) {
    assert(error instanceof FlotillaError, String(error))
    return { code: error.code, outcome: error.outcome, revision: error.revision }
  }
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof FlotillaError) return { code: value.code, revision: value.revision }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

const key = fc.oneof(fc.constantFrom(...KEYS), fc.uint8Array({ maxLength: 3 }))
const value = fc.oneof(fc.string({ maxLength: 5 }), fc.uint8Array({ maxLength: 5 }))
const condition = fc.oneof(
  fc.constant({}),
  fc.constant({ ifAbsent: true }),
  fc.nat(12).map((ifRevision) => ({ ifRevision })),
)
const operation: fc.Arbitrary<BatchOperation> = fc.oneof(
  fc.record({ op: fc.constant('put' as const), key, value }),
  fc.record({ op: fc.constant('delete' as const), key }),
  fc.record({ op: fc.constant('get' as const), key }),
)
const limit = fc.oneof(fc.nat(9), fc.constantFrom(0.5, 2.5, -1, Number.NaN, Number.POSITIVE_INFINITY))
const scan = fc.record({ prefix: key, start: key, end: key, reverse: fc.boolean(), limit }, { requiredKeys: [] })
const call: fc.Arbitrary<(client: Client) => Promise<unknown>> = fc.oneof(
  fc.tuple(key, value, condition).map(
    ([name, bytes, when]) =>
      (client: Client) =>
        client.put(name, bytes, when),
  ),
  fc.tuple(key, condition).map(
    ([name, when]) =>
      (client: Client) =>
        client.del(name, when),
  ),
  key.map((name) => (client: Client) => client.getEntry(name)),
  fc.array(key, { maxLength: 4 }).map((names) => (client: Client) => client.getMany(names)),
  fc.array(operation, { maxLength: 5 }).map((operations) => (client: Client) => client.batch(operations)),
  scan.map((range) => (client: Client) => all(client.scan(range))),
)

test('both clients say the same of the same calls', async (context) => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 12 }), async (calls) => {
      const [one, other] = [await startHarness(context), await startHarness(context)]
      const overHttp = new HttpClient(`http://${one.gateway.address}/`)
      const overRouter = new RouterClient(other.router, async () => {})
      for (const each of calls)
        assert.deepEqual(await settled(() => each(overHttp)), await settled(() => each(overRouter)))
      await Promise.all([one.gateway.close(), other.gateway.close()])
    }),
    { numRuns: 40, includeErrorInReport: true },
  )
})

/** A server that answers everything in one way, and a client of it. */
async function clientOf(context: TestContext, answer: http.RequestListener): Promise<HttpClient> {
  const server = http.createServer(answer)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return new HttpClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

test('more keys than one request may name are refused, however they are read', async (context) => {
  const harness = await startHarness(context)
  const keys = Array.from({ length: 1_001 }, (_, each) => `k${each}`)
  const overRouter = new RouterClient(harness.router, async () => {})
  for (const client of [new HttpClient(`http://${harness.gateway.address}`), overRouter]) {
    for (const consistency of ['linearizable', 'stale'] as const) {
      const refused = { code: 'BATCH_TOO_LARGE', outcome: 'none', revision: undefined }
      assert.deepEqual(await settled(() => client.getMany(keys, { consistency })), refused)
    }
  }
})

test('an answer that breaks off in its body is a request that did not end', async (context) => {
  const client = await clientOf(context, (_, response) => {
    response.writeHead(200, { 'content-length': '100', etag: '"1"' })
    response.write('half')
    setTimeout(() => response.destroy(), 20)
  })
  const lost = { code: 'UNAVAILABLE', outcome: 'none', revision: undefined }
  assert.deepEqual(await settled(() => client.get('key')), lost)
  assert.deepEqual(await settled(() => all(client.scan())), lost)
  assert.deepEqual(await settled(() => client.getMany(['key', 'other'])), lost)
  assert.deepEqual(await settled(() => client.batch([{ op: 'put', key: 'key', value: 'v' }])), {
    ...lost,
    outcome: 'unknown',
  })
})

test('a caller who gives up in the middle of a body is told so', async (context) => {
  const client = await clientOf(context, (_, response) => {
    response.writeHead(200, { 'content-length': '100', etag: '"1"' })
    response.write('half')
  })
  const signal = AbortSignal.timeout(50)
  assert.deepEqual(await settled(() => client.get('key', { signal })), {
    code: 'ABORTED',
    outcome: 'none',
    revision: undefined,
  })
  assert.deepEqual(await settled(() => client.get('key', { timeout: 1 })), {
    code: 'TIMEOUT',
    outcome: 'none',
    revision: undefined,
  })
})

test('what is no answer of a gateway is not taken for one', async (context) => {
  const client = await clientOf(context, (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end('<html>welcome to the hotel</html>')
  })
  const strange = { code: 'UNAVAILABLE', outcome: 'none', revision: undefined }
  assert.deepEqual(await settled(() => client.get('key')), strange)
  assert.deepEqual(await settled(() => all(client.scan())), strange)
  assert.deepEqual(await settled(() => client.put('key', 'v')), { ...strange, outcome: 'unknown' })
  assert.deepEqual(await settled(() => client.batch([{ op: 'get', key: 'key' }])), strange)
  assert.deepEqual(await settled(() => client.getMany(['key'])), strange)
})
