/**
 * Lookup, cover and the life of a map: whatever happens to it, it covers every key exactly once.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  applyChange,
  compareEpochs,
  covering,
  EMPTY_MAP,
  locate,
  mergeShards,
  type Shard,
  type ShardMap,
  shardById,
  shardCovers,
  shardsById,
  splitShard,
  storeById,
  violations,
} from '../../shard-map/index.ts'
import { bootstrapped, history, key, store } from './arbitraries.ts'

const reasonOf = (result: ReturnType<typeof applyChange>) => (result.ok ? 'ok' : result.reason)
const last = (maps: readonly ShardMap[]) => maps.at(-1) as ShardMap

test('a map with any history is sound, and its version grows exactly when it changes', () => {
  fc.assert(
    fc.property(history, (maps) => {
      for (const [i, map] of maps.entries()) {
        assert.deepEqual(violations(map), [])
        const before = maps[i - 1]
        if (before !== undefined) assert.equal(map.version, map === before ? before.version : before.version + 1)
      }
    }),
  )
})

test('epochs of a shard never fall', () => {
  fc.assert(
    fc.property(history, (maps) => {
      for (const [i, map] of maps.entries()) {
        for (const shard of map.shards) {
          const before = maps[i - 1] && shardById(maps[i - 1] as ShardMap, shard.id)
          if (before === undefined) continue
          const isSameRange = before.start === shard.start && before.end === shard.end
          assert.ok(['same', 'newer'].includes(compareEpochs(shard.epoch, before.epoch)))
          if (!isSameRange) assert.ok(shard.epoch.range > before.epoch.range)
        }
      }
    }),
  )
})

test('locate finds the one shard that a search through all of them finds', () => {
  fc.assert(
    fc.property(history, key, (maps, wanted) => {
      const map = last(maps)
      const found = map.shards.filter((shard) => shardCovers(shard, wanted))
      assert.equal(found.length, 1)
      assert.equal(locate(map, wanted), found[0])
    }),
  )
  assert.equal(locate(EMPTY_MAP, 'a'), undefined)
})

test('covering gives the overlapping shards in order, and none for an empty range', () => {
  fc.assert(
    fc.property(history, key, fc.option(key, { nil: undefined }), (maps, start, end) => {
      const map = last(maps)
      const expected = map.shards.filter(
        (shard) =>
          (end === undefined || start < end) &&
          (shard.end === undefined || shard.end > start) &&
          (end === undefined || shard.start < end),
      )
      assert.deepEqual(covering(map, start, end), expected)
    }),
  )
})

test('shards and stores are found by id', () => {
  const map = bootstrapped(3, 4)
  const index = shardsById(map)
  assert.equal(index.size, 5)
  for (const [id, shard] of index) assert.equal(shardById(map, id), shard)
  assert.equal(shardById(map, 1), map.placement)
  assert.equal(shardById(map, 99), undefined)
  assert.equal(storeById(map, 's2')?.address, 's2:8080')
})

test('a split and a merge undo each other but for the epoch', () => {
  fc.assert(
    fc.property(history, key, (maps, at) => {
      const shard = locate(last(maps), at) as Shard
      const split = splitShard(
        shard,
        at,
        9001,
        shard.replicas.map((_, i) => 9002 + i),
      )
      if (at === shard.start) {
        assert.equal(split.ok, false)
        return
      }
      assert.ok(split.ok)
      assert.equal(compareEpochs(split.left.epoch, shard.epoch), 'newer')
      const merge = mergeShards(split.left, split.right)
      assert.ok(merge.ok)
      assert.equal(merge.merged.epoch.range, shard.epoch.range + 2)
      assert.deepEqual({ ...merge.merged, epoch: shard.epoch }, shard)
      assert.equal(mergeShards(split.right, split.left).ok, false)
    }),
  )
})

test('split, merge and change of replicas refuse outdated epochs and impossible requests', () => {
  const map = bootstrapped(4, 2)
  const [left, right] = map.shards as [Shard, Shard]
  const split = {
    kind: 'split',
    shard: left.id,
    epoch: left.epoch,
    key: '0',
    rightId: 50,
    rightReplicas: [51, 52, 53],
  } as const
  assert.equal(reasonOf(applyChange(map, split)), 'ok')
  assert.equal(reasonOf(applyChange(map, { ...split, epoch: { membership: 1, range: 0 } })), 'stale-epoch')
  assert.equal(reasonOf(applyChange(map, { ...split, shard: 77 })), 'shard-unknown')
  assert.equal(reasonOf(applyChange(map, { ...split, rightId: right.id })), 'invalid')
  assert.equal(reasonOf(applyChange(map, { ...split, rightReplicas: [51, 51, 53] })), 'invalid')
  assert.equal(reasonOf(applyChange(map, { ...split, key: '' })), 'invalid')
  const merge = {
    kind: 'merge',
    left: left.id,
    leftEpoch: left.epoch,
    right: right.id,
    rightEpoch: right.epoch,
  } as const
  // Four stores, three replicas: the two shards do not live on the same stores.
  assert.equal(reasonOf(applyChange(map, merge)), 'invalid')
  const replicas = [{ id: 60, store: 's1', role: 'learner' }] as const
  assert.equal(
    reasonOf(applyChange(map, { kind: 'change-replicas', shard: left.id, epoch: left.epoch, replicas })),
    'invalid',
  )
})

test('a second bootstrap is refused, and so is a broken first one', () => {
  const map = bootstrapped(3, 2)
  assert.ok(map.placement)
  const again = { kind: 'bootstrap', placement: map.placement, shards: map.shards, stores: map.stores } as const
  assert.equal(reasonOf(applyChange(map, again)), 'already-bootstrapped')
  assert.equal(reasonOf(applyChange(EMPTY_MAP, { ...again, shards: map.shards.slice(1) })), 'invalid')
  assert.equal(reasonOf(applyChange(EMPTY_MAP, { ...again, shards: [] })), 'invalid')
})

test('each way of breaking a map is named', () => {
  const map = bootstrapped(3, 3)
  const [a, b, c] = map.shards as [Shard, Shard, Shard]
  const broken: [string, ShardMap][] = [
    ['nobody covers the keys before', { ...map, shards: [a, c] }],
    ['nobody covers the last keys', { ...map, shards: [a, b] }],
    ['overlaps the one before it', { ...map, shards: [a, b, { ...c, start: b.start }] }],
    ['two shards', { ...map, shards: [a, b, { ...c, id: a.id }] }],
    ['is in shards', { ...map, shards: [a, b, { ...c, replicas: a.replicas }] }],
    [
      'two replicas on one store',
      { ...map, shards: [a, b, { ...c, replicas: c.replicas.map((r) => ({ ...r, store: 's1' })) }] },
    ],
    [
      'two replicas with one id',
      { ...map, shards: [a, b, { ...c, replicas: c.replicas.map((r) => ({ ...r, id: 70 })) }] },
    ],
    ['no voter', { ...map, shards: [a, b, { ...c, replicas: [] }] }],
    ['which is unknown', { ...map, stores: map.stores.slice(1) }],
    ['two stores', { ...map, stores: [...map.stores, store('s3')] }],
    ['out of order', { ...map, stores: [...map.stores].reverse() }],
    ['without an incarnation', { ...map, stores: map.stores.map((s) => ({ ...s, incarnation: '' })) }],
    ['covers keys', { ...map, shards: [a, b, { ...c, id: 1 }] }],
    ['empty range', { ...map, shards: [a, b, { ...c, end: '' }] }],
    ['epoch', { ...map, shards: [a, b, { ...c, epoch: { membership: -1, range: 0.5 } }] }],
  ]
  for (const [words, map] of broken) {
    assert.ok(
      violations(map).some((violation) => violation.includes(words)),
      `${words}: ${violations(map).join('; ')}`,
    )
  }
})
