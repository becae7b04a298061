import {
  type HandRequest,
  isStoreOperator,
  type OperatorStep,
  type PlannedOperator,
  type ShardId,
  type StoreOperator,
  type StoreStep,
  stepToText,
  storeStepToText,
} from '../../shard-map/index.ts'
import type { OperatorRecord, StepRecord } from '../machine/index.ts'
import type { DatedDecision } from './scheduling.ts'

/** What people are shown of operators and decisions: the shapes of the public contract. Pure. */

/** As a dry run shows it: what the operator would be. */
export function previewDocument(plan: PlannedOperator | StoreOperator, atMs: number): object {
  return {
    id: null,
    ...planDocument(plan),
    state: 'running',
    steps: plan.steps.map((step) => ({ what: textOf(step), state: 'waiting' })),
    createdAt: timeText(atMs),
    endedAt: null,
    error: null,
  }
}

/** What was asked for is so already: it needed no operator. */
export function settledDocument(kind: HandRequest['kind'], shard: ShardId, reason: string, atMs: number): object {
  const at = timeText(atMs)
  const scheduler = 'by-hand'
  return {
    id: null,
    kind,
    shard,
    reason,
    scheduler,
    state: 'finished',
    steps: [],
    createdAt: at,
    endedAt: at,
    error: null,
  }
}

/** `hindrance`: why the present step is not done yet. */
export function operatorDocument(operator: OperatorRecord, hindrance: string | undefined): object {
  const { id, plan, state, steps, createdMs, endedMs, error, unwinding } = operator
  return {
    id: String(id),
    ...planDocument(plan),
    state,
    steps: steps.map(stepDocument),
    createdAt: timeText(createdMs),
    endedAt: endedMs === undefined ? null : timeText(endedMs),
    error: error ?? null,
    ...(unwinding === undefined || state !== 'running' ? {} : { endsAs: unwinding }),
    ...(hindrance === undefined ? {} : { waitsFor: hindrance }),
  }
}

/** Operators about stores change no single shard: it is 0, unless upkeep was asked for one. */
function planDocument(plan: PlannedOperator | StoreOperator): object {
  if (isStoreOperator(plan) && 'group' in plan) {
    return { kind: plan.kind, shard: plan.group ?? 0, reason: plan.reason, scheduler: 'by-hand' }
  }
  if (isStoreOperator(plan)) {
    return { kind: plan.kind, shard: 0, store: plan.store, reason: plan.reason, scheduler: 'by-hand' }
  }
  const { kind, shard, other, reason, scheduler, numbers } = plan
  return { kind, shard, ...(other === undefined ? {} : { with: other.shard }), reason, scheduler, numbers }
}

/** What events about an operator name beside it. */
export function operatorSubject(plan: PlannedOperator | StoreOperator): {
  readonly group?: ShardId
  readonly peer?: string
} {
  if ('shard' in plan) return { group: plan.shard }
  if ('store' in plan) return { peer: plan.store }
  return plan.group === undefined ? {} : { group: plan.group }
}

function stepDocument({ step, state, startedMs, endedMs }: StepRecord): object {
  return {
    what: textOf(step),
    state,
    ...(startedMs === undefined ? {} : { startedAt: timeText(startedMs) }),
    ...(endedMs === undefined ? {} : { endedAt: timeText(endedMs) }),
  }
}

function textOf(step: OperatorStep | StoreStep): string {
  return 'shard' in step ? stepToText(step) : storeStepToText(step)
}

export function decisionDocument({ scheduler, shard, store, action, reason, numbers, atMs }: DatedDecision): object {
  return {
    ts: timeText(atMs),
    scheduler,
    ...(shard === undefined ? {} : { shard }),
    ...(store === undefined ? {} : { store }),
    action,
    reason,
    numbers,
  }
}

const TIME_MS_MAX = 8.64e15

export function timeText(wallMs: number): string {
  return new Date(Math.min(wallMs, TIME_MS_MAX)).toISOString()
}
