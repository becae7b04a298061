/**
 * Runs one scenario to its end: rounds of planning, operators that take their time, loads that drift a little, until nothing has been planned for
 * a while. What it measures goes into the report; whether it may be called a success is judged there too.
 */
import type { IndexedStore, PlanSettings, SchedulerName } from '../../shard-map/index.ts'
import { planRound } from '../../shard-map/index.ts'
import { lowerBound } from './lower-bound.ts'
import type { ModelCluster } from './model.ts'
import { SimRandom } from './random.ts'
import type { Scenario } from './scenarios.ts'
import { syntheticCluster } from './synthetic.ts'
import { type RoundTime, RoundTimer, type Stopwatches } from './timing.ts'

export interface RunOptions extends Stopwatches {
  readonly stores: number
  readonly shards: number
  readonly seed: number
  readonly roundsMax: number
  /** Of each store at a time; snapshots as many. */
  readonly operatorsPerStore?: number
}

export interface Spread {
  readonly min: number
  readonly mean: number
  readonly max: number
}

export interface RunReport {
  readonly scenario: string
  readonly rounds: number
  readonly isQuiet: boolean
  readonly moves: number
  readonly movesMin: number
  readonly transfers: number
  readonly splits: number
  readonly merges: number
  readonly byScheduler: Readonly<Partial<Record<SchedulerName | 'by-hand', number>>>
  readonly movedAgain: readonly string[]
  readonly replicas: Spread
  readonly bytes: Spread
  readonly leaders: Spread
  readonly ops: Spread
  /** Stores at rest beyond the tolerance of the mean. */
  readonly outside: Readonly<Record<'replicas' | 'bytes' | 'leaders', number>>
  /** Stores at rest that serve, or keep, more than makes a store hot. */
  readonly hot: number
  readonly buildMs: number
}

/** Nothing planned for so many rounds is rest; longer than a shard rests after a move, so that none only waits. */
const QUIET_ROUNDS = 620
/** Shards whose load changes in a round, one in so many, and by how much at most. */
const DRIFTING_OF = 2000
const DRIFT = 0.05

export function runScenario(
  scenario: Scenario,
  options: RunOptions,
): { readonly cluster: ModelCluster; readonly report: RunReport; readonly times: readonly RoundTime[] } {
  const random = new SimRandom(options.seed)
  const builtFrom = options.stopwatch()
  const shape = { stores: options.stores, shards: options.shards, sizes: scenario.sizes }
  const cluster = syntheticCluster(shape, random, options.operatorsPerStore)
  scenario.disturb(cluster, shape, random)
  const buildMs = options.stopwatch() - builtFrom
  const movesMin = lowerBound(cluster.index).moves
  const ids = [...cluster.shards.keys()]
  const base = new Map([...cluster.shards].map(([id, { statistics }]) => [id, statistics.readsPerSecond]))
  const timer = new RoundTimer(options)
  const byScheduler: Partial<Record<SchedulerName | 'by-hand', number>> = {}
  let quiet = 0
  while (quiet < QUIET_ROUNDS && cluster.round < options.roundsMax) {
    const { round, nowMs } = cluster
    const { operators } = timer.measure(round, (watch) => planRound(cluster.index, { nowMs, round, watch }))
    for (const operator of operators) {
      cluster.start(operator)
      byScheduler[operator.scheduler] = (byScheduler[operator.scheduler] ?? 0) + 1
    }
    quiet = operators.length === 0 && cluster.running === 0 ? quiet + 1 : 0
    drift(cluster, ids, base, random)
    cluster.advance()
  }
  const stores = [...cluster.index.stores()].filter(
    ({ statistics: { state, liveness } }) => state === 'up' && liveness === 'up',
  )
  const { balance } = cluster.index.settings
  return {
    cluster,
    times: timer.times,
    report: {
      scenario: scenario.name,
      rounds: cluster.round,
      isQuiet: quiet >= QUIET_ROUNDS,
      moves: cluster.replicaMoves,
      movesMin,
      transfers: cluster.transfers,
      splits: cluster.splits,
      merges: cluster.merges,
      byScheduler,
      movedAgain: cluster.movedAgain,
      replicas: spreadOf(stores, 'replicas'),
      bytes: spreadOf(stores, 'bytes'),
      leaders: spreadOf(stores, 'leaders'),
      ops: spreadOf(stores, 'ops'),
      hot: hot(stores, cluster.index.settings.hot),
      outside: {
        replicas: outside(stores, balance.toleranceRatio, 'replicas', balance.replicasToleranceMin),
        bytes: outside(stores, balance.toleranceRatio, 'bytes', balance.bytesToleranceMin),
        // Leaders come whole, so half of one more is as near as can be.
        leaders: outside(stores, balance.toleranceRatio, 'leaders', balance.leadersToleranceMin, 0.5),
      },
      buildMs,
    },
  }
}

/** Loads wander within a few per cent of what they were. */
function drift(
  cluster: ModelCluster,
  ids: readonly number[],
  base: ReadonlyMap<number, number>,
  random: SimRandom,
): void {
  for (let i = 0; i < ids.length / DRIFTING_OF; i++) {
    const id = ids[random.below(ids.length)] as number
    const known = cluster.shards.get(id)
    // A shard that was split or merged has another load than it had.
    if (known === undefined || known.statistics.lastSplitMs !== undefined || known.statistics.lastMergeMs !== undefined)
      continue
    const readsPerSecond = (base.get(id) ?? 0) * (1 - DRIFT + 2 * DRIFT * random.unit())
    cluster.put(known.shard, { ...known.statistics, readsPerSecond })
  }
}

function spreadOf(stores: readonly IndexedStore[], dimension: keyof IndexedStore['planned']): Spread {
  const amounts = stores.map(({ planned }) => planned[dimension])
  const sum = amounts.reduce((a, b) => a + b, 0)
  return {
    min: amounts.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    mean: sum / Math.max(1, amounts.length),
    max: amounts.reduce((a, b) => Math.max(a, b), 0),
  }
}

/** Stores that are off the mean by more than the tolerance. */
function outside(
  stores: readonly IndexedStore[],
  toleranceRatio: number,
  dimension: keyof IndexedStore['planned'],
  toleranceMin: number,
  grain = 0,
): number {
  const { mean } = spreadOf(stores, dimension)
  const tolerance = Math.max(toleranceMin, mean * toleranceRatio) + grain
  return stores.filter(({ planned }) => Math.abs(planned[dimension] - mean) > tolerance).length
}

function hot(stores: readonly IndexedStore[], { ratio, opsPerSecondMin }: PlanSettings['hot']): number {
  const isHot = ({ planned }: IndexedStore, dimension: 'ops' | 'writes'): boolean =>
    planned[dimension] > Math.max(opsPerSecondMin, spreads[dimension].mean * (1 + ratio))
  const spreads = { ops: spreadOf(stores, 'ops'), writes: spreadOf(stores, 'writes') }
  return stores.filter((store) => isHot(store, 'ops') || isHot(store, 'writes')).length
}
