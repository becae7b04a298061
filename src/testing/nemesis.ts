/**
 * What goes wrong on purpose, one action at a time, at moments drawn by chance. Each action belongs to a family of faults and happens only in
 * runs that have that family. Changes of the topology are actions like any other: whatever operators the cluster knows (split, merge, move,
 * add or remove a replica) gets a row in NEMESIS_ACTIONS.
 */
import type { Shard } from '../../shard-map/index.ts'
import { DRIVER_ACTIONS } from './driver-nemesis.ts'
import type { FaultFamily } from './fault-plan.ts'
import { MERGE_ACTIONS } from './merge-nemesis.ts'
import { SHARD_ACTIONS } from './shard-nemesis.ts'
import type { SimulatedStore } from './simulated-store.ts'
import { TOPOLOGY_ACTIONS } from './topology-nemesis.ts'
import type { World } from './world.ts'

export interface NemesisAction {
  readonly name: string
  readonly family: FaultFamily
  /** How often, compared with the others that may happen. */
  readonly weight: number
  /** Answers what it did, for the trace; undefined when there was nothing to do it to. */
  run(world: World): string | undefined
}

const PAUSE_US_MAX = 4_000_000
const DOWN_MS_MAX = 8_000
const PARTITION_MS_MAX = 10_000

function downFor(world: World): number {
  // Half of them are back before anybody misses them for long.
  return world.random.chance(500) ? world.random.between(1, 300) : world.random.between(300, DOWN_MS_MAX)
}

function anyRunning(world: World): SimulatedStore | undefined {
  return world.random.pick(world.stores.filter((store) => store.process !== undefined))
}

function crash(world: World, how: 'kill' | 'power'): string | undefined {
  const store = anyRunning(world)
  if (store === undefined) return undefined
  const downMs = downFor(world)
  world.crash(store, how)
  world.startLater(store, downMs)
  return `${how} ${store.id}, back in ${downMs} ms`
}

/** Cuts between two sets of addresses, whole or in one direction, for a while. */
function partition(world: World): string {
  const { random, network } = world
  const addresses = world.addresses()
  const left = new Set(random.sample(addresses, 400))
  if (left.size === 0) left.add(random.pick(addresses) ?? '')
  const direction = random.below(3)
  const cuts: [string, string][] = []
  for (const one of addresses) {
    for (const other of addresses) {
      if (!left.has(one) || left.has(other)) continue
      if (direction !== 1) cuts.push([one, other])
      if (direction !== 2) cuts.push([other, one])
    }
  }
  for (const [from, to] of cuts) network.cut(from, to)
  const lastsMs = random.between(50, PARTITION_MS_MAX)
  world.later(lastsMs, () => {
    for (const [from, to] of cuts) network.mend(from, to)
  })
  world.counts.add(direction === 0 ? 'partition' : 'partition-one-way')
  const sign = ['| both ways |', '<-x-', '-x->'][direction]
  return `partition ${[...left].join(',')} ${sign} others for ${lastsMs} ms`
}

/** Damage for good must leave every group a majority of whole copies. */
export function mayLoseData(world: World, store: SimulatedStore): boolean {
  const bad = new Set(world.stores.filter((each) => each.isLost || each.disk.isDamaged))
  bad.add(store)
  return bad.size <= world.lossesMax && everyGroupKeepsMajority(world, bad)
}

/** Also where repair has taken a silent voter away and not replaced it yet. */
function everyGroupKeepsMajority(world: World, bad: ReadonlySet<SimulatedStore>): boolean {
  const lost = new Set([...bad].map(({ id }) => id))
  const newest = new Map<number, Shard>()
  for (const { node } of world.stores) {
    for (const { group, isInitialised, shard } of node?.store.replicas.values() ?? []) {
      const known = newest.get(group)
      if (isInitialised && (known === undefined || known.epoch.membership < shard.epoch.membership))
        newest.set(group, shard)
    }
  }
  return [...newest.values()].every(({ replicas }) =>
    (['incoming', 'outgoing'] as const).every((half) => {
      const voters = replicas.filter(({ role }) => role === 'voter' || role === half)
      return 2 * voters.filter((voter) => lost.has(voter.store)).length < voters.length
    }),
  )
}

