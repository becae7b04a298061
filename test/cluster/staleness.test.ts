/** Stale reads in a cluster in one process: what they say of their age holds while a replica is cut off, behind, or freshly started. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '../../src/base/index.ts'
import { decodeReply, encodeRequest, type Reply, type Request } from '../../src/protocol/index.ts'
import { type Cluster, createCluster } from '../../src/server/index.ts'
import { systemClock } from '../../src/server/system.ts'
import { createMemoryHub, type MemoryHub, openMemoryTransport, type Transport } from '../../src/transport/index.ts'
import { delay, poll } from '../../tools/cluster/poll.ts'
import { SeededRandom } from '../raft/harness/seeded-random.ts'

const KEY = 'key'
const UNKNOWN_MS = Number.MAX_SAFE_INTEGER

interface World {
  readonly cluster: Cluster
  readonly hub: MemoryHub
  readonly leader: string
  readonly follower: string
  readonly third: string
  /** Reads the key at one store, stale. */
  read(store: string): Promise<{ readonly value: string | undefined; readonly stalenessMs: number }>
}

function ask(transport: Transport, store: string, request: Request): Promise<Reply> {
  return new Promise((resolve, reject) => {
    transport.request(store, encodeRequest(request), 5_000, (answer) => {
      const reply = typeof answer === 'string' ? undefined : decodeReply(answer)
      if (reply?.ok === true) resolve(reply.value)
      else reject(new Error(`${store} answers ${request.kind} with ${String(answer)}`))
    })
  })
}

async function withWorld(run: (world: World) => Promise<void>): Promise<void> {
  const random = new SeededRandom(2)
  const hub = createMemoryHub({ clock: systemClock, random })
  const cluster = await createCluster({ stores: 3, shards: 1, hub })
  const transport = openMemoryTransport(hub, {
    clusterId: 'embedded',
    address: 'asker',
    incarnation: '',
    clock: systemClock,
    random,
  })
  try {
    await cluster.put(KEY, 'v0')
    const { shard, leader } = await poll('the shard has a leader', 10_000, async () => {
      const reply = await ask(transport, 's1', { kind: 'map', since: 0 })
      assert(reply.kind === 'map' && reply.map !== undefined)
      const [known] = reply.map.shards
      const leads = known === undefined ? undefined : reply.leaders[known.id]
      return known !== undefined && leads !== undefined && { shard: known, leader: leads }
    })
    const [follower = '', third = ''] = cluster.stores.filter((id) => id !== leader)
    const read: World['read'] = async (store) => {
      const request = { shard: shard.id, rangeEpoch: shard.epoch.range, consistency: 'stale' } as const
      const reply = await ask(transport, store, { kind: 'get', keys: [KEY], ...request })
      assert(reply.kind === 'get', JSON.stringify(reply))
      const [found] = reply.values
      return {
        value: found === undefined ? undefined : Buffer.from(found.value).toString('utf8'),
        stalenessMs: reply.stalenessMs,
      }
    }
    await run({ cluster, hub, leader, follower, third, read })
  } finally {
    await transport.close()
    await cluster.close()
  }
}

test('every replica of a healthy shard says that it is young, from the first read on', async () => {
  await withWorld(async ({ cluster, read }) => {
    for (const store of cluster.stores) {
      const calledMs = performance.now()
      const first = await read(store)
      assert(first.stalenessMs < UNKNOWN_MS, `${store} does not know its age`)
      assert(first.stalenessMs <= performance.now() - calledMs + 1, `${store}: ${first.stalenessMs} ms`)
    }
  })
})

test('a replica that is cut off says how long, and a leader that lost its quorum does not call itself young', async () => {
  for (const which of ['follower', 'leader'] as const) {
    await withWorld(async ({ cluster, hub, leader, follower, third, read }) => {
      const lonely = which === 'leader' ? leader : follower
      const others = [leader, follower, third].filter((id) => id !== lonely)
      await poll('the replica has the value', 10_000, async () => (await read(lonely)).value === 'v0')
      hub.partition([lonely], others)
      await poll('the others accept a write', 20_000, async () => {
        await cluster.put(KEY, 'v1', { timeout: 500 })
        return true
      })
      const writtenMs = performance.now()
      await delay(300)
      const old = await read(lonely)
      assert.equal(old.value, 'v0')
      const leastMs = performance.now() - writtenMs
      assert(old.stalenessMs >= leastMs - 50, `${which}: ${old.stalenessMs} ms, but ${leastMs} ms ago v1 was written`)
      hub.heal()
      const healedMs = performance.now()
      await poll('the replica has what was written meanwhile, and knows it', 20_000, async () => {
        const now = await read(lonely)
        return now.value === 'v1' && now.stalenessMs < performance.now() - healedMs
      })
    })
  }
})

test('a replica that hears its leader and lacks its entries does not call itself young', async () => {
  await withWorld(async ({ cluster, hub, leader, follower, read }) => {
    await poll('the replica has the value', 10_000, async () => (await read(follower)).value === 'v0')
    // What is small passes: heartbeats and their like. What carries the entry does not.
    hub.policy = ({ from, to, channel, bytes }) =>
      from === leader && to === follower && channel === 'raft' && bytes.length > 2_000 ? [] : undefined
    await cluster.put(KEY, 'v1'.padEnd(4_000, '.'))
    const writtenMs = performance.now()
    for (let look = 0; look < 10; look++) {
      await delay(50)
      const old = await read(follower)
      assert.equal(present(old.value, 'value').slice(0, 2), 'v0')
      const leastMs = performance.now() - writtenMs
      assert(old.stalenessMs >= leastMs - 50, `${old.stalenessMs} ms, but ${leastMs} ms ago v1 was written`)
    }
    hub.policy = undefined
    await poll('it catches up', 20_000, async () => (await read(follower)).value?.startsWith('v1'))
  })
})
