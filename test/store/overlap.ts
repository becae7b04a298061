/** Of the replicas of one store, no two may have the same key. */
import assert from 'node:assert/strict'
import type { Shard } from '../../shard-map/index.ts'
import type { Store } from '../../src/store/index.ts'

/** Fails when two initialised replicas claim the same key. */
export function checkNoOverlap(store: Store): void {
  const shards = [...store.replicas.values()]
    .filter((replica) => replica.group !== 1 && replica.isInitialised)
    .map((replica) => replica.shard)
    .sort((a, b) => (a.start < b.start ? -1 : 1))
  for (let i = 1; i < shards.length; i++) {
    const [left, right] = [shards[i - 1] as Shard, shards[i] as Shard]
    assert(
      left.end !== undefined && left.end <= right.start,
      `shards ${left.id} and ${right.id} overlap on ${store.id}`,
    )
  }
}
