/** What leaders tell of members that do not answer: only of those that do not, whenever they look. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemberHealth } from '../../src/store/member-health.ts'
import type { Replica } from '../../src/store/replica.ts'

/** As a leader on s1 sees two followers right after a check for a quorum, which forgets who has answered since the last one. */
function justChecked(heard: Readonly<Record<string, boolean>>, heardOrder = 1): Replica {
  const replicas = ['s1', 's2', 's3'].map((store, i) => ({ id: 10 + i, store, role: 'voter' }))
  const progress = new Map(
    replicas.map(({ id, store }) => [
      id,
      { matchIndex: 9, state: 'replicate', recentlyActive: false, heardLately: heard[store] === true, heardOrder },
    ]),
  )
  return {
    isLeader: true,
    shard: { replicas },
    raft: { status: () => ({ lastIndex: 9, progress }) },
  } as unknown as Replica
}

test('whoever answers is never called silent, although every look comes right after a check for a quorum', () => {
  const health = new MemberHealth()
  for (let nowMs = 0; nowMs <= 60_000; nowMs += 5_000) health.observe(justChecked({ s2: true }), 's1', nowMs)
  assert.deepEqual(health.silent, [{ store: 's3', silentMs: 60_000 }])
  health.observe(justChecked({ s2: true, s3: true }), 's1', 65_000)
  assert.deepEqual(health.silent, [])
})

test('whoever has answered between two looks is not called silent, although it answers at none of them', () => {
  const health = new MemberHealth()
  for (let nowMs = 0; nowMs <= 60_000; nowMs += 5_000)
    health.observe(justChecked({}, Math.floor(nowMs / 5_000)), 's1', nowMs)
  assert.deepEqual(health.silent, [])
  health.observe(justChecked({}, 12), 's1', 70_000)
  assert.deepEqual(
    health.silent.map(({ silentMs }) => silentMs),
    [10_000, 10_000],
  )
})
