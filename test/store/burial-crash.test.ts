/**
 * A store dies in the middle of deleting a replica that was removed from its group, at each write of that, and starts again: it goes on, nothing of the
 * replica is left, no late message brings it back, and the next replica of the group begins with all the data.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shard } from '../../shard-map/index.ts'
import { encodeRaftMessage } from '../../src/protocol/index.ts'
import { hasState } from '../../src/store/graves.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster, WAIT_MS } from './cluster.ts'

const VICTIM = 's1'
/** Deleted in several slices. */
const KEYS = Array.from({ length: 2_500 }, (_, number) => `k${String(number).padStart(5, '0')}`)

class Guillotine {
  /** Writes to the victim's data that still become durable. */
  writes = Number.POSITIVE_INFINITY
  /** Of the deletions since this was asked last. */
  state: 'none' | 'begun' | 'ended' = 'none'

  readonly schedule = (commit: () => void): void => {
    if (this.writes <= 0) return
    this.writes--
    commit()
  }

  /** The next deletion on the victim is cut off after `writes` of its writes, or when it has ended and nobody knows of it yet. */
  prepare(cluster: TestCluster, writes: number): void {
    const { data } = cluster.store(VICTIM).options
    const destroy = data.destroyGroup.bind(data)
    this.state = 'none'
    data.destroyGroup = (...parameters) => {
      this.state = 'begun'
      this.writes = writes
      void destroy(...parameters).then(() => {
        this.state = 'ended'
        this.writes = 0
      })
      return new Promise(() => {})
    }
  }
}

function lateMessage(shard: Shard, to: number): Uint8Array {
  const from = shard.replicas.find(({ store }) => store === 's2')?.id ?? 0
  return encodeRaftMessage(shard.id, {
    type: 'RequestVote',
    from,
    to,
    term: 99,
    lastLogIndex: 99,
    lastLogTerm: 98,
    leadershipTransfer: true,
  })
}

/** What the victim still has of the shard. */
async function remains(cluster: TestCluster, shard: number): Promise<object> {
  const { data, log } = cluster.store(VICTIM).options
  const values = await data.getMany(KEYS)
  return {
    runs: cluster.replica(VICTIM, shard) !== undefined,
    state: hasState(data, shard),
    log: log.groups().has(shard),
    damaged: cluster.store(VICTIM).damaged.has(shard),
    keys: values.filter((value) => value !== undefined).length,
  }
}

const NOTHING = { runs: false, state: false, log: false, damaged: false, keys: 0 }

test('a store that dies at any write of a deletion goes on with it, and the replica does not come back', async () => {
  const guillotine = new Guillotine()
  const disk = (store: string) => (store === VICTIM ? { schedule: guillotine.schedule } : {})
  await TestCluster.with({ stores: 4, disk, placement: { schedulers: [] } }, async (cluster) => {
    const [{ id: shard } = { id: 0 }] = cluster.store('s2').map.map.shards
    for (let at = 0; at < KEYS.length; at += 500)
      await cluster.client.batch(KEYS.slice(at, at + 500).map((key) => ({ op: 'put' as const, key, value: key })))
    let ended = false
    let cuts = 0
    for (; !ended; cuts++) {
      assert.ok(cuts < 30, 'a deletion ends')
      const before = (await cluster.leader(shard)).shard
      const own = before.replicas.find(({ store }) => store === VICTIM)?.id ?? 0
      await poll('all that was written', WAIT_MS, async () => {
        const values = await cluster.store(VICTIM).options.data.getMany(KEYS)
        return values.every((value) => value !== undefined)
      })
      guillotine.prepare(cluster, cuts)
      const after = await cluster.move(shard, VICTIM, 's4')
      await poll('the cut', WAIT_MS, () => guillotine.writes === 0)
      ended = guillotine.state === 'ended'
      cluster.crash(VICTIM)
      guillotine.writes = Number.POSITIVE_INFINITY
      await cluster.start(VICTIM)
      // From its first write on the start alone finishes it; without that write the replica has to be found superfluous again.
      if (cuts > 0) assert.deepEqual(await remains(cluster, shard), NOTHING, `right after the start, ${cuts} writes`)
      await poll(`nothing to be left after ${cuts} writes`, WAIT_MS, async () => {
        const left = await remains(cluster, shard)
        assert.deepEqual(left, NOTHING)
        return true
      })
      cluster.store(VICTIM).onItems('s2', 'raft', [lateMessage(after, own)], 'disk-s2')
      assert.deepEqual(await remains(cluster, shard), NOTHING, 'a destroyed replica came back')
      await cluster.move(shard, 's4', VICTIM)
    }
    // The tombstone, at least two slices, and the end.
    assert.ok(cuts >= 4, `${cuts} cuts`)
    await cluster.agree(shard)
    assert.deepEqual(Buffer.from((await cluster.client.get(KEYS[0] ?? '')) ?? []).toString(), KEYS[0])
  })
})
