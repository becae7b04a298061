/**
 * Operators in the log and in the saved state of the placement machine, as plain lists that MessagePack carries.
 *
 *   command  [3, [operator, ...], atMs]                        start-operators
 *            [4, id, step, [m, r] or null, atMs]               advance-operator
 *            [5, id, 0 failed or 1 cancelled or 2 finished, reason, [step, ...], atMs]   unwind-operator
 *            [6, scheduler, untilMs or null]                   pause-scheduler
 *   saved    [next id, [record, ...], [[scheduler, untilMs], ...], [[shard, store], ...], [shard, 0 split or 1 merge, atMs, ...]]
 *   record   [id, operator, state, unwinding, [[step, state, startedMs or null, endedMs or null], ...], [[shard, m, r], ...], [fresh id, ...],
 *             createdMs, endedMs or null, error or null]
 *
 * Operators and their steps are in the plain form of `shard-map`; states are their places in the lists below. Records of
 * versions before merges were carried out have [m, r] of the operator's only shard, or null, in the place of the epochs. States of
 * versions that did not note when shards were split or merged end before that; those versions do not look at what comes there.
 */
import {
  type Epoch,
  foreignOperator,
  foreignStep,
  isStoreOperator,
  isUnreadable,
  type OperatorStep,
  operatorFromPlain,
  operatorToPlain,
  SCHEDULERS,
  type SchedulerName,
  shown,
  stepFromPlain,
  stepToPlain,
} from '../../../shard-map/index.ts'
import { isCount, unreachable } from '../../base/index.ts'
import type { SavedOperators } from './operator-book.ts'
import type {
  OperatorCommand,
  OperatorRecord,
  RangeChange,
  ReachedEpoch,
  StepRecord,
  WantedLearner,
} from './operator-types.ts'

const STATES = ['running', 'finished', 'failed', 'cancelled'] as const
const UNWINDING = [undefined, 'failed', 'cancelled'] as const
const STEP_STATES = ['waiting', 'running', 'done', 'failed'] as const
const OUTCOMES = ['failed', 'cancelled', 'finished'] as const
const RANGE_CHANGES = ['split', 'merge'] as const

const REASON_CHARS_MAX = 4096
const OPERATORS_PER_COMMAND_MAX = 1000

export function operatorCommandToPlain(command: OperatorCommand): readonly unknown[] {
  switch (command.kind) {
    case 'start-operators':
      return [3, command.operators.map(operatorToPlain), command.atMs]
    case 'advance-operator':
      return [4, command.id, command.step, epochToPlain(command.reached), command.atMs]
    case 'unwind-operator': {
      const { id, outcome, reason, steps, atMs } = command
      return [5, id, OUTCOMES.indexOf(outcome), reason.slice(0, REASON_CHARS_MAX), steps.map(stepToPlain), atMs]
    }
    case 'pause-scheduler':
      return [6, command.scheduler, command.untilMs ?? null]
    default:
      return unreachable(command)
  }
}

/** What of a command only a newer release knows; undefined where it is nothing of that sort. */
export function foreignOperatorCommand([kind, first, , , steps]: readonly unknown[]): string | undefined {
  switch (kind) {
    case 3:
      return firstForeign(first, OPERATORS_PER_COMMAND_MAX, foreignOperator)
    case 5:
      return firstForeign(steps, OPERATORS_PER_COMMAND_MAX, foreignStep)
    case 6:
      return typeof first === 'string' && !isScheduler(first) ? `scheduler ${shown(first)}` : undefined
    default:
      return undefined
  }
}

/** The same for what a machine has saved. */
export function foreignSavedOperator(plain: unknown): string | undefined {
  const [, records] = Array.isArray(plain) ? (plain as unknown[]) : []
  return firstForeign(records, Number.MAX_SAFE_INTEGER, (record) => {
    const [, operator, , , steps] = Array.isArray(record) ? (record as unknown[]) : []
    // Those of the way back are in the record only.
    const stepOf = (each: unknown): string | undefined => foreignStep(Array.isArray(each) ? each[0] : undefined)
    return foreignOperator(operator) ?? firstForeign(steps, OPERATORS_PER_COMMAND_MAX, stepOf)
  })
}

