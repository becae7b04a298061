/** Stores start, serve, stop and come back; nobody else can have their directories. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { ANY_BROKER, BROKER_KINDS } from '../../tools/cluster/broker-process.ts'
import type { ProcessCluster } from '../support/process-cluster.ts'
import { withCluster } from '../support/process-cluster.ts'

const STOP_MS_MAX = 30_000

async function expectValue(cluster: ProcessCluster, id: string, key: string, value: string): Promise<void> {
  const answer = await cluster.http(id, { method: 'GET', path: `/kv/${key}` })
  assert.equal(answer.status, 200, `GET ${key} at ${id}: ${answer.body.toString('utf8')}`)
  assert.equal(answer.body.toString('utf8'), value)
}

for (const { kind, skip } of BROKER_KINDS) {
  test(`every store serves all data, and finds it again after an orderly restart (${kind})`, { skip }, async () => {
    await withCluster({ broker: kind }, async (cluster) => {
      const keys = await cluster.keysPerShard(3)
      for (const [position, key] of keys.entries()) {
        const id = cluster.ids[position % 3] ?? 's1'
        const answer = await cluster.http(id, { method: 'PUT', path: `/kv/${key}`, body: `value of ${key}` })
        assert.equal(answer.status, 204)
      }
      for (const id of cluster.ids) {
        for (const key of keys) await expectValue(cluster, id, key, `value of ${key}`)
        const { items } = (await cluster.json(id, '/kv?limit=1000')) as { items: { key: string }[] }
        assert.deepEqual(items.map((item) => item.key).sort(), [...keys].sort())
      }
      // One at a time under load first, as an upgrade does, then all at once.
      const load = cluster.load('rolling', { keys: keys.map((key) => `${key}.load`), clients: 6 })
      for (const id of cluster.ids) {
        await load.succeed(50)
        const exit = await cluster.stop(id)
        assert.deepEqual([exit.code, exit.signal], [0, null], `${id} was asked to stop`)
        assert(exit.tookMs < STOP_MS_MAX, `${id} took ${exit.tookMs} ms to stop`)
        await cluster.restart(id)
      }
      await load.succeed(50)
      await load.verify(cluster.readers())
      const exits = await Promise.all(cluster.ids.map((id) => cluster.stop(id)))
      assert.deepEqual(
        exits.map(({ code }) => code),
        [0, 0, 0],
      )
      await cluster.startAll()
      for (const id of cluster.ids) for (const key of keys) await expectValue(cluster, id, key, `value of ${key}`)
    })
  })
}

test('the second process on one data directory says who has it, and exits with 1', async () => {
  await withCluster({ broker: ANY_BROKER, expectedErrors: [/is in use by process/] }, async (cluster) => {
    const twin = cluster.startTwin('s1')
    const exit = await twin.ended(30_000)
    assert.equal(exit.code, 1)
    const { pid } = cluster.process('s1')
    assert(
      twin.lines.some((line) => line.includes(`in use by process ${pid} `)),
      twin.output(),
    )
    await cluster.waitReady('s1')
    await cluster.leaders()
  })
})

test('a store whose directory was wiped is refused with the reason; the cluster goes on without it', async () => {
  const refusal = /knows store s3 with other data/
  await withCluster({ broker: ANY_BROKER, expectedErrors: [refusal] }, async (cluster) => {
    const keys = await cluster.keysPerShard(2)
    const load = cluster.load('wiped', { keys, clients: 4 })
    await load.succeed(100)
    await cluster.kill9('s3')
    cluster.wipe('s3')
    const exit = await cluster.start('s3').ended(30_000)
    assert.equal(exit.code, 1)
    assert(
      cluster.process('s3').lines.some((line) => refusal.test(line)),
      cluster.process('s3').output(),
    )
    await load.succeed(100)
    await load.verify(cluster.readers(['s1', 's2']))
  })
})

test('a gateway port that is in use ends the start with a sentence that names it', async () => {
  await withCluster({ broker: ANY_BROKER, expectedErrors: [/in use/] }, async (cluster) => {
    const exit = await cluster.stop('s1')
    assert.equal(exit.code, 0)
    const [host, port] = cluster.address('s1').split(':')
    const squatter = createServer().listen(Number(port), host)
    await once(squatter, 'listening')
    const refused = await cluster.start('s1').ended(30_000)
    assert.equal(refused.code, 1)
    assert(
      cluster.process('s1').lines.some((line) => line.includes('in use') && line.includes(cluster.address('s1'))),
      cluster.process('s1').output(),
    )
    squatter.close()
    await cluster.restart('s1')
  })
})
