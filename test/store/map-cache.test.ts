/** What stores and routers keep of who leads what, when shards go away. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ShardMap } from '../../shard-map/index.ts'
import { ClusterView } from '../../src/router/cluster-view.ts'
import { MapCache } from '../../src/store/map-cache.ts'
import { shardOn } from '../shard-map/plan-clusters.ts'

/** With group 1 and `ids`, in the order of their keys. */
function mapOf(version: number, ids: readonly number[]): ShardMap {
  const shards = ids.map((id, place) => shardOn(id, place, ids.length, 's1 s2 s3'))
  return { version, stores: [], placement: { ...shardOn(1, 0, 1, 's1 s2 s3') }, shards }
}

test('leaders of shards that were merged away are forgotten, those of others and of group 1 are not', () => {
  const cache = new MapCache()
  const view = new ClusterView()
  const leaders = { 1: 's1', 2: 's1', 3: 's2', 4: 's3' }
  cache.update(mapOf(1, [2, 3, 4]))
  cache.learnLeaders(leaders)
  view.learn(mapOf(1, [2, 3, 4]), leaders)
  cache.update(mapOf(2, [2, 4]))
  view.learn(mapOf(2, [2, 4]), {})
  assert.deepEqual(cache.leaders, { 1: 's1', 2: 's1', 4: 's3' })
  assert.deepEqual(
    [1, 2, 3, 4].map((id) => view.leaderOf(id)),
    ['s1', 's1', undefined, 's3'],
  )
})

test('where every merge comes with a split, leaders of shards that are gone do not pile up', () => {
  const cache = new MapCache()
  const view = new ClusterView()
  for (let id = 3; id < 1_000; id++) {
    const map = mapOf(id, [2, id])
    cache.learnLeaders({ 2: 's1', [id]: 's2' })
    cache.update(map)
    view.learn(map, { 2: 's1', [id]: 's2' })
  }
  assert.ok(Object.keys(cache.leaders).length < 100, `${Object.keys(cache.leaders).length} leaders of two shards`)
  assert.deepEqual([cache.leaders[2], cache.leaders[999]], ['s1', 's2'])
  const kept = Array.from({ length: 1_000 }, (_, id) => view.leaderOf(id)).filter((leader) => leader !== undefined)
  assert.ok(kept.length < 100, `${kept.length} leaders of two shards`)
  assert.deepEqual([view.leaderOf(2), view.leaderOf(999)], ['s1', 's2'])
})

test('a leader is kept when its shard is younger than the map', () => {
  const cache = new MapCache()
  const view = new ClusterView()
  cache.update(mapOf(1, [2, 3]))
  view.learn(mapOf(1, [2, 3]), {})
  cache.learnLeader(9, 's2')
  view.learnLeader(9, 's2')
  cache.update(mapOf(2, [2, 3]))
  view.learn(mapOf(2, [2, 3]), {})
  assert.equal(cache.leaders[9], 's2')
  assert.equal(view.leaderOf(9), 's2')
})
