import {
  type Epoch,
  isStoreOperator,
  type OperatorStep,
  type PlannedOperator,
  type SchedulerName,
  type ShardId,
  type ShardMap,
  type StoreOperator,
  type StoreStep,
  shardById,
} from '../../../shard-map/index.ts'
import { assert, present, unreachable } from '../../base/index.ts'
import type {
  OperatorCommand,
  OperatorEnd,
  OperatorRecord,
  OperatorRefusal,
  OperatorResult,
  RangeChange,
  ReachedEpoch,
  StartedOperator,
  StepRecord,
  WantedLearner,
} from './operator-types.ts'
import { RangeChanges } from './range-changes.ts'

/**
 * The operators of the cluster: those that run, the last ones that ended, and the pauses of schedulers. A part of the placement machine: it
 * changes only by commands, and never decides what to do next.
 */

/** Ended operators that are remembered; the oldest are forgotten first. All of them are saved with each change of the machine. */
const ENDED_MAX = 100
/** Operators that run at once in one cluster. */
const RUNNING_MAX = 1_000

export interface SavedOperators {
  readonly nextId: number
  readonly operators: readonly OperatorRecord[]
  readonly pauses: readonly (readonly [SchedulerName, number])[]
  readonly wantedLearners: readonly WantedLearner[]
  /** Undefined in states of before there were any. */
  readonly rangeChanges: readonly RangeChange[] | undefined
}

export class OperatorBook {
  /** In the order of their ids. */
  readonly #running = new Map<number, OperatorRecord>()
  readonly #ended = new Map<number, OperatorRecord>()
  readonly #pauses = new Map<SchedulerName, number>()
  #wantedLearners: readonly WantedLearner[] = []
  readonly #rangeChanges = new RangeChanges()
  #nextId = 1