export const NEMESIS_ACTIONS: readonly NemesisAction[] = [
  { name: 'partition', family: 'partition', weight: 4, run: partition },
  {
    name: 'clog',
    family: 'clog',
    weight: 3,
    run(world) {
      const addresses = world.addresses()
      const [from, to] = [world.random.pick(addresses), world.random.pick(addresses)]
      if (from === undefined || to === undefined || from === to) return undefined
      const lastsMs = world.random.between(20, 4_000)
      world.network.clog(from, to, world.timeline.nowUs + lastsMs * 1000)
      return `frames ${from} -> ${to} are held for ${lastsMs} ms`
    },
  },
  {
    name: 'broker-restart',
    family: 'broker',
    weight: 1,
    run(world) {
      if (!world.network.isUp) return undefined
      const downMs = world.random.between(1, 5_000)
      world.network.stopBroker()
      world.later(downMs, () => world.network.startBroker())
      return `the broker stops for ${downMs} ms`
    },
  },
  {
    name: 'disconnect',
    family: 'disconnect',
    weight: 3,
    run(world) {
      const address = world.random.pick(world.addresses())
      if (address === undefined) return undefined
      world.network.disconnect(address)
      return `the broker drops connections of ${address}`
    },
  },
  {
    name: 'pause',
    family: 'pause',
    weight: 4,
    run(world) {
      const process = world.random.pick(world.processes())
      if (process === undefined) return undefined
      const durationUs = world.random.chance(500)
        ? world.random.between(1_000, 400_000)
        : world.random.between(400_000, PAUSE_US_MAX)
      process.pause(durationUs)
      world.counts.add('pause')
      return `${process.name} sleeps for ${durationUs / 1000} ms`
    },
  },
  { name: 'kill', family: 'kill', weight: 3, run: (world) => crash(world, 'kill') },
  { name: 'power-loss', family: 'power', weight: 3, run: (world) => crash(world, 'power') },
  {
    name: 'die-inside',
    family: 'die-inside',
    weight: 3,
    run(world) {
      const store = anyRunning(world)
      if (store?.process === undefined) return undefined
      const effects = world.random.below(40)
      store.process.dieAfterEffects(effects)
      return `${store.id} will die before its effect number ${effects + 1} from now`
    },
  },
  {
    name: 'stop-in-order',
    family: 'stop',
    weight: 2,
    run(world) {
      const store = anyRunning(world)
      if (store?.node === undefined || store.isStopping) return undefined
      const downMs = downFor(world)
      world.stopInOrder(store, downMs)
      return `${store.id} stops in order, back ${downMs} ms later`
    },
  },
  {
    name: 'clock-jump',
    family: 'clock',
    weight: 2,
    run(world) {
      const process = world.random.pick(world.processes())
      if (process === undefined) return undefined
      const byMs = world.random.between(-3_600_000, 3_600_000)
      process.jumpWallClock(byMs)
      world.counts.add('wall-clock-jump')
      return `the wall clock of ${process.name} jumps by ${byMs} ms`
    },
  },
  {
    name: 'disk-error',
    family: 'disk-error',
    weight: 2,
    run(world) {
      const store = anyRunning(world)
      if (store === undefined) return undefined
      const { disk, id } = store
      const error = world.random.chance(500) ? 'EIO' : 'ENOSPC'
      switch (world.random.below(5)) {
        case 0:
          disk.breakLog('write', error)
          break
        case 1:
          disk.breakLog('sync', 'EIO')
          break
        case 2:
          disk.breakLog('read', 'EIO')
          break
        case 3:
          disk.fill(world.random.below(4_000))
          break
        default:
          disk.breakData(error)
      }
      return `the disk of ${id} breaks`
    },
  },
  {
    name: 'disk-damage',
    family: 'disk-damage',
    weight: 1,
    run(world) {
      const store = world.random.pick(world.stores)
      if (store === undefined || !mayLoseData(world, store)) return undefined
      const done = world.random.chance(600) ? store.disk.flipBit() : store.disk.misdirectWrite()
      return done ? `bytes on the disk of ${store.id} are damaged` : undefined
    },
  },
  {
    name: 'disk-wipe',
    family: 'disk-wipe',
    weight: 1,
    run(world) {
      const store = world.random.pick(world.stores)
      if (store === undefined || store.isLost || !mayLoseData(world, store)) return undefined
      store.isLost = true
      world.crash(store, 'power')
      store.disk.wipe()
      world.counts.add('disk-wipe')
      world.startLater(store, downFor(world))
      return `the disk of ${store.id} is replaced by an empty one`
    },
  },
  {
    name: 'transfer-leader',
    family: 'transfer',
    weight: 4,
    run(world) {
      const gateway = world.random.pick(world.gateways())
      const shards = world.shardIds()
      const shard = world.random.pick(shards)
      const to = world.random.pick(world.stores)
      if (gateway === undefined || shard === undefined || to === undefined) return undefined
      world.ask(gateway, (router) => router.admin.transferLeader(shard, to.id, { timeoutMs: 2_000 }))
      world.counts.add('transfer-leader')
      return `asks for a transfer of shard ${shard} to ${to.id}`
    },
  },
  ...SHARD_ACTIONS,
  ...DRIVER_ACTIONS,
  ...MERGE_ACTIONS,
  ...TOPOLOGY_ACTIONS,
]

/** Begins one action after the other until `until` says so. */
export function runNemesis(world: World, isOver: () => boolean): void {
  const possible = NEMESIS_ACTIONS.filter(({ family }) => world.plan.families.has(family))
  const total = possible.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0) return
  const act = (): void => {
    if (isOver()) return
    let roll = world.random.below(total)
    const action = possible.find(({ weight }) => {
      roll -= weight
      return roll < 0
    })
    const what = action?.run(world)
    if (what !== undefined) world.note('nemesis', what)
    world.later(world.random.between(1, 2 * world.plan.actionEveryMs), act)
  }
  world.later(world.random.between(1, 2 * world.plan.actionEveryMs), act)
}
