/**
 * Small clusters for tests of the planners, made from a few words: which stores, which shards on them. The first store of a shard leads it.
 */
import assert from 'node:assert/strict'
import {
  healthyStore,
  type OperatorStep,
  PLAN_SETTINGS_DEFAULT,
  PlacementIndex,
  type Plan,
  type PlannedOperator,
  type PlanSettings,
  planRound,
  QUIET_SHARD,
  type Replica,
  type Shard,
  type ShardStatistics,
  type StoreStatistics,
} from '../../shard-map/index.ts'
import { ModelCluster } from '../../tools/sim-placement/model.ts'

export const MiB = 1 << 20

export interface ShardWords {
  /** `s1 s2 s3`, with `:learner` and the like behind those that are not voters. */
  readonly on: string
  readonly statistics?: Partial<ShardStatistics>
}

export function cluster(
  stores: readonly (Partial<StoreStatistics> & { readonly id: string })[],
  shards: readonly ShardWords[],
  settings: Partial<PlanSettings> = {},
): ModelCluster {
  // Without rest after moves, so that a model settles in a few rounds; the rest has a test of its own.
  const balance = { ...PLAN_SETTINGS_DEFAULT.balance, restMs: 0 }
  const index = new PlacementIndex({ ...PLAN_SETTINGS_DEFAULT, balance, ...settings })
  const model = new ModelCluster(index, 10_000, () => 1)
  for (const store of stores) model.setStore({ ...healthyStore({ labels: {}, state: 'up', ...store }), ...store })
  for (const [i, { on, statistics }] of shards.entries()) {
    const shard = shardOn(i + 2, i, shards.length, on)
    model.put(shard, { ...QUIET_SHARD, leader: shard.replicas[0]?.store, bytes: 30 * MiB, ...statistics })
  }
  return model
}

export function shardOn(id: number, place: number, count: number, on: string): Shard {
  const key = (i: number): string => `k${String(i).padStart(4, '0')}`
  const replicas = on.split(' ').map((word, r): Replica => {
    const [store = '', role = 'voter'] = word.split(':')
    return { id: id * 100 + r, store, role: role as Replica['role'] }
  })
  const end = place + 1 === count ? undefined : key(place + 1)
  return { id, start: place === 0 ? '' : key(place), end, epoch: { membership: 1, range: 1 }, replicas }
}

export function stores(count: number, more: (i: number) => Partial<StoreStatistics> = () => ({})) {
  return Array.from({ length: count }, (_, i) => ({ id: `s${i + 1}`, ...more(i) }))
}

export function round(model: ModelCluster, number = 0) {
  return planRound(model.index, { nowMs: 10_000_000, round: number })
}

/** The operators of one scheduler in the next round. */
export function planned(model: ModelCluster, scheduler: PlannedOperator['scheduler']): readonly PlannedOperator[] {
  return round(model).operators.filter((operator) => operator.scheduler === scheduler)
}

export function operatorOf(plan: Plan): PlannedOperator {
  assert.ok(plan.ok, plan.ok ? '' : plan.message)
  return plan.operator
}

/** Steps in short: `add-learner s4`. */
export function short(steps: readonly OperatorStep[]): readonly string[] {
  return steps.map((step) => {
    switch (step.what) {
      case 'enter-joint':
        return `enter-joint +${step.promote.join('+')} -${step.demote.join('-')}`
      case 'transfer-leader':
        return `transfer-leader ${step.to}`
      case 'add-learner':
      case 'remove-learner':
      case 'wait-caught-up':
        return `${step.what} ${step.store}`
      case 'prepare-merge':
      case 'commit-merge':
        return `${step.what} ${step.shard} into ${step.into}`
      default:
        return step.what
    }
  })
}

/** Rounds until nothing is planned for a while; the operators in the order in which they began. Fails when there is no end. */
export function settle(
  model: ModelCluster,
  roundsMax = 1500,
  judge: (operator: PlannedOperator) => void = () => {},
): readonly PlannedOperator[] {
  const all: PlannedOperator[] = []
  for (let quiet = 0; quiet < 8; ) {
    assert.ok(
      model.round < roundsMax,
      `it does not come to rest: ${all
        .slice(-4)
        .map(({ reason }) => reason)
        .join('; ')}`,
    )
    const { operators } = planRound(model.index, { nowMs: model.nowMs, round: model.round })
    for (const operator of operators) {
      judge(operator)
      model.start(operator)
    }
    all.push(...operators)
    quiet = operators.length === 0 && model.running === 0 ? quiet + 1 : 0
    model.advance()
  }
  return all
}
