/** A whole cluster in this process, over a network that loses, repeats, delays and cuts: what clients see stays linearizable. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { type Cluster, createCluster } from '../../src/server/index.ts'
import { systemClock } from '../../src/server/system.ts'
import { createMemoryHub, type MemoryHub } from '../../src/transport/index.ts'
import { delay } from '../../tools/cluster/poll.ts'
import { SeededRandom } from '../raft/harness/seeded-random.ts'
import { ClientTarget } from '../support/client-target.ts'
import { Workload } from '../support/workload.ts'

const KEYS = ['1one', '5five', 'alpha', 'delta', 'kilo', 'november', 'tango', 'zulu', 'Papa', 'Victor']

async function withFaults(
  name: string,
  options: { readonly dir?: string },
  run: (cluster: Cluster, hub: MemoryHub, load: Workload) => Promise<void>,
): Promise<void> {
  const hub = createMemoryHub({ clock: systemClock, random: new SeededRandom(1) })
  const cluster = await createCluster({ stores: 3, shards: 4, hub, ...options })
  // Short deadlines: a client that waits for a lost answer sees nothing of what comes after.
  const load = new Workload(name, new ClientTarget(cluster, 1_000), { keys: KEYS, clients: 12, thinkMsMax: 4 }).start()
  try {
    await load.succeed(200)
    await run(cluster, hub, load)
    hub.faults = {}
    hub.heal()
    await load.succeed(200)
    await load.verify()
  } finally {
    load.cancel()
    await cluster.close()
    await load.stop()
  }
}

test('frames are lost, repeated and delayed', async () => {
  await withFaults('lossy', {}, async (_cluster, hub, load) => {
    hub.faults = { lostPerMille: 20, repeatedPerMille: 20, delayMsMin: 0, delayMsMax: 4 }
    await load.succeed(600)
    assert(load.counts.unknown > 0, 'no answer was ever lost: the faults did nothing')
  })
})

test('each store in turn is cut off from the others, in both directions and in one', async () => {
  await withFaults('cut', {}, async (cluster, hub, load) => {
    for (const [round, id] of cluster.stores.entries()) {
      const others = cluster.stores.filter((other) => other !== id)
      if (round === 0) hub.partition([id], others)
      else for (const other of others) round === 1 ? hub.cut(id, other) : hub.cut(other, id)
      await delay(1_200)
      await load.succeed(50)
      hub.heal()
      await load.succeed(100)
    }
  })
})

test('the broker goes away and comes back, several times', async () => {
  await withFaults('broker', {}, async (_cluster, hub, load) => {
    for (const awayMs of [50, 700, 1_500]) {
      hub.stop()
      await delay(awayMs)
      hub.start()
      await load.succeed(100)
    }
  })
})

test('each store in turn stops and comes back from its disk', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'flotilla-embedded-'))
  try {
    await withFaults('restarts', { dir }, async (cluster, _hub, load) => {
      for (const id of cluster.stores) {
        await cluster.stopStore(id)
        await load.succeed(50)
        await cluster.startStore(id)
        await load.succeed(50)
      }
    })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
