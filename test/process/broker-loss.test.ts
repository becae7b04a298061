/** The broker goes away under load and comes back: no store falls over, nothing acknowledged is lost, and service resumes by itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BROKER_KINDS } from '../../tools/cluster/broker-process.ts'
import { http, problem } from '../../tools/cluster/http.ts'
import { delay } from '../../tools/cluster/poll.ts'
import { withCluster } from '../support/process-cluster.ts'

const AWAY_MS = 10_000

for (const { kind, skip } of BROKER_KINDS) {
  test(`the broker is away for ten seconds (${kind})`, { skip }, async () => {
    await withCluster({ broker: kind }, async (cluster) => {
      const keys = await cluster.keysPerShard(5)
      const load = cluster.load('broker-loss', { keys, clients: 10 })
      await load.succeed(300)
      await cluster.broker.kill()
      await delay(AWAY_MS - 2_000)
      const [key = ''] = keys
      const refused = await http(cluster.address('s1'), {
        method: 'GET',
        path: `/kv/${key}`,
        headers: { 'Flotilla-Timeout-Ms': '2000' },
      })
      const trouble = problem(refused)
      assert(trouble?.outcome === 'none', `a read without a broker: ${refused.status} ${refused.body.toString('utf8')}`)
      assert.deepEqual(cluster.running, cluster.ids, 'a store ended with the broker')
      await cluster.broker.restart()
      const backMs = performance.now()
      await load.succeed(300)
      console.log(
        `${kind}: 300 more operations ${Math.round(performance.now() - backMs)} ms after the broker came back`,
      )
      await Promise.all(cluster.ids.map((id) => cluster.waitReady(id)))
      await load.verify(cluster.readers())
      assert.deepEqual(cluster.running, cluster.ids)
    })
  })
}
