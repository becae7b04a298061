import {
  type MapChange,
  type PlacementIndex,
  type PlannedOperator,
  planByHand,
  planRecommission,
  planStoreOperator,
  planUpkeep,
  SCHEDULERS,
  type SchedulerName,
  type ShardMap,
  type StoreId,
  type StoreOperator,
  storeById,
} from '../../shard-map/index.ts'
import { unreachable } from '../base/index.ts'
import type { OperatorRecord, PlacementMachine } from '../machine/index.ts'
import { type ErrorValue, errorValue, type OperateAnswer, type OperateRequest, timeout } from '../protocol/index.ts'
import { type ConfigureContext, configure, historyDocument, settingsDocument } from './configure.ts'
import { decisionDocument, operatorDocument, previewDocument, settledDocument, timeText } from './documents.ts'
import type { OperatorExecutor } from './executor.ts'
import { heatMapDocument, hotDocument } from './heat-documents.ts'
import type { HeatHistory } from './heat-history.ts'
import type { Liveness } from './liveness.ts'
import { planRefused } from './refusals.ts'
import type { Scheduling } from './scheduling.ts'

/**
 * Answers what people ask of the placement driver: operators by hand, stores that come and go, schedulers, explanations, settings. A dry run plans with
 * the very functions of the real one and stops there. The service has made sure that this store leads group 1.
 */
export interface OperateContext extends ConfigureContext {
  readonly machine: PlacementMachine
  readonly index: PlacementIndex
  readonly liveness: Liveness
  readonly scheduling: Scheduling
  readonly executor: OperatorExecutor
  readonly heat: HeatHistory
  /** Whether the store is heard. */
  readonly lives: (store: StoreId) => boolean
  /** Voters that each shard should have. */
  readonly replicas: number
  readonly paused: ReadonlySet<SchedulerName>
}

type Answer = (answer: OperateAnswer) => void

export function operate(request: OperateRequest, context: OperateContext, answer: Answer): void {
  switch (request.what) {
    case 'start': {
      const plan = planByHand(context.index, request.request)
      const { kind, shard } = request.request
      // Whoever asks again after an answer that got lost has what they wanted.
      if (!plan.ok && plan.code === 'nothing-to-do' && kind === 'transfer-leader')
        answer(shown(settledDocument(kind, shard, plan.message, context.wallMs)))
      else if (!plan.ok) answer(refused(planRefused(plan, request.request.shard)))
      else if (request.dryRun) answer(shown(previewDocument(plan.operator, context.wallMs)))
      else start(context, plan.operator, answer)
      return
    }
    case 'list-operators':
      answer(shown({ operators: allOperators(context).map((operator) => documentOf(context, operator)) }))
      return
    case 'show-operator':
      withOperator(context, request.operator, answer, (operator) => answer(shown(documentOf(context, operator))))
      return
    case 'cancel-operator':
      withOperator(context, request.operator, answer, (operator) => cancel(context, operator, answer))
      return
    case 'drain':
    case 'decommission':
      leave(context, request, answer)
      return
    case 'recommission':
      recommission(context, request.store, request.dryRun, answer)
      return
    case 'register-store': {
      const { store: id, address, labels } = request
      const store = { id, address, labels, incarnation: '', version: '', state: 'registered' } as const
      change(context, { kind: 'register-store', store }, answer)
      return
    }
    case 'forget-store':
      withStore(context, request.store, answer, () =>
        change(context, { kind: 'forget-store', store: request.store }, answer),
      )
      return
    case 'label-store': {
      const { store, labels } = request
      withStore(context, store, answer, () => change(context, { kind: 'label-store', store, labels }, answer))
      return
    }
    case 'snapshot':
    case 'compact':
      upkeep(context, request, answer)
      return
    case 'rebalance':
      rebalance(context, request.dryRun, answer)
      return
    case 'list-schedulers':
      answer(shown({ schedulers: SCHEDULERS.map((name) => schedulerDocument(context, name)) }))
      return
    case 'pause-scheduler':
      pause(context, request.scheduler, request.seconds, answer)
      return
    case 'explain-shard':
      explain(context, { shard: request.shard }, answer)
      return
    case 'explain-store':
      explain(context, { store: request.store }, answer)
      return
    case 'hot':
      answer(shown(hotDocument(context.liveness)))
      return
    case 'heat-map':
      answer(shown(heatMapDocument(context.heat.map(context.wallMs))))
      return
    case 'show-settings':
      answer(shown(settingsDocument(context)))
      return
    case 'settings-history':
      answer(shown(historyDocument(context)))
      return
    case 'configure':
      configure(context, request, (document, error) =>
        answer(error === undefined ? shown(document ?? {}) : refused(error)),
      )
      return
    default:
      unreachable(request)
  }
}

