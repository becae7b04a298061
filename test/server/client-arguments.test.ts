/** What the client promises wherever the data is: its own memory for answers, and a FlotillaError for every misuse, before anything is sent. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import type { Client } from '../../src/client/index.ts'
import { FlotillaError } from '../../src/protocol/index.ts'
import { connect, createCluster, openStore } from '../../src/server/index.ts'
import { startHarness } from '../gateway/harness.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-client-'))
after(() => rmSync(directory, { recursive: true, force: true }))

/** As programs without a compiler call it. */
type Loose = { readonly [method: string]: (...values: readonly unknown[]) => Promise<unknown> }

async function codeOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call()
  } catch (error) {
    assert.ok(error instanceof FlotillaError, String(error))
    assert.equal(error.outcome, 'none')
    return error.code
  }
  return 'done'
}

async function checkMisuse(client: Client): Promise<void> {
  const loose = client as unknown as Loose
  const scan = async (options: object): Promise<void> => {
    for await (const _ of client.scan(options)) assert.fail('nothing is stored')
  }
  const misused: Readonly<Record<string, () => Promise<unknown>>> = {
    'a key with half a pair': () => client.put('\ud800', 'x'),
    'a value with half a pair': () => client.put('a', 'x\udc00'),
    'a value with half a pair in a batch': () => client.batch([{ op: 'put', key: 'a', value: '\ud83d' }]),
    'a prefix with half a pair': () => scan({ prefix: '\ud800' }),
    'no key': async () => loose.get?.(),
    'a value that is a number': async () => loose.put?.('a', 5),
    'an unknown consistency': async () => loose.get?.('a', { consistency: 'eventual' }),
    'an unknown consistency of a scan': () => scan({ consistency: 'eventual' }),
    'an unknown consistency of many keys': async () => loose.getMany?.(['a'], { consistency: 'eventual' }),
    'keys that are no list': async () => loose.getMany?.('a'),
    'no operations': async () => loose.batch?.(),
    'an operation that is nothing': async () => loose.batch?.([null]),
    'an operation without a name': async () => loose.batch?.([{ key: 'a' }]),
    'an expiry': async () => loose.put?.('a', 'x', { ttl: 5 }),
    'an expiry in a batch': async () => loose.batch?.([{ op: 'put', key: 'a', value: 'x', ttl: 5 }]),
    'a misspelt condition': async () => loose.put?.('a', 'x', { ifabsent: true }),
    'a misspelt condition of a delete': async () => loose.del?.('a', { ifRevison: 5 }),
    'a misspelt condition in a batch': async () => loose.batch?.([{ op: 'delete', key: 'a', ifrevision: 1 }]),
    'a misspelt wish of a batch': async () => loose.batch?.([{ op: 'put', key: 'a', value: 'x' }], { atmic: true }),
    'a misspelt bound': () => scan({ prefx: 'a' }),
    'a signal that is none': async () => loose.get?.('a', { signal: {} }),
    'a time-out that is none': () => client.get('a', { timeout: Number.NaN }),
  }
  for (const [what, call] of Object.entries(misused)) assert.equal(await codeOf(call), 'INVALID_ARGUMENT', what)
  const signal = AbortSignal.abort()
  assert.equal(await codeOf(() => client.put('a', 'x', { signal })), 'ABORTED')
  assert.equal(await codeOf(() => client.batch([{ op: 'put', key: 'a', value: 'x' }], { signal })), 'ABORTED')
  assert.equal(await codeOf(() => client.batch(new Array(1001).fill({ op: 'get', key: 'a' }))), 'BATCH_TOO_LARGE')
  assert.equal(await codeOf(() => client.getMany(new Array(1001).fill('a'))), 'BATCH_TOO_LARGE')
  await scan({})
  await client.put('a', 'pairs 🚢 are whole')
  await assert.rejects(client.put('a', 'x', { ifAbsent: true }), { code: 'PRECONDITION_FAILED', shard: 2 })
  await assert.rejects(client.del('a', { ifRevision: 999_999 }), { code: 'PRECONDITION_FAILED', shard: 2 })
}

/** Overwrites everything that comes back, and then looks whether what is stored has changed with it. */
async function checkOwnership(client: Client): Promise<void> {
  const mine = Buffer.from('stored')
  await client.put('k', mine)
  await client.batch([{ op: 'put', key: 'l', value: mine }])
  mine.fill(0)
  const answers: (Uint8Array | undefined)[] = []
  answers.push(await client.get('k'))
  const entry = await client.getEntry('k')
  answers.push(entry?.key, entry?.value, ...(await client.getMany(['k', 'l'])))
  for (const result of await client.batch([{ op: 'get', key: 'k' }])) answers.push(result.ok ? result.value : undefined)
  for await (const { key, value } of client.scan()) answers.push(key, value)
  for (const answer of answers) {
    assert.ok(answer !== undefined)
    // No Buffer, whose methods do other things, and no window into something large.
    assert.equal(Object.getPrototypeOf(answer), Uint8Array.prototype)
    assert.equal(answer.buffer.byteLength, answer.byteLength)
    answer.fill(0xff)
  }
  const expected = new Uint8Array(Buffer.from('stored'))
  assert.deepEqual(await client.getMany(['k', 'l']), [expected, expected])
}

async function checkClose(client: Client): Promise<void> {
  let closed = 0
  await Promise.all([client.close().then(() => closed++), client.close().then(() => closed++)])
  assert.equal(closed, 2)
  assert.equal(await codeOf(() => client.get('a')), 'CLOSED')
}

describe('a client', () => {
  it('of one store in this process', async () => {
    const client = await openStore(path.join(directory, 'one'), { shards: 1 })
    await checkMisuse(client)
    await checkOwnership(client)
    await checkClose(client)
    const again = await openStore(path.join(directory, 'one'))
    assert.deepEqual(await again.get('k'), new Uint8Array(Buffer.from('stored')), 'what is on disk')
    await again.close()
  })

  it('of a cluster in this process', async () => {
    const client = await createCluster({ stores: 1, shards: 1 })
    await checkMisuse(client)
    await checkOwnership(client)
    await checkClose(client)
  })

  it('over HTTP', async (t) => {
    const { gateway } = await startHarness(t)
    const client = await connect(`http://${gateway.address}`)
    await checkMisuse(client)
    await checkOwnership(client)
    await checkClose(client)
  })
})

it('what cannot be opened is refused before anything is made', async () => {
  for (const options of [
    { stores: 0 },
    { stores: 10 },
    { replicas: 0 },
    { replicas: 1.5 },
    { shards: 0 },
    { shards: 1e9 },
  ])
    assert.equal(await codeOf(() => createCluster(options)), 'INVALID_ARGUMENT', JSON.stringify(options))
  assert.equal(await codeOf(() => openStore(path.join(directory, 'none'), { shards: -1 })), 'INVALID_ARGUMENT')
  for (const url of ['', 'ftp://x', 'http://', 'http://a b', 'https://:80'])
    assert.equal(await codeOf(() => connect(url)), 'INVALID_ARGUMENT', url)
})