  restore(saved: SavedOperators): void {
    this.#nextId = saved.nextId
    for (const operator of saved.operators) {
      ;(operator.state === 'running' ? this.#running : this.#ended).set(operator.id, operator)
    }
    for (const [scheduler, untilMs] of saved.pauses) this.#pauses.set(scheduler, untilMs)
    this.#wantedLearners = saved.wantedLearners
    this.#rangeChanges.restore(saved.rangeChanges, this.#ended.values())
  }

  save(): SavedOperators {
    return {
      nextId: this.#nextId,
      operators: [...this.#ended.values(), ...this.#running.values()],
      pauses: [...this.#pauses].sort(([a], [b]) => (a < b ? -1 : 1)),
      wantedLearners: this.#wantedLearners,
      rangeChanges: [...this.#rangeChanges.all.values()],
    }
  }

  get running(): ReadonlyMap<number, OperatorRecord> {
    return this.#running
  }

  /** The oldest end first. */
  get ended(): ReadonlyMap<number, OperatorRecord> {
    return this.#ended
  }

  /** Until when each scheduler is paused, on the wall clock; also pauses that are over. */
  get pauses(): ReadonlyMap<SchedulerName, number> {
    return this.#pauses
  }

  get wantedLearners(): readonly WantedLearner[] {
    return this.#wantedLearners
  }

  /** When shards were last split or merged, as far as that matters. */
  get rangeChanges(): ReadonlyMap<ShardId, RangeChange> {
    return this.#rangeChanges.all
  }

  /** `takeIds` hands out numbers that no shard and no replica has ever had. */
  apply(command: OperatorCommand, map: ShardMap, takeIds: (count: number) => number): OperatorResult {
    switch (command.kind) {
      case 'start-operators': {
        const started = command.operators.map((plan) => this.#start(plan, command.atMs, map, takeIds))
        return { kind: 'operators-started', started }
      }
      case 'advance-operator':
        return this.#advance(command)
      case 'unwind-operator':
        return this.#unwind(command)
      case 'pause-scheduler':
        if (command.untilMs === undefined) this.#pauses.delete(command.scheduler)
        else this.#pauses.set(command.scheduler, command.untilMs)
        return { kind: 'scheduler-paused' }
      default:
        return unreachable(command)
    }
  }

  #start(
    plan: PlannedOperator | StoreOperator,
    atMs: number,
    map: ShardMap,
    takeIds: (count: number) => number,
  ): StartedOperator {
    if (this.#running.size >= RUNNING_MAX) return { ok: false, message: `${RUNNING_MAX} operators run already` }
    if (plan.steps.length === 0) return { ok: false, message: 'an operator has at least one step' }
    const problem = isStoreOperator(plan) ? this.#storeConflict(plan) : this.#shardConflict(plan, map)
    if (problem !== undefined) return { ok: false, message: problem }
    const id = this.#nextId++
    const steps = plan.steps.map((step, place): StepRecord => {
      const given = step.what === 'add-learner' ? { ...step, replicaId: takeIds(1) } : step
      return place === 0 ? runningStep(given, atMs) : waitingStep(given)
    })
    const operator: OperatorRecord = {
      id,
      plan,
      state: 'running',
      unwinding: undefined,
      steps,
      reached: [],
      freshIds: isStoreOperator(plan) ? [] : freshIds(plan, map, takeIds),
      createdMs: atMs,
      endedMs: undefined,
      error: undefined,
    }
    this.#running.set(id, operator)
    return { ok: true, operator }
  }

  #storeConflict(plan: StoreOperator): string | undefined {
    for (const { id, plan: other } of this.#running.values()) {
      if (!isStoreOperator(other)) continue
      if ('store' in plan && 'store' in other && other.store === plan.store) {
        return `operator ${id} (${other.kind}) is about store ${plan.store} already`
      }
      if ('group' in plan && 'group' in other && other.kind === plan.kind && other.group === plan.group) {
        return `operator ${id} does the same already`
      }
    }
    return undefined
  }

  #shardConflict(plan: PlannedOperator, map: ShardMap): string | undefined {
    for (const shard of shardsOf(plan)) {
      if (shard !== map.placement?.id && shardById(map, shard) === undefined) return `there is no shard ${shard}`
      for (const { id, plan: other } of this.#running.values()) {
        if (isStoreOperator(other) || !shardsOf(other).includes(shard)) continue
        return `operator ${id} (${other.kind}) is changing shard ${shard}`
      }
    }
    return undefined
  }

  #advance({ id, step, reached, atMs }: OperatorCommand & { kind: 'advance-operator' }): OperatorResult {
    const operator = this.#running.get(id)
    if (operator === undefined) return this.#notRunning(id)
    if (operator.steps[step]?.state !== 'running') {
      return refused('operator-conflict', `step ${step} of operator ${id} is not the one that runs`)
    }
    const steps = operator.steps.map((record, place): StepRecord => {
      if (place === step) return { ...record, state: 'done', endedMs: atMs }
      return place === step + 1 ? { ...record, state: 'running', startedMs: atMs } : record
    })
    const next: OperatorRecord = { ...operator, steps, reached: reachedAfter(operator, step, reached) }
    if (step + 1 < steps.length) return this.#replace(next)
    return this.#end(next, operator.unwinding ?? 'finished', atMs)
  }

  #unwind({ id, outcome, reason, steps, atMs }: OperatorCommand & { kind: 'unwind-operator' }): OperatorResult {
    const operator = this.#running.get(id)
    if (operator === undefined) return this.#notRunning(id)
    if (outcome === 'finished') return this.#finishAfterAll(operator, atMs)
    if (operator.unwinding !== undefined && steps.length > 0) {
      return refused('operator-conflict', `operator ${id} is on its way back already`)
    }
    // What it would still have done is not shown: it will not be done.
    const done = operator.steps
      .filter(({ state }) => state !== 'waiting')
      .map(
        (record): StepRecord => (record.state === 'running' ? { ...record, state: 'failed', endedMs: atMs } : record),
      )
    const back = steps.map((step, place) => (place === 0 ? runningStep(step, atMs) : waitingStep(step)))
    const next: OperatorRecord = {
      ...operator,
      steps: [...done, ...back],
      unwinding: operator.unwinding ?? outcome,
      error: operator.error ?? reason,
    }
    return back.length === 0 ? this.#end(next, operator.unwinding ?? outcome, atMs) : this.#replace(next)
  }

  /** What it was to do turned out to be done: it neither failed nor has anything to take back. */
  #finishAfterAll(operator: OperatorRecord, atMs: number): OperatorResult {
    const steps = operator.steps
      .filter(({ state }) => state !== 'waiting')
      .map((record): StepRecord => ({ ...record, state: 'done', endedMs: record.endedMs ?? atMs }))
    return this.#end({ ...operator, steps, unwinding: undefined, error: undefined }, 'finished', atMs)
  }

