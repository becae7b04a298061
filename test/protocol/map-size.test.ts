/** That the size of a shard map is known without writing it, and that the largest one that splits may lead to still travels in one message. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  PLAN_SETTINGS_DEFAULT,
  PlacementIndex,
  QUIET_SHARD,
  type Replica,
  type Shard,
  type StoreInfo,
} from '../../shard-map/index.ts'
import { LIMITS } from '../../src/base/index.ts'
import { encodeReply, type Reply } from '../../src/protocol/index.ts'

/** Lists say how long they are in up to five bytes each: those of the shards and of the leaders. */
const HEADERS_MAX = 10

function indexOf(shards: readonly Shard[]): PlacementIndex {
  const index = new PlacementIndex(PLAN_SETTINGS_DEFAULT)
  for (const shard of shards) index.setShard(shard, QUIET_SHARD)
  return index
}

function leadersOf(shards: readonly Shard[]): Record<number, string> {
  return Object.fromEntries(shards.map(({ id, replicas }) => [id, replicas[0]?.store ?? '']))
}

const written = (shards: readonly Shard[]): number =>
  encodeReply({
    kind: 'map',
    map: { version: 1, placement: undefined, shards, stores: [] },
    leaders: leadersOf(shards),
  }).length

const key = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
})
const count = fc.oneof(fc.nat(300), fc.nat(70_000), fc.integer({ min: 2 ** 31, max: 2 ** 33 }))
const store = fc.stringMatching(/^[a-z][a-z0-9]{0,40}$/)
const replica = fc.record<Replica>({ id: count, store, role: fc.constantFrom('voter', 'learner') })
const shard = fc.record<Shard>({
  id: count.map((id) => id + 2),
  start: key,
  end: fc.option(key, { nil: undefined }),
  epoch: fc.record({ membership: count, range: count }),
  replicas: fc.uniqueArray(replica, { minLength: 1, maxLength: 9, selector: (one) => one.store }),
})

test('property: the size of all shards is what writing them takes, after any history', () => {
  const shards = fc.uniqueArray(shard, { maxLength: 40, selector: ({ id }) => id })
  fc.assert(
    fc.property(shards, shards, (first, second) => {
      const index = indexOf(first)
      // Some are changed, some are new, and those that are gone are taken out.
      for (const one of second) index.setShard(one, QUIET_SHARD)
      const ids = new Set(second.map(({ id }) => id))
      for (const { id } of first) if (!ids.has(id)) index.removeShard(id)
      const excess = written(second) - written([]) - index.mapBytes
      assert.ok(excess >= 0 && excess <= HEADERS_MAX, `${index.mapBytes} bytes, ${excess} more were written`)
    }),
    { numRuns: 300 },
  )
})

test('a full map fits into one message, with a thousand stores and everything that a gateway asks for', () => {
  const { mapBytesMax } = PLAN_SETTINGS_DEFAULT.limits
  const name = (place: number): string => `store-${String(place).padStart(26, '0')}`
  const stores = Array.from({ length: 1_000 }, (_, place): StoreInfo => {
    const labels = { zone: 'z'.repeat(40), rack: 'r'.repeat(40), host: name(place), weight: '1' }
    return {
      id: name(place),
      address: `${name(place)}:8080`,
      labels,
      incarnation: 'i'.repeat(32),
      version: '1.0.0',
      state: 'up',
    }
  })
  const shards: Shard[] = []
  const keyOf = (place: number): string => String(place).padStart(LIMITS.keyBytesMax, '\xff')
  // A round of planning may cut many at once before the next looks again.
  const index = new PlacementIndex(PLAN_SETTINGS_DEFAULT)
  let more = PLAN_SETTINGS_DEFAULT.limits.operatorsPerRound
  for (let place = 0; index.mapBytes < mapBytesMax || more-- > 0; place++) {
    const replicas = [0, 1, 2].map(
      (r): Replica => ({ id: 2 ** 32 + r, store: name((place + r) % 1_000), role: 'voter' }),
    )
    const one = {
      id: 2 ** 32 + place,
      start: keyOf(place),
      end: keyOf(place + 1),
      epoch: { membership: 9, range: 9 },
      replicas,
    }
    shards.push(one)
    index.setShard(one, QUIET_SHARD)
  }
  const status: Reply = {
    kind: 'placement-status',
    status: {
      term: 1,
      leader: name(0),
      map: { version: 1, placement: undefined, shards, stores },
      leaders: leadersOf(shards),
      stores: stores.map(({ id }) => ({
        ...{ id, liveness: 'up', lastHeartbeatAgoMs: 1_000, replicas: 3_000, bytes: 2 ** 40, uptimeSeconds: 1e6 },
        load: { readsPerSecond: 1234.5, writesPerSecond: 1234.5 },
      })),
    },
  }
  const bytes = encodeReply(status).length
  assert.ok(bytes < LIMITS.messageBytesMax, `${shards.length} shards in ${bytes} bytes`)
})
