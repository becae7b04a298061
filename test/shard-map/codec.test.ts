/**
 * Plain forms and deltas: nothing is lost on the way, nothing broken gets in.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  applyDelta,
  changeFromPlain,
  changeToPlain,
  deltaBetween,
  deltaFromPlain,
  deltaToPlain,
  isUnreadable,
  keyFromBytes,
  keyFromPathText,
  keyFromText,
  keyPrefixEnd,
  keySuccessor,
  keyToBytes,
  keyToPathText,
  keyToText,
  type MapChange,
  mapFromPlain,
  mapToPlain,
  type ShardMap,
} from '../../shard-map/index.ts'
import { bootstrapped, history, key, store } from './arbitraries.ts'

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('maps survive their plain form, through JSON too', () => {
  fc.assert(
    fc.property(history, (maps) => {
      const map = maps.at(-1) as ShardMap
      assert.deepEqual(mapFromPlain(mapToPlain(map)), map)
      assert.deepEqual(mapFromPlain(json(mapToPlain(map))), map)
    }),
  )
})

test('a delta leads from one version to the other and to no third one', () => {
  fc.assert(
    fc.property(history, fc.nat(), (maps, from) => {
      const to = maps.at(-1) as ShardMap
      const before = maps[from % maps.length] as ShardMap
      const delta = deltaFromPlain(json(deltaToPlain(deltaBetween(before, to))))
      assert.ok(!isUnreadable(delta))
      assert.deepEqual(applyDelta(before, delta), to)
      assert.equal(applyDelta({ ...before, version: before.version + 1000 }, delta), undefined)
      // Only what changed is in it.
      const unchanged = to.shards.filter((shard) => before.shards.includes(shard))
      assert.equal(delta.shards.length, to.shards.length - unchanged.length)
    }),
  )
})

test('the plain form does not change by accident', () => {
  assert.deepEqual(mapToPlain(bootstrapped(2, 2, 2)), [
    1,
    1,
    [1, '', null, 1, 1, [1, 's1', 0, 2, 's2', 0]],
    [
      [2, '', 'c', 1, 1, [4, 's1', 0, 5, 's2', 0]],
      [3, 'c', null, 1, 1, [6, 's2', 0, 7, 's1', 0]],
    ],
    [
      ['s1', 's1:8080', [], 'i-s1', '1.0.0', 1],
      ['s2', 's2:8080', [], 'i-s2', '1.0.0', 1],
    ],
  ])
})

test('20,000 damaged plain maps and deltas give a reason or a sound map, never an exception', () => {
  const original = mapToPlain(bootstrapped(3, 3))
  const delta = deltaToPlain(deltaBetween(bootstrapped(3, 2), bootstrapped(3, 3)))
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), (path, value) => {
      const damaged = json([original, delta]) as unknown[]
      let place: unknown[] = damaged
      for (const step of path) {
        const next = place[step % place.length]
        if (!Array.isArray(next) || next.length === 0) break
        place = next
      }
      place[(path.at(-1) ?? 0) % place.length] = value
      const map = mapFromPlain(damaged[0])
      if (!isUnreadable(map)) assert.deepEqual(mapFromPlain(mapToPlain(map)), map)
      deltaFromPlain(damaged[1])
    }),
    { numRuns: 20_000 },
  )
})

test('every kind of change survives its plain form; damage gives a reason', () => {
  const map = bootstrapped(3, 2)
  assert.ok(map.placement)
  const epoch = { membership: 3, range: 4 }
  const changes: MapChange[] = [
    { kind: 'bootstrap', placement: map.placement, shards: map.shards, stores: map.stores },
    { kind: 'register-store', store: store('s1', { zone: 'a', host: 'b' }) },
    { kind: 'update-store', store: 's1', incarnation: 'i', address: 'a:1', version: '2' },
    { kind: 'label-store', store: 's1', labels: { zone: 'b', host: null } },
    { kind: 'set-store-state', store: 's1', state: 'draining' },
    { kind: 'forget-store', store: 's1' },
    { kind: 'update-shards', shards: map.shards },
    { kind: 'split', shard: 2, epoch, key: 'a\u00ff', rightId: 9, rightReplicas: [10, 11] },
    { kind: 'merge', left: 2, leftEpoch: epoch, right: 3, rightEpoch: epoch },
    { kind: 'change-replicas', shard: 2, epoch, replicas: map.placement.replicas },
  ]
  assert.equal(new Set(changes.map((change) => change.kind)).size, 10)
  for (const change of changes) assert.deepEqual(changeFromPlain(json(changeToPlain(change))), change)
  fc.assert(
    fc.property(fc.nat(changes.length - 1), fc.nat(9), fc.jsonValue({ maxDepth: 2 }), (which, at, value) => {
      const damaged = json(changeToPlain(changes[which] as MapChange)) as unknown[]
      damaged[at % damaged.length] = value
      const change = changeFromPlain(damaged)
      if (!isUnreadable(change)) assert.deepEqual(changeFromPlain(json(changeToPlain(change))), change)
    }),
    { numRuns: 5000 },
  )
  // A value that cannot even be turned into text.
  const unspeakable = { toString: '' }
  for (const nonsense of [null, 7, {}, [], [99], 'x', [unspeakable], [0, unspeakable], [8, -0, 1, 1, 3, 1, 1]])
    assert.ok(isUnreadable(changeFromPlain(nonsense) as object))
})

test('keys go to bytes, text and paths and come back', () => {
  fc.assert(
    fc.property(key, (original) => {
      assert.equal(keyFromBytes(keyToBytes(original)), original)
      const path = keyToPathText(original)
      assert.match(path, /^[-A-Za-z0-9._~/:%]*$/)
      assert.equal(keyFromPathText(path), original)
      assert.ok(keySuccessor(original) > original)
      const end = keyPrefixEnd(original)
      if (end !== undefined) assert.ok(end > `${original}\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff`)
    }),
  )
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => assert.equal(keyToText(keyFromText(text)), text)))
  assert.equal(keyFromText('é'), '\u00c3\u00a9')
  assert.equal(keyToText('\u00ff'), undefined)
  assert.equal(keyToPathText('user:1/a b+\u00ff'), 'user:1/a%20b%2B%FF')
  assert.equal(keyFromPathText('a+b%fF%00é'), 'a+b\u00ff\0\u00c3\u00a9')
  for (const bad of ['%', '%1', 'a%zz', '%%41', '%é0']) assert.equal(keyFromPathText(bad), undefined)
  assert.equal(keyPrefixEnd('a\u00ff'), 'b')
  assert.equal(keyPrefixEnd('\u00ff'), undefined)
  const long = new Uint8Array(100_000).fill(200)
  assert.deepEqual(keyToBytes(keyFromBytes(long)), long)
})