  #replace(operator: OperatorRecord): OperatorResult {
    this.#running.set(operator.id, operator)
    return { kind: 'operator', operator }
  }

  #end(operator: OperatorRecord, state: OperatorEnd, atMs: number): OperatorResult {
    const ended: OperatorRecord = { ...operator, state, endedMs: atMs }
    this.#running.delete(ended.id)
    this.#ended.set(ended.id, ended)
    const [oldest] = this.#ended.keys()
    if (this.#ended.size > ENDED_MAX) this.#ended.delete(present(oldest, 'the oldest operator'))
    this.#noteLearners(ended)
    this.#rangeChanges.note(ended)
    return { kind: 'operator', operator: ended }
  }

  /** A learner is wanted when an operator brought it that was to do no more than that; what came of it later ends the wish. */
  #noteLearners({ plan, state, steps }: OperatorRecord): void {
    if (isStoreOperator(plan)) return
    const { shard } = plan
    let wanted = this.#wantedLearners
    const forget = (store: string): void => {
      wanted = wanted.filter((each) => each.shard !== shard || each.store !== store)
    }
    for (const { step, state: stepState } of steps) {
      if (stepState !== 'done') continue
      if (step.what === 'remove-learner') forget(step.store)
      else if (step.what === 'enter-joint') for (const store of [...step.promote, ...step.demote]) forget(store)
    }
    const [arrival] = plan.steps
    const isLearnerOnly = plan.kind === 'add-replica' && !plan.steps.some(({ what }) => what === 'enter-joint')
    if (state === 'finished' && isLearnerOnly && arrival?.what === 'add-learner') {
      forget(arrival.store)
      wanted = [...wanted, { shard, store: arrival.store }]
    }
    this.#wantedLearners = wanted
  }

  #notRunning(id: number): OperatorResult {
    const ended = this.#ended.get(id)
    return ended === undefined
      ? refused('operator-unknown', `there is no operator ${id}`)
      : refused(
          'operator-ended',
          `operator ${id} has ${ended.state === 'cancelled' ? 'been ' : ''}${ended.state} already`,
        )
  }
}

/** Every shard that the operator changes. */
export function shardsOf({ shard, other }: PlannedOperator): readonly ShardId[] {
  return other === undefined ? [shard] : [shard, other.shard]
}

function freshIds(plan: PlannedOperator, map: ShardMap, takeIds: (count: number) => number): number[] {
  const ids: number[] = []
  for (const step of plan.steps) {
    if (step.what !== 'split') continue
    const cuts = 'keys' in step.at ? step.at.keys.length : 1
    const replicas = shardById(map, step.shard)?.replicas.length ?? 0
    const count = cuts * (1 + replicas)
    assert(count > 0, 'a split makes at least one shard')
    const first = takeIds(count)
    for (let i = 0; i < count; i++) ids.push(first + i)
  }
  return ids
}

function reachedAfter(
  { reached, steps }: OperatorRecord,
  place: number,
  epoch: Epoch | undefined,
): readonly ReachedEpoch[] {
  const step = present(steps[place], 'the step that is done').step
  if (epoch === undefined || !('shard' in step)) return reached
  return [...reached.filter(({ shard }) => shard !== step.shard), { shard: step.shard, epoch }]
}

function runningStep(step: OperatorStep | StoreStep, atMs: number): StepRecord {
  return { step, state: 'running', startedMs: atMs, endedMs: undefined }
}

function waitingStep(step: OperatorStep | StoreStep): StepRecord {
  return { step, state: 'waiting', startedMs: undefined, endedMs: undefined }
}

function refused(reason: OperatorRefusal, message: string): OperatorResult {
  return { kind: 'refused', reason, message }
}
