/**
 * A router's view: whatever stores tell it, in whatever order, it covers every key once and never goes back.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EMPTY_MAP, locate, type Shard, type ShardMap, withShard } from '../../shard-map/index.ts'
import { bootstrapped, history, key } from './arbitraries.ts'

test('a view covers every key, knows what it was told, and epochs only rise under a key', () => {
  fc.assert(
    fc.property(
      history,
      fc.array(key, { minLength: 1, maxLength: 8 }),
      fc.infiniteStream(fc.nat()),
      (maps, keys, random) => {
        let view = maps[0] as ShardMap
        const told = maps.flatMap((map) => map.shards)
        for (let i = 0; i < 20; i++) {
          const shard = told[(random.next().value ?? 0) % told.length] as Shard
          const before = keys.map((key) => locate(view, key)?.epoch.range ?? -1)
          view = withShard(view, shard)
          let end: string | undefined = ''
          for (const piece of view.shards) {
            assert.equal(piece.start, end)
            end = piece.end
          }
          assert.equal(end, undefined)
          for (const [i, key] of keys.entries()) {
            const now = locate(view, key)?.epoch.range ?? -1
            assert.ok(now >= (before[i] as number))
          }
        }
        const now = maps.at(-1) as ShardMap
        for (const shard of now.shards) view = withShard(view, shard)
        assert.deepEqual(view.shards, now.shards)
        assert.equal(view.version, maps[0]?.version)
      },
    ),
  )
})

test('the same again, and anything told to an empty view, changes nothing', () => {
  const map = bootstrapped(3, 4)
  for (const shard of map.shards) assert.equal(withShard(map, shard), map)
  assert.equal(withShard(EMPTY_MAP, map.shards[0] as Shard), EMPTY_MAP)
})
