/**
 * What stores report reaches the map late, twice, in any order and one by one, and the map is sound all the time and right in the end.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { applyChange, type Shard, type ShardMap, splitShard, updateShards, violations } from '../../shard-map/index.ts'
import { bootstrapped, history, store } from './arbitraries.ts'

const last = (maps: readonly ShardMap[]) => maps.at(-1) as ShardMap

test('reports of all shards bring an old map to the present, in any order, if they come until nothing is rejected', () => {
  fc.assert(
    fc.property(history, fc.infiniteStream(fc.nat()), (maps, random) => {
      const [old] = maps as [ShardMap]
      const now = last(maps)
      // Old pictures of every shard are mixed in: leaders that do not know yet that they were deposed.
      const reports = [...now.shards, ...maps.flatMap((map) => map.shards)]
        .map((shard) => ({ shard, order: random.next().value ?? 0 }))
        .sort((a, b) => a.order - b.order)
        .map(({ shard }) => shard)
      let map: ShardMap = { ...old, stores: now.stores }
      for (let round = 0; round <= now.shards.length; round++) {
        for (const report of reports) {
          const updated = updateShards(map, [report])
          if (updated.ok) map = updated.map
          assert.deepEqual(
            violations(map).filter((text) => !text.includes('is in shards')),
            [],
          )
        }
      }
      const all = updateShards(map, now.shards)
      if (all.ok) map = all.map
      assert.deepEqual(map.shards, now.shards)
      assert.deepEqual(updateShards(map, now.shards), { ok: true, map, rejected: [] })
    }),
  )
})

const map = bootstrapped(3, 1)
const [parent] = map.shards as [Shard]
const split = splitShard(parent, 'm', 50, [51, 52, 53])
assert.ok(split.ok)
const { left, right } = split

test('the right half of an unknown split cuts the parent; the left half alone is rejected', () => {
  const first = updateShards(map, [right])
  assert.ok(first.ok)
  // Range epoch 0 is nobody's: no store founds a replica by what is left of a shard.
  assert.deepEqual(first.map.shards, [{ ...parent, end: 'm', epoch: { membership: 1, range: 0 } }, right])
  const second = updateShards(first.map, [left])
  assert.ok(second.ok)
  assert.deepEqual(second.map.shards, [left, right])
  const alone = updateShards(map, [left])
  assert.equal(alone.ok ? 'ok' : alone.reason, 'uncovered')
  const together = updateShards(map, [right, left])
  assert.ok(together.ok)
  assert.deepEqual(together.map.shards, [left, right])
  assert.equal(together.map.version, map.version + 1)
})

test('one bad report does not keep out the good ones beside it', () => {
  const after = updateShards(map, [left, right])
  assert.ok(after.ok)
  const stranger: Shard = { ...right, id: 60, replicas: [{ id: 61, store: 'nowhere', role: 'voter' }] }
  const moved: Shard = { ...left, epoch: { membership: left.epoch.membership + 1, range: left.epoch.range } }
  const overlapping: Shard = { ...right, id: 70, start: 'k' }
  const updated = updateShards(after.map, [stranger, overlapping, moved])
  assert.ok(updated.ok)
  assert.deepEqual(updated.map.shards, [moved, right])
  assert.deepEqual(
    updated.rejected.map(({ shard, refusal }) => `${shard} ${refusal.reason}`),
    ['60 store-unknown', '70 overlap'],
  )
  // Whoever reads the refusal is to see how far the shard is that stands in the way, also when it is no further.
  assert.equal(overlapping.epoch.range, right.epoch.range)
  assert.ok(updated.rejected[1]?.refusal.message.endsWith(`which is at range epoch ${right.epoch.range}`))
})

test('a shard that says nothing new is a rival all the same', () => {
  const after = updateShards(map, [left, right])
  assert.ok(after.ok)
  const inside: Shard = { ...left, id: 70, start: 'c' }
  for (const reports of [[left, inside], [inside, left], [inside]]) {
    const updated = updateShards(after.map, reports)
    assert.equal(updated.ok ? 'ok' : updated.reason, 'overlap')
  }
})

test('a shard that was merged away does not come back', () => {
  const after = updateShards(map, [left, right])
  assert.ok(after.ok)
  const merged = applyChange(after.map, {
    kind: 'merge',
    left: left.id,
    leftEpoch: left.epoch,
    right: right.id,
    rightEpoch: right.epoch,
  })
  assert.ok(merged.ok)
  const ghost = updateShards(merged.map, [right])
  assert.equal(ghost.ok ? 'ok' : ghost.reason, 'overlap')
  const known = updateShards(merged.map, [left])
  assert.ok(known.ok)
  assert.equal(known.map, merged.map)
})

test('two reports of one epoch that differ are refused', () => {
  const other: Shard = { ...parent, replicas: parent.replicas.slice(1) }
  const updated = updateShards(map, [other])
  assert.equal(updated.ok ? 'ok' : updated.reason, 'stale-epoch')
})

test('the placement shard is updated by epoch too', () => {
  assert.ok(map.placement)
  const newer: Shard = {
    ...map.placement,
    epoch: { membership: 2, range: 1 },
    replicas: map.placement.replicas.slice(1),
  }
  const updated = updateShards(map, [newer])
  assert.ok(updated.ok)
  assert.deepEqual(updated.map.placement, newer)
  const stale = updateShards(updated.map, [map.placement])
  assert.ok(stale.ok)
  assert.equal(stale.map, updated.map)
})

test('a store keeps its id as long as it keeps its data', () => {
  const change = (map: ShardMap, ...[change]: [Parameters<typeof applyChange>[1]]) => {
    const applied = applyChange(map, change)
    return applied.ok ? applied.map : applied.reason
  }
  const s1 = store('s1')
  assert.equal(change(map, { kind: 'register-store', store: s1 }), map, 'the same again is nothing new')
  assert.equal(change(map, { kind: 'register-store', store: { ...s1, incarnation: 'other' } }), 'store-exists')
  assert.equal(change(map, { kind: 'register-store', store: { ...s1, incarnation: '' } }), 'store-exists')
  assert.equal(change(map, { kind: 'forget-store', store: 's1' }), 'store-in-use')
  assert.equal(change(map, { kind: 'set-store-state', store: 's1', state: 'gone' }), 'store-in-use')
  assert.equal(change(map, { kind: 'label-store', store: 's9', labels: {} }), 'store-unknown')
  const update = { kind: 'update-store', store: 's1', incarnation: 'i-s1', address: 'new:1', version: '2' } as const
  assert.equal(change(map, { ...update, incarnation: 'other' }), 'store-exists')
  const updated = change(map, update) as ShardMap
  assert.equal(updated.stores[0]?.address, 'new:1')

  const announced = change(map, {
    kind: 'register-store',
    store: { ...store('s4', { zone: 'b' }), incarnation: '' },
  }) as ShardMap
  assert.equal(announced.stores[3]?.state, 'registered')
  const labelled = change(announced, { kind: 'label-store', store: 's4', labels: { zone: 'c', host: 'h' } }) as ShardMap
  const joined = change(labelled, { kind: 'register-store', store: store('s4', { zone: 'b', rack: 'r' }) }) as ShardMap
  assert.deepEqual(joined.stores[3], { ...store('s4'), labels: { zone: 'c', host: 'h', rack: 'r' } })
  assert.equal(change(joined, { kind: 'forget-store', store: 's4' }), 'store-in-use')
  const gone = change(joined, { kind: 'set-store-state', store: 's4', state: 'gone' }) as ShardMap
  assert.equal(change(gone, { kind: 'register-store', store: store('s4') }), 'store-gone')
  const forgotten = change(gone, { kind: 'forget-store', store: 's4' }) as ShardMap
  assert.deepEqual(forgotten.stores, map.stores)
  assert.deepEqual(violations(forgotten), [])
})
