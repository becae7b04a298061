/**
 * Random maps for property tests: sound ones, made the way real ones are made, by a bootstrap and a history of changes.
 */
import fc from 'fast-check'
import {
  applyChange,
  EMPTY_MAP,
  type Key,
  planBootstrap,
  type Shard,
  type ShardMap,
  type StoreInfo,
} from '../../shard-map/index.ts'

export const key: fc.Arbitrary<Key> = fc.oneof(
  fc.string({ maxLength: 4, unit: fc.constantFrom('\0', 'a', 'b', 'k', 'z', '\u00ff') }),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => String.fromCharCode(...bytes)),
)

export function store(id: string, labels: Record<string, string> = {}): StoreInfo {
  return { id, address: `${id}:8080`, labels, incarnation: `i-${id}`, version: '1.0.0', state: 'up' }
}

export function bootstrapped(stores: number, shards: number, replicas = 3): ShardMap {
  const infos = Array.from({ length: stores }, (_, i) => store(`s${i + 1}`))
  const applied = applyChange(EMPTY_MAP, planBootstrap({ stores: infos, replicas, shards }).change)
  if (!applied.ok) throw new Error(applied.message)
  return applied.map
}

/** One step of a map's life, without ids that would not fit. */
export type Step =
  | { readonly kind: 'split'; readonly at: Key }
  | { readonly kind: 'merge'; readonly at: Key }
  | { readonly kind: 'move'; readonly at: Key; readonly to: number }
  | { readonly kind: 'label'; readonly store: number; readonly value: string | null }

export const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('split' as const), at: key }),
  fc.record({ kind: fc.constant('merge' as const), at: key }),
  fc.record({ kind: fc.constant('move' as const), at: key, to: fc.nat(4) }),
  fc.record({ kind: fc.constant('label' as const), store: fc.nat(4), value: fc.option(fc.string({ maxLength: 3 })) }),
)

export const steps = fc.array(step, { maxLength: 30 })

/** The map after a step; the same map when the step is not possible there. `fresh` gives ids. */
export function take(map: ShardMap, { kind, ...step }: Step, fresh: () => number): ShardMap {
  const at = (wanted: Key): { shard: Shard; place: number } => {
    const place = map.shards.findLastIndex((shard) => shard.start <= wanted)
    return { shard: map.shards[place] as Shard, place }
  }
  const change = () => {
    switch (kind) {
      case 'split': {
        const { at: key } = step as { at: Key }
        const { shard } = at(key)
        const rightReplicas = shard.replicas.map(() => fresh())
        return { kind, shard: shard.id, epoch: shard.epoch, key, rightId: fresh(), rightReplicas } as const
      }
      case 'merge': {
        const { shard: left, place } = at((step as { at: Key }).at)
        const right = map.shards[place + 1] ?? left
        return { kind, left: left.id, leftEpoch: left.epoch, right: right.id, rightEpoch: right.epoch } as const
      }
      case 'move': {
        const { at: key, to } = step as { at: Key; to: number }
        const { shard } = at(key)
        const target = map.stores[to % map.stores.length]?.id ?? ''
        const others = shard.replicas.filter((replica) => replica.store !== target).slice(1)
        const replicas = [...others, { id: fresh(), store: target, role: 'voter' as const }]
        return { kind: 'change-replicas', shard: shard.id, epoch: shard.epoch, replicas } as const
      }
      case 'label': {
        const { store, value } = step as { store: number; value: string | null }
        const id = map.stores[store % map.stores.length]?.id ?? ''
        return { kind: 'label-store', store: id, labels: { zone: value } } as const
      }
    }
  }
  const applied = applyChange(map, change())
  return applied.ok ? applied.map : map
}

export function counter(from = 1000): () => number {
  let last = from
  return () => ++last
}

/** Maps with a history; the second is the first some steps later. */
export const history: fc.Arbitrary<readonly ShardMap[]> = fc
  .record({ stores: fc.integer({ min: 1, max: 5 }), shards: fc.integer({ min: 1, max: 12 }), steps })
  .map(({ stores, shards, steps }) => {
    const fresh = counter()
    const maps = [bootstrapped(stores, shards)]
    for (const step of steps) maps.push(take(maps.at(-1) as ShardMap, step, fresh))
    return maps
  })
