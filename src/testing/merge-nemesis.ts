/**
 * Merges as the placement driver carries them out, with somebody dying right after a step of theirs: whoever leads group 1, or leads one of the two
 * shards. Rows of the list in `nemesis.ts`; merges without a driver are in `shard-nemesis.ts`.
 */
import { isStoreOperator, PLACEMENT_SHARD } from '../../shard-map/index.ts'
import type { OperatorRecord, PlacementMachine } from '../machine/index.ts'
import { askDriver } from './driver-nemesis.ts'
import type { NemesisAction } from './nemesis.ts'
import type { SimulatedStore } from './simulated-store.ts'
import type { World } from './world.ts'

/** So long somebody waits for the step after which a store is to die. */
const WATCHED_MS_MAX = 10_000
const LOOK_MS = 2
const DOWN_MS_MAX = 2_000

type Victim = 'driver' | 'left' | 'right'

const VICTIMS: readonly Victim[] = ['driver', 'left', 'right']

export const MERGE_ACTIONS: readonly NemesisAction[] = [
  {
    name: 'driver-merge',
    family: 'merge',
    weight: 5,
    run: (world) => startMerge(world),
  },
  {
    name: 'kill-after-step',
    family: 'merge',
    weight: 4,
    run(world) {
      const started = startMerge(world)
      if (started === undefined) return undefined
      const victim = world.random.pick(VICTIMS) ?? 'driver'
      const step = world.random.pick(['prepare-merge', 'commit-merge', 'rollback-merge', 'any'] as const) ?? 'any'
      const mayCancel = step === 'rollback-merge'
      killAfter(world, victim, step, mayCancel, world.nowMs + WATCHED_MS_MAX)
      return `${started}; the ${victim} leader dies when ${step} begins`
    },
  },
]

function startMerge(world: World): string | undefined {
  const map = world.stores.find(({ node, isLost }) => node !== undefined && !isLost)?.node?.store.map.map
  const shards = map?.shards ?? []
  const left = world.random.below(Math.max(1, shards.length - 1))
  const [one, other] = [shards[left], shards[left + 1]]
  if (one === undefined || other === undefined) return undefined
  const request = { kind: 'merge', shard: one.id, with: other.id } as const
  if (!askDriver(world, { what: 'start', request, dryRun: false })) return undefined
  world.counts.add('driver-merge')
  return `asks the placement driver to merge shards ${one.id} and ${other.id}`
}

/** Merges that run, as far as the leader of group 1 knows. */
export function runningMerges(world: World): readonly OperatorRecord[] {
  // Group 1 runs no other machine.
  const driver = world.changer.leader(PLACEMENT_SHARD)?.replica.machine as PlacementMachine | undefined
  return [...(driver?.operators.running.values() ?? [])].filter(({ plan }) => plan.kind === 'merge')
}

/** Whether a shard may have stopped for it. */
export function hasStopped({ steps }: OperatorRecord): boolean {
  return steps.some(({ step, state }) => step.what === 'prepare-merge' && state !== 'waiting')
}

function killAfter(world: World, victim: Victim, step: string, mayCancel: boolean, untilMs: number): void {
  const seen = new Map<number, number>()
  const { hasFaults } = world
  const look = (): void => {
    if (world.hasFaults !== hasFaults || world.isOver || world.nowMs > untilMs) return
    for (const operator of runningMerges(world)) {
      const place = operator.steps.findIndex(({ state }) => state === 'running')
      const before = seen.get(operator.id)
      seen.set(operator.id, place)
      if (before === place) continue
      const what = operator.steps[place]?.step.what
      if (mayCancel && what === 'commit-merge')
        askDriver(world, { what: 'cancel-operator', operator: String(operator.id) })
      if (what !== step && step !== 'any') continue
      const store = victimOf(world, victim, operator)
      if (store === undefined) continue
      const downMs = world.random.between(1, DOWN_MS_MAX)
      world.note('nemesis', `kills ${store.id} as ${what} of operator ${operator.id} begins, back in ${downMs} ms`)
      world.crash(store, world.random.chance(500) ? 'kill' : 'power')
      world.startLater(store, downMs)
      world.counts.add('kill-after-step')
      return
    }
    world.later(LOOK_MS, look)
  }
  look()
}

function victimOf(world: World, victim: Victim, { plan }: OperatorRecord): SimulatedStore | undefined {
  if (isStoreOperator(plan)) return undefined
  const group = { driver: PLACEMENT_SHARD, left: plan.shard, right: plan.other?.shard ?? plan.shard }[victim]
  return world.changer.leader(group)?.store
}
