/** A small request can ask for very much: what fits is put together from parts, and what does not is refused at once instead of being waited for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../../src/base/index.ts'
import { FlotillaError } from '../../src/protocol/index.ts'
import { TestCluster } from './cluster.ts'

const VALUE = new Uint8Array(LIMITS.valueBytesMax).fill(7)
const PARTS = 20

test('values that are too many for one answer come in several', async () => {
  await TestCluster.with({ shards: 2 }, async ({ client }) => {
    const keys = Array.from({ length: PARTS }, (_, i) => `${String.fromCharCode(97 + i)}-large`)
    for (const key of keys) await client.put(key, VALUE)
    const before = performance.now()
    const found = await client.getMany(['absent', ...keys, 'small'])
    assert.deepEqual(
      found.map((value) => value?.length),
      [undefined, ...keys.map(() => VALUE.length), undefined],
    )
    assert(performance.now() - before < LIMITS.requestTimeoutMsDefault, 'nobody waited for an answer that cannot come')
    const gets = await client.batch(keys.map((key) => ({ op: 'get', key })))
    assert(gets.every((result) => result.ok && result.value?.length === VALUE.length))
  })
})

test('one large value asked for a thousand times is refused, and what was written beside it is said to be', async () => {
  await TestCluster.with({}, async ({ client }) => {
    await client.put('large', VALUE)
    const thousand = Array.from({ length: LIMITS.batchOpsMax }, () => 'large')
    await assert.rejects(client.getMany(thousand), { code: 'BATCH_TOO_LARGE', outcome: 'none', retryable: false })
    const gets = thousand.slice(1).map((key) => ({ op: 'get', key }) as const)
    const results = await client.batch([{ op: 'put', key: 'beside', value: 'x' }, ...gets])
    for (const result of results) {
      assert(!result.ok && result.error instanceof FlotillaError)
      assert.deepEqual([result.error.code, result.error.outcome], ['BATCH_TOO_LARGE', 'applied'])
    }
    assert.equal((await client.get('beside'))?.length, 1)
    const few = await client.batch([{ op: 'put', key: 'beside', value: 'xy' }, ...gets.slice(0, 7)])
    assert(few.every((result) => result.ok))
  })
})