/** Undefined when it is none. */
export function operatorCommandFromPlain(plain: readonly unknown[]): OperatorCommand | undefined {
  const [kind, first, second, third, fourth, fifth] = plain
  switch (kind) {
    case 3: {
      const operators = readList(first, OPERATORS_PER_COMMAND_MAX, (item) => {
        const operator = operatorFromPlain(item)
        return isUnreadable(operator) ? undefined : operator
      })
      return operators === undefined || !isCount(second)
        ? undefined
        : { kind: 'start-operators', operators, atMs: second }
    }
    case 4: {
      const reached = readEpoch(third)
      if (!isCount(first) || !isCount(second) || reached === 'unreadable' || !isCount(fourth)) return undefined
      return { kind: 'advance-operator', id: first, step: second, reached, atMs: fourth }
    }
    case 5: {
      const outcome = OUTCOMES[second as number]
      const steps = readList(fourth, OPERATORS_PER_COMMAND_MAX, readShardStep)
      if (!isCount(first) || outcome === undefined || !isReason(third) || steps === undefined || !isCount(fifth)) {
        return undefined
      }
      return { kind: 'unwind-operator', id: first, outcome, reason: third, steps, atMs: fifth }
    }
    case 6:
      if (!isScheduler(first) || !(second === null || isCount(second))) return undefined
      return { kind: 'pause-scheduler', scheduler: first, untilMs: second ?? undefined }
    default:
      return undefined
  }
}

export function savedOperatorsToPlain(saved: SavedOperators): readonly unknown[] {
  return [
    saved.nextId,
    saved.operators.map(recordToPlain),
    saved.pauses,
    saved.wantedLearners.map(({ shard, store }) => [shard, store]),
    (saved.rangeChanges ?? []).flatMap(({ shard, kind, atMs }) => [shard, RANGE_CHANGES.indexOf(kind), atMs]),
  ]
}

export function savedOperatorsFromPlain(plain: unknown): SavedOperators | undefined {
  if (!Array.isArray(plain)) return undefined
  const [nextId, recordsPlain, pausesPlain, learnersPlain, changesPlain] = plain as unknown[]
  const operators = readList(recordsPlain, Number.MAX_SAFE_INTEGER, readRecord)
  const pauses = readList(pausesPlain, SCHEDULERS.length, readPause)
  const wantedLearners = readList(learnersPlain, Number.MAX_SAFE_INTEGER, readLearner)
  if (!isCount(nextId) || operators === undefined || pauses === undefined || wantedLearners === undefined) {
    return undefined
  }
  if (operators.some(({ id }) => id >= nextId)) return undefined
  const rangeChanges = changesPlain === undefined ? undefined : readRangeChanges(changesPlain)
  if (changesPlain !== undefined && rangeChanges === undefined) return undefined
  return { nextId, operators, pauses, wantedLearners, rangeChanges }
}

function recordToPlain(record: OperatorRecord): readonly unknown[] {
  return [
    record.id,
    operatorToPlain(record.plan),
    STATES.indexOf(record.state),
    UNWINDING.indexOf(record.unwinding),
    record.steps.map((each) => [
      stepToPlain(each.step),
      STEP_STATES.indexOf(each.state),
      each.startedMs ?? null,
      each.endedMs ?? null,
    ]),
    record.reached.map(({ shard, epoch }) => [shard, epoch.membership, epoch.range]),
    record.freshIds,
    record.createdMs,
    record.endedMs ?? null,
    record.error ?? null,
  ]
}

function readRecord(plain: unknown): OperatorRecord | undefined {
  if (!Array.isArray(plain)) return undefined
  const [id, planPlain, statePlace, unwindingPlace, stepsPlain, reachedPlain, idsPlain, createdMs, endedMs, error] =
    plain as unknown[]
  const planned = operatorFromPlain(planPlain)
  const state = STATES[statePlace as number]
  const isUnwinding = isCount(unwindingPlace) && unwindingPlace < UNWINDING.length
  const steps = readList(stepsPlain, OPERATORS_PER_COMMAND_MAX, readStepRecord)
  const reached = isUnreadable(planned) ? undefined : readReached(reachedPlain, planned)
  const freshIds = readList(idsPlain, OPERATORS_PER_COMMAND_MAX, (item) => (isCount(item) ? item : undefined))
  if (!isCount(id) || isUnreadable(planned) || state === undefined || !isUnwinding || steps === undefined)
    return undefined
  if (reached === undefined || freshIds === undefined || !isCount(createdMs)) return undefined
  if (!isTime(endedMs) || !(error === null || isReason(error))) return undefined
  // Whoever runs it counts on a step that runs.
  if ((state === 'running') !== steps.some((each) => each.state === 'running')) return undefined
  return {
    id,
    plan: planned,
    state,
    unwinding: UNWINDING[unwindingPlace],
    steps,
    reached,
    freshIds,
    createdMs,
    endedMs: endedMs ?? undefined,
    error: error ?? undefined,
  }
}

