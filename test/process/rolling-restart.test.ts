/**
 * A rolling restart of every store under load, as an upgrade does it: no request may fail, over HTTP or through the native client. The HTTP clients are as
 * simple as clients get: kept connections, a list of gateways, and the next of them only where a connection was refused. Nothing is tried twice.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../src/index.ts'
import { BROKER_KINDS } from '../../tools/cluster/broker-process.ts'
import { ClientTarget } from '../support/client-target.ts'
import { withCluster } from '../support/process-cluster.ts'
import { Workload } from '../support/workload.ts'

for (const { kind, skip } of BROKER_KINDS) {
  test(`a rolling restart under load fails no request (${kind})`, { skip }, async () => {
    await withCluster({ broker: kind }, async (cluster) => {
      const keys = await cluster.keysPerShard(2)
      const client = await connect(cluster.broker.url)
      // Some clients are never idle; some pause between requests, so that many of their connections are silent when a store begins to stop.
      const busy = cluster.load('busy', { keys: keys.map((key) => `${key}.busy`), clients: 6 })
      const slow = cluster.load('slow', { keys: keys.map((key) => `${key}.slow`), clients: 4, thinkMsMax: 300 })
      const native = new Workload('native', new ClientTarget(client), {
        keys: keys.map((key) => `${key}.native`),
        clients: 4,
      }).start()
      const loads = [busy, slow, native]
      try {
        for (const id of cluster.ids) {
          await Promise.all([busy.succeed(50), slow.succeed(10), native.succeed(50)])
          const exit = await cluster.stop(id)
          assert.deepEqual([exit.code, exit.signal], [0, null], `${id} was asked to stop`)
          await cluster.restart(id)
        }
        await Promise.all([busy.succeed(50), slow.succeed(10), native.succeed(50)])
        for (const load of loads) await load.verify()
        for (const load of loads) {
          const took = load.history.map((each) => each.returnedMs - each.calledMs).sort((left, right) => left - right)
          const at = (share: number): string => (took[Math.floor(took.length * share)] ?? 0).toFixed(1)
          console.log(`${took.length} requests; p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(0.9999)} ms`)
          assert.deepEqual(
            { none: load.counts.none, unknown: load.counts.unknown, doubts: load.doubts },
            { none: 0, unknown: 0, doubts: [] },
          )
        }
      } finally {
        native.cancel()
        await native.stop()
        await client.close()
      }
    })
  })
}
