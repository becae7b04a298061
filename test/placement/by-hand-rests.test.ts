/** What somebody has moved by hand stays there for a while, even where balance would have it otherwise. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster } from '../store/cluster.ts'
import { ask, ended, start } from './people.ts'

const WAIT_MS = 30_000

interface Schedulers {
  readonly schedulers: readonly { readonly name: string; readonly lastRunAt: string | null }[]
}

test('a leader that was handed over by hand is not handed back by balance in its next rounds', async () => {
  await TestCluster.with({ shards: 3, placement: { schedulers: ['balance-leaders'] } }, async (cluster) => {
    const groups = [1, ...cluster.store('s1').map.map.shards.map(({ id }) => id)]
    const leaders = async (): Promise<string[]> =>
      await Promise.all(groups.map(async (group) => (await cluster.leader(group)).leaderStore ?? ''))
    await poll('leaders on every store', WAIT_MS, async () => new Set(await leaders()).size === 3)
    // Everything else goes to the store that drives, so that balance would have every reason to give this one back.
    const driver = await cluster.leaderStore(1)
    const handed: number[] = []
    for (const group of groups.slice(1)) {
      const { id } = await start(cluster, { kind: 'transfer-leader', shard: group, store: driver })
      // It leads there already, and may be given away for the others.
      if (id === null) continue
      assert.equal((await ended(cluster, id)).state, 'finished')
      handed.push(group)
    }
    const lastRun = async (): Promise<number> => {
      const { schedulers } = await ask<Schedulers>(cluster, { what: 'list-schedulers' })
      return Date.parse(schedulers.find(({ name }) => name === 'balance-leaders')?.lastRunAt ?? '')
    }
    for (let round = 0; round < 3; round++) {
      const since = Date.now()
      await poll('another round', WAIT_MS, async () => (await lastRun()) > since)
    }
    assert.ok(handed.length > 0)
    for (const group of handed) assert.equal(await cluster.leaderStore(group), driver, `group ${group}`)
  })
})
