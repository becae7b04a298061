/**
 * What must hold of every map, said once. `apply.ts` refuses what would break it, the simulator and `flotilla check ranges` ask
 * again, and decoders do not let a broken map in.
 */
import { replicasProblem } from './shard.ts'
import { PLACEMENT_SHARD, type Shard, type ShardMap } from './types.ts'

/** What is wrong with one shard, seen alone. */
export function shardProblems(shard: Shard): readonly string[] {
  const problems: string[] = []
  const { id, epoch } = shard
  if (!Number.isSafeInteger(id) || id < 1) problems.push(`shard id ${id}`)
  if (shard.end !== undefined && shard.end <= shard.start) problems.push(`shard ${id} has an empty range`)
  if (id === PLACEMENT_SHARD && (shard.start !== '' || shard.end !== undefined))
    problems.push('the placement shard has a range')
  if (!isCounter(epoch.membership) || !isCounter(epoch.range)) {
    problems.push(`shard ${id} has epoch ${epoch.membership}.${epoch.range}`)
  }
  const problem = replicasProblem(shard.replicas)
  if (problem !== undefined) problems.push(`shard ${id}: ${problem}`)
  return problems
}

/** Every way in which a map is broken, in words; empty for a sound one. */
export function violations(map: ShardMap): readonly string[] {
  const found: string[] = []
  const replicas = new Map<number, number>()
  const shardIds = new Set<number>()
  const storeIds = new Set<string>()
  let lastStore: string | undefined
  for (const { id, incarnation, state } of map.stores) {
    if (id === '') found.push('a store without id')
    if (storeIds.has(id)) found.push(`two stores ${id}`)
    else if (lastStore !== undefined && id < lastStore) found.push(`store ${id} is out of order`)
    if (incarnation === '' && state !== 'registered') found.push(`store ${id} is ${state} without an incarnation`)
    storeIds.add(id)
    lastStore = id
  }
  for (const shard of map.placement === undefined ? map.shards : [map.placement, ...map.shards]) {
    if (shardIds.has(shard.id)) found.push(`two shards ${shard.id}`)
    shardIds.add(shard.id)
    found.push(...shardProblems(shard))
    for (const replica of shard.replicas) {
      const other = replicas.get(replica.id)
      if (other !== undefined && other !== shard.id) {
        found.push(`replica ${replica.id} is in shards ${other} and ${shard.id}`)
      }
      replicas.set(replica.id, shard.id)
      if (!storeIds.has(replica.store)) found.push(`shard ${shard.id} is on store ${replica.store}, which is unknown`)
    }
  }
  if (map.placement !== undefined && map.placement.id !== PLACEMENT_SHARD) {
    found.push(`shard ${map.placement.id} stands in the placement shard's place`)
  }
  if (map.shards.some((shard) => shard.id === PLACEMENT_SHARD)) found.push('the placement shard covers keys')
  return [...found, ...coverProblems(map.shards)]
}

function coverProblems(shards: readonly Shard[]): readonly string[] {
  if (shards.length === 0) return []
  const found: string[] = []
  let covered: string | undefined = ''
  for (const shard of shards) {
    if (covered === undefined || shard.start < covered) found.push(`shard ${shard.id} overlaps the one before it`)
    else if (shard.start > covered) found.push(`nobody covers the keys before shard ${shard.id}`)
    covered = shard.end
  }
  if (covered !== undefined) found.push('nobody covers the last keys')
  return found
}

function isCounter(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
