/**
 * Changes of shards as things that happen to a cluster at any moment, beside faults: splits, moves and merges. Rows of the list in `nemesis.ts`; how a change
 * is carried through is `shard-changer.ts`.
 */
import { mergeShards, type Shard } from '../../shard-map/index.ts'
import type { NemesisAction } from './nemesis.ts'
import type { World } from './world.ts'

/** More would only make runs slow. */
const SHARDS_MAX = 12

function contains({ start, end }: Shard, key: string): boolean {
  return key > start && (end === undefined || key < end)
}

export const SHARD_ACTIONS: readonly NemesisAction[] = [
  {
    name: 'split',
    family: 'split',
    weight: 4,
    run(world) {
      const shards = world.changer.shards()
      const key = world.random.pick(world.settings.load.keys)
      const shard = shards.find((each) => key !== undefined && contains(each, key))
      if (shard === undefined || key === undefined || shards.length >= SHARDS_MAX) return undefined
      const keys = new Set([key])
      const other = world.random.pick(world.settings.load.keys)
      if (other !== undefined && world.random.chance(300) && contains(shard, other)) keys.add(other)
      const cuts = [...keys].sort()
      world.changer.split(shard, cuts)
      return `asks for a split of shard ${shard.id} at ${cuts.join(' and ')}`
    },
  },
  { name: 'move', family: 'move', weight: 4, run: move },
  { name: 'merge', family: 'merge', weight: 4, run: merge },
]

function move(world: World): string | undefined {
  const shard = world.random.pick(world.changer.shards())
  if (shard === undefined) return undefined
  const { replicas } = shard
  // What an earlier change left behind when it gave up comes first.
  if (replicas.some(({ role }) => role === 'incoming' || role === 'outgoing')) {
    world.changer.leaveJoint(shard)
    return `asks shard ${shard.id} to leave its joint membership`
  }
  const learner = replicas.find(({ role }) => role === 'learner')
  if (learner !== undefined) {
    world.changer.removeLearner(shard, learner.store)
    return `asks shard ${shard.id} to remove the learner on ${learner.store}`
  }
  const from = world.random.pick(replicas)?.store
  const free = world.stores.filter(({ id, isLost }) => !isLost && replicas.every(({ store }) => store !== id))
  const to = world.random.pick(free)?.id
  if (from === undefined || to === undefined) return undefined
  world.changer.move(shard, from, to, replicas.length)
  return `asks for a move of shard ${shard.id} from ${from} to ${to}`
}

function merge(world: World): string | undefined {
  const prepared = world.random.pick(world.changer.prepared())
  if (prepared !== undefined && world.random.chance(500)) {
    world.changer.rollBack(prepared.source, prepared.target)
    return `asks shard ${prepared.source.id} to give up its merge into ${prepared.target.id}`
  }
  const shards = world.changer.shards()
  const pairs = shards.flatMap((target) => {
    const source = shards.find(({ start }) => start === target.end)
    return source === undefined ? [] : [{ target, source }]
  })
  // Those on the same stores, or there would hardly ever be one that can be merged.
  const fitting = pairs.filter(({ target, source }) => mergeShards(target, source).ok)
  const pair = world.random.pick(fitting.length > 0 ? fitting : pairs)
  if (pair === undefined) return undefined
  const givesUp = world.random.chance(300)
  world.changer.merge(pair.target, pair.source, givesUp)
  return `asks for a merge of shard ${pair.source.id} into ${pair.target.id}${givesUp ? ', and forgets it' : ''}`
}