function start(context: OperateContext, operator: PlannedOperator | StoreOperator, answer: Answer): void {
  const command = { kind: 'start-operators', operators: [operator], atMs: context.wallMs } as const
  context.propose(command, (result) => {
    if (result?.kind !== 'operators-started') {
      answer(refused(unanswered('the operator may have been started')))
      return
    }
    const [started] = result.started
    if (started?.ok !== true) {
      answer(refused(errorValue('OPERATOR_CONFLICT', started?.message ?? 'nothing was started')))
      return
    }
    answer(shown(operatorDocument(started.operator, undefined)))
    context.executor.begin([started.operator])
  })
}

function cancel(context: OperateContext, operator: OperatorRecord, answer: Answer): void {
  const { id, plan, state, unwinding } = operator
  if (state !== 'running') {
    const how = state === 'cancelled' ? 'been cancelled' : state
    answer(
      refused(
        errorValue('OPERATOR_CONFLICT', `operator ${id} has ${how} already`, { hint: 'nothing is left to cancel' }),
      ),
    )
    return
  }
  if (unwinding !== undefined) {
    answer(refused(errorValue('OPERATOR_CONFLICT', `operator ${id} takes back what it did already`)))
    return
  }
  const unwind = (): void => {
    context.executor.unwind(operator, 'cancelled', 'somebody cancelled it', (result) => {
      if (result?.kind === 'operator') answer(shown(operatorDocument(result.operator, undefined)))
      else if (result?.kind === 'refused') answer(refused(errorValue('OPERATOR_CONFLICT', result.message)))
      else answer(refused(unanswered('the operator may have been cancelled')))
    })
  }
  if (!('store' in plan)) {
    unwind()
    return
  }
  const back = { kind: 'set-store-state', store: plan.store, state: 'up' } as const
  context.propose({ kind: 'change', change: back }, (result) => {
    if (result?.kind === 'applied') unwind()
    else answer(refused(unanswered(`store ${plan.store} may have been taken back`)))
  })
}

/** A store that is to leave: first an operator that people can follow, then the state that the drain scheduler goes by. */
function leave(
  context: OperateContext,
  { what: kind, store, dryRun }: OperateRequest & { readonly what: 'drain' | 'decommission' },
  answer: Answer,
): void {
  const { map } = context.machine
  const plan = planStoreOperator(map, kind, store, context.replicas)
  if (!plan.ok) {
    answer(refused(planRefused(plan)))
    return
  }
  if (dryRun) {
    answer(shown(previewDocument(plan.operator, context.wallMs)))
    return
  }
  const state = kind === 'drain' ? 'draining' : 'decommissioning'
  const begin = (): void => {
    context.propose({ kind: 'change', change: { kind: 'set-store-state', store, state } }, (result) => {
      if (result?.kind === 'applied') start(context, plan.operator, answer)
      else if (result?.kind === 'refused') answer(refused(storeConflict(store, result.message)))
      else answer(refused(unanswered(`store ${store} may be ${state} now`)))
    })
  }
  const running = storeOperator(context, store)
  if (running === undefined) begin()
  // A drain that goes on to be a decommission.
  else context.executor.unwind(running, 'cancelled', `store ${store} is to leave for good`, begin)
}

function recommission(context: OperateContext, store: StoreId, dryRun: boolean, answer: Answer): void {
  const plan = planRecommission(context.machine.map, store)
  if (!plan.ok) {
    answer(refused(planRefused(plan)))
    return
  }
  if (dryRun) {
    answer(shown(previewDocument(plan.operator, context.wallMs)))
    return
  }
  const running = storeOperator(context, store)
  const begin = (): void => start(context, plan.operator, answer)
  if (running === undefined) begin()
  else context.executor.unwind(running, 'cancelled', `store ${store} is to stay`, begin)
}

function upkeep(
  context: OperateContext,
  { what: kind, shard, dryRun }: OperateRequest & { readonly what: 'snapshot' | 'compact' },
  answer: Answer,
): void {
  const { machine, lives, wallMs } = context
  const plan = planUpkeep(machine.map, kind, shard, lives)
  if (!plan.ok) answer(refused(planRefused(plan, shard)))
  else if (dryRun) answer(shown(previewDocument(plan.operator, wallMs)))
  else start(context, plan.operator, answer)
}

function rebalance(context: OperateContext, dryRun: boolean, answer: Answer): void {
  const { scheduling, index, wallMs, paused } = context
  if (dryRun) {
    const operators = scheduling.preview(index, wallMs, paused)
    answer(shown({ operators: operators.map((operator) => previewDocument(operator, wallMs)) }))
    return
  }
  const operators = scheduling.run(index, wallMs, paused)
  if (operators.length === 0) {
    answer(shown({ operators: [] }))
    return
  }
  context.propose({ kind: 'start-operators', operators, atMs: wallMs }, (result) => {
    if (result?.kind !== 'operators-started') {
      answer(refused(unanswered('operators may have been started')))
      return
    }
    const started = result.started.flatMap((each) => (each.ok ? [each.operator] : []))
    answer(shown({ operators: started.map((operator) => operatorDocument(operator, undefined)) }))
    context.executor.begin(started)
  })
}