function readStepRecord(plain: unknown): StepRecord | undefined {
  const [stepPlain, statePlace, startedMs, endedMs] = Array.isArray(plain) ? (plain as unknown[]) : []
  const step = stepFromPlain(stepPlain)
  const state = STEP_STATES[statePlace as number]
  if (isUnreadable(step) || state === undefined || !isTime(startedMs) || !isTime(endedMs)) return undefined
  return { step, state, startedMs: startedMs ?? undefined, endedMs: endedMs ?? undefined }
}

function readShardStep(plain: unknown): OperatorStep | undefined {
  const step = stepFromPlain(plain)
  return isUnreadable(step) || !('shard' in step) ? undefined : step
}

function readPause(plain: unknown): readonly [SchedulerName, number] | undefined {
  const [scheduler, untilMs] = Array.isArray(plain) ? (plain as unknown[]) : []
  return isScheduler(scheduler) && isCount(untilMs) ? [scheduler, untilMs] : undefined
}

function readLearner(plain: unknown): WantedLearner | undefined {
  const [shard, store] = Array.isArray(plain) ? (plain as unknown[]) : []
  return isCount(shard) && typeof store === 'string' ? { shard, store } : undefined
}

function readRangeChanges(plain: unknown): RangeChange[] | undefined {
  if (!Array.isArray(plain) || plain.length % 3 !== 0) return undefined
  const changes: RangeChange[] = []
  for (let place = 0; place < plain.length; place += 3) {
    const [shard, code, atMs] = plain.slice(place, place + 3) as unknown[]
    const kind = RANGE_CHANGES[code as number]
    if (!isCount(shard) || kind === undefined || !isCount(atMs)) return undefined
    changes.push({ shard, kind, atMs })
  }
  return changes
}

function readList<T>(plain: unknown, countMax: number, read: (item: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(plain) || plain.length > countMax) return undefined
  const items: T[] = []
  for (const each of plain) {
    const item = read(each)
    if (item === undefined) return undefined
    items.push(item)
  }
  return items
}

function firstForeign(
  plain: unknown,
  countMax: number,
  look: (item: unknown) => string | undefined,
): string | undefined {
  if (!Array.isArray(plain) || plain.length > countMax) return undefined
  for (const item of plain) {
    const foreign = look(item)
    if (foreign !== undefined) return foreign
  }
  return undefined
}

function epochToPlain(epoch: Epoch | undefined): readonly number[] | null {
  return epoch === undefined ? null : [epoch.membership, epoch.range]
}

function readEpoch(plain: unknown): Epoch | undefined | 'unreadable' {
  if (plain === null) return undefined
  const [membership, range] = Array.isArray(plain) ? (plain as unknown[]) : []
  return isCount(membership) && isCount(range) ? { membership, range } : 'unreadable'
}

function readReached(plain: unknown, planned: OperatorRecord['plan']): ReachedEpoch[] | undefined {
  if (plain === null || (Array.isArray(plain) && isCount(plain[0]))) {
    const epoch = readEpoch(plain)
    if (epoch === 'unreadable') return undefined
    return epoch === undefined || isStoreOperator(planned) ? [] : [{ shard: planned.shard, epoch }]
  }
  return readList(plain, OPERATORS_PER_COMMAND_MAX, (item): ReachedEpoch | undefined => {
    const [shard, ...rest] = Array.isArray(item) ? (item as unknown[]) : []
    const epoch = readEpoch(rest)
    return isCount(shard) && epoch !== undefined && epoch !== 'unreadable' ? { shard, epoch } : undefined
  })
}

function isScheduler(value: unknown): value is SchedulerName {
  return SCHEDULERS.some((name) => name === value)
}

function isTime(value: unknown): value is number | null {
  return value === null || isCount(value)
}

function isReason(value: unknown): value is string {
  return typeof value === 'string' && value.length <= REASON_CHARS_MAX
}