function pause(context: OperateContext, scheduler: SchedulerName, seconds: number | undefined, answer: Answer): void {
  const untilMs = seconds === undefined ? undefined : context.wallMs + seconds * 1000
  context.propose({ kind: 'pause-scheduler', scheduler, untilMs }, (result) => {
    if (result?.kind === 'scheduler-paused') answer(shown(schedulerDocument(context, scheduler)))
    else answer(refused(unanswered(`scheduler ${scheduler} may have been changed`)))
  })
}

function schedulerDocument({ machine, scheduling, wallMs }: OperateContext, name: SchedulerName): object {
  const untilMs = machine.operators.pauses.get(name) ?? 0
  const isPaused = untilMs > wallMs
  const lastMs = scheduling.lastRunMs(name)
  return {
    name,
    paused: isPaused,
    pausedUntil: isPaused ? timeText(untilMs) : null,
    lastRunAt: lastMs === undefined ? null : timeText(lastMs),
  }
}

function explain(
  context: OperateContext,
  subject: { readonly shard: number } | { readonly store: StoreId },
  answer: Answer,
): void {
  const { scheduling, index, wallMs, paused } = context
  if ('shard' in subject) {
    const decisions = scheduling.explainShard(index, subject.shard, wallMs, paused)
    if (decisions === undefined) {
      answer(
        refused(errorValue('SHARD_NOT_FOUND', `there is no shard ${subject.shard}`, { hint: 'flotilla shard ls' })),
      )
    } else answer(shown({ subject, decisions: decisions.map(decisionDocument) }))
    return
  }
  const decisions = scheduling.explainStore(index, subject.store, wallMs, paused)
  if (decisions === undefined) answer(refused(storeUnknown(subject.store)))
  else answer(shown({ subject, decisions: decisions.map(decisionDocument) }))
}

function change(context: OperateContext, mapChange: MapChange & { readonly store: unknown }, answer: Answer): void {
  const { store } = mapChange
  const id = typeof store === 'string' ? store : (store as { readonly id: StoreId }).id
  context.propose({ kind: 'change', change: mapChange }, (result) => {
    if (result?.kind === 'applied') answer(shown({ store: id }))
    else if (result?.kind === 'refused') answer(refused(storeConflict(id, result.message)))
    else answer(refused(unanswered('it may have been done')))
  })
}

function allOperators({ machine }: OperateContext): OperatorRecord[] {
  const { running, ended } = machine.operators
  return [...running.values(), ...ended.values()].sort((a, b) => b.id - a.id)
}

function documentOf({ executor }: OperateContext, operator: OperatorRecord): object {
  return operatorDocument(operator, operator.state === 'running' ? executor.hindrance(operator.id) : undefined)
}

function withOperator(
  { machine }: OperateContext,
  text: string,
  answer: Answer,
  use: (operator: OperatorRecord) => void,
): void {
  const id = /^[0-9]{1,15}$/.test(text) ? Number(text) : -1
  const operator = machine.operators.running.get(id) ?? machine.operators.ended.get(id)
  if (operator !== undefined) use(operator)
  else {
    const hint = 'flotilla operator ls lists those that run and the last that ended'
    answer(refused(errorValue('OPERATOR_NOT_FOUND', `there is no operator ${text.slice(0, 40)}`, { hint })))
  }
}

function withStore(
  { machine }: OperateContext,
  id: StoreId,
  answer: Answer,
  use: (info: ShardMap['stores'][number]) => void,
): void {
  const info = storeById(machine.map, id)
  if (info === undefined) answer(refused(storeUnknown(id)))
  else use(info)
}

function storeOperator({ machine }: OperateContext, store: StoreId): OperatorRecord | undefined {
  return [...machine.operators.running.values()].find(({ plan }) => 'store' in plan && plan.store === store)
}

function storeUnknown(id: StoreId): ErrorValue {
  return errorValue('STORE_NOT_FOUND', `there is no store ${id}`, { hint: 'flotilla store ls' })
}

/** The store is not in the state that this needs. */
function storeConflict(id: StoreId, message: string): ErrorValue {
  return errorValue('OPERATOR_CONFLICT', message, { hint: `flotilla store show ${id}` })
}

function unanswered(what: string): ErrorValue {
  return timeout(`the placement driver lost its leader meanwhile: ${what}`, 'unknown')
}

function shown(document: object): OperateAnswer {
  return { ok: true, document }
}

function refused(error: ErrorValue): OperateAnswer {
  return { ok: false, error }
}
