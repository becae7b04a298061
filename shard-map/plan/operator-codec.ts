/**
 * Operators as plain lists, as the log of the placement driver and its saved state hold them. Reading validates everything and never throws.
 *
 *   operator  [kind, shard, m, r, other or null, scheduler, reason, [name, number, ...], [step, ...], bytesToSend, [influence, ...]]
 *   other     [shard, m, r]        influence  [shard, leader or null, [store, ...]]
 *   of a store [kind, store, reason, [step, ...]]   upkeep [kind, group or null, reason, [step, ...]]
 *   step      [what, shard, ...]: add-learner store, replica or null   wait-caught-up store   enter-joint [store, ...], [store, ...]
 *             leave-joint   remove-learner store   transfer-leader store   split [key, ...] or policy   prepare-merge, commit-merge, rollback-merge shard
 *             give-leaders, give-replicas, retire, take-back, flush-store: [what, store]   compact-log: [what, store, group]
 *
 * Kinds, steps and schedulers are their places in the lists below, which may only grow. A place beyond their ends is of a newer release, and no damage: this
 * one cannot tell what it would do to the state, so `foreignOperator` names it, and whoever holds it waits for the newer release. Hence a release that brings
 * a new kind reads it first; what starts operators of that kind comes with the release after it.
 */
import { isUnreadable, type Plain, type Unreadable } from '../codec.ts'
import { shown } from '../shown.ts'
import type { Epoch } from '../types.ts'
import type { Influence, OperatorKind, OperatorStep, PlannedOperator } from './operator.ts'
import { isStoreOperator, type StoreOperator, type StoreOperatorKind, type StoreStep } from './store-operator.ts'
import type { UpkeepStep } from './upkeep.ts'

const KINDS = [
  'move',
  'add-replica',
  'remove-replica',
  'remove-learner',
  'promote-learner',
  'leave-joint',
  'transfer-leader',
  'split',
  'merge',
  'drain',
  'decommission',
  'snapshot',
  'compact',
  'recommission',
] as const satisfies readonly (OperatorKind | StoreOperatorKind)[]

const WHATS = [
  'add-learner',
  'wait-caught-up',
  'enter-joint',
  'leave-joint',
  'remove-learner',
  'transfer-leader',
  'split',
  'prepare-merge',
  'commit-merge',
  'give-leaders',
  'give-replicas',
  'retire',
  'rollback-merge',
  'flush-store',
  'compact-log',
  'take-back',
] as const satisfies readonly (OperatorStep | StoreStep)['what'][]

const OWNERS = [
  'by-hand',
  'repair',
  'isolation',
  'drain',
  'split',
  'merge',
  'balance-load',
  'balance-replicas',
  'balance-leaders',
] as const satisfies readonly PlannedOperator['scheduler'][]

/** Far above what any planner makes; what is longer is damage. */
const LIST_MAX = 256
const TEXT_MAX = 4096

export function operatorToPlain(operator: PlannedOperator | StoreOperator): Plain {
  const kind = KINDS.indexOf(operator.kind)
  const steps = operator.steps.map(stepToPlain)
  if (isStoreOperator(operator)) {
    const subject = 'store' in operator ? operator.store : (operator.group ?? null)
    return [kind, subject, operator.reason, steps]
  }
  const { shard, epoch, other, scheduler, reason, numbers, bytesToSend, influence } = operator
  return [
    kind,
    shard,
    epoch.membership,
    epoch.range,
    other === undefined ? null : [other.shard, other.epoch.membership, other.epoch.range],
    OWNERS.indexOf(scheduler),
    reason,
    Object.entries(numbers).flat(),
    steps,
    bytesToSend,
    influence.map((each): Plain => [each.shard, each.leader ?? null, each.replicas]),
  ]
}

export function stepToPlain(step: OperatorStep | StoreStep): Plain {
  const what = WHATS.indexOf(step.what)
  switch (step.what) {
    case 'add-learner':
      return [what, step.shard, step.store, step.replicaId ?? null]
    case 'wait-caught-up':
    case 'remove-learner':
      return [what, step.shard, step.store]
    case 'enter-joint':
      return [what, step.shard, step.promote, step.demote]
    case 'leave-joint':
      return [what, step.shard]
    case 'transfer-leader':
      return [what, step.shard, step.to]
    case 'split':
      return [what, step.shard, 'keys' in step.at ? step.at.keys : step.at.policy]
    case 'prepare-merge':
    case 'commit-merge':
    case 'rollback-merge':
      return [what, step.shard, step.into]
    case 'give-leaders':
    case 'give-replicas':
    case 'retire':
    case 'take-back':
    case 'flush-store':
      return [what, step.store]
    case 'compact-log':
      return [what, step.store, step.group]
  }
}

/** What of an operator only a newer release knows; undefined where it is nothing of that sort, whether it can be read or not. */
export function foreignOperator(plain: unknown): string | undefined {
  if (!Array.isArray(plain)) return undefined
  const [kind, subject] = plain as unknown[]
  if (isBeyond(kind, KINDS)) return `operator kind ${kind}`
  const isOfStore = kind === KINDS.indexOf('snapshot') || kind === KINDS.indexOf('compact') || isText(subject)
  const [owner, steps] = isOfStore ? [0, plain[3] as unknown] : [plain[5] as unknown, plain[8] as unknown]
  if (isBeyond(owner, OWNERS)) return `scheduler ${owner}`
  if (!Array.isArray(steps) || steps.length > LIST_MAX) return undefined
  return firstOf(steps, foreignStep)
}

/** The same for one step. */
export function foreignStep(plain: unknown): string | undefined {
  const [what] = Array.isArray(plain) ? (plain as unknown[]) : []
  return isBeyond(what, WHATS) ? `operator step ${what}` : undefined
}

export function operatorFromPlain(plain: unknown): PlannedOperator | StoreOperator | Unreadable {
  if (!Array.isArray(plain)) return unreadable('an operator is a list')
  const kind = KINDS[plain[0] as number]
  if (kind === undefined) return unreadable(`no operator of kind ${shown(plain[0])}`)
  switch (kind) {
    case 'drain':
    case 'decommission':
    case 'recommission':
    case 'snapshot':
    case 'compact':
      return storeOperatorFromPlain(kind, plain)
    default:
      return plannedFromPlain(kind, plain)
  }
}

function plannedFromPlain(kind: OperatorKind, plain: readonly unknown[]): PlannedOperator | Unreadable {
  const [, shard, membership, range, otherPlain, owner, reason, numbersPlain, stepsPlain, bytesToSend, influences] =
    plain
  const epoch = readEpoch(membership, range)
  const scheduler = OWNERS[owner as number]
  if (!isCount(shard) || epoch === undefined || scheduler === undefined || !isText(reason) || !isAmount(bytesToSend)) {
    return unreadable('an operator with wrong fields')
  }
  const numbers = readNumbers(numbersPlain)
  const steps = readAll(stepsPlain, shardStepFromPlain)
  const influence = readAll(influences, influenceFromPlain)
  if (numbers === undefined || steps === undefined || influence === undefined) {
    return unreadable('an operator with wrong numbers, steps or influence')
  }
  const operator = { kind, shard, epoch, scheduler, reason, numbers, steps, bytesToSend, influence }
  if (otherPlain === null) return operator
  const other = readOther(otherPlain)
  return other === undefined ? unreadable('an operator with a wrong second shard') : { ...operator, other }
}

function storeOperatorFromPlain(kind: StoreOperatorKind, plain: readonly unknown[]): StoreOperator | Unreadable {
  const [, subject, reason, stepsPlain] = plain
  const steps = readAll(stepsPlain, storeStepFromPlain)
  if (!isText(reason) || steps === undefined) return unreadable('an operator of a store with wrong fields')
  if (kind !== 'snapshot' && kind !== 'compact') {
    return isText(subject) ? { kind, store: subject, reason, steps } : unreadable('an operator of no store')
  }
  const upkeep = steps.filter(isUpkeepStep)
  if (upkeep.length < steps.length || !(subject === null || isCount(subject))) {
    return unreadable('upkeep with wrong fields')
  }
  return { kind, group: subject ?? undefined, reason, steps: upkeep }
}

export function shardStepFromPlain(plain: unknown): OperatorStep | Unreadable {
  const step = stepFromPlain(plain)
  if (isUnreadable(step)) return step
  return 'shard' in step ? step : unreadable('a step of a store in an operator of a shard')
}

function isUpkeepStep(step: StoreStep): step is UpkeepStep {
  return step.what === 'flush-store' || step.what === 'compact-log'
}

function storeStepFromPlain(plain: unknown): StoreStep | Unreadable {
  const step = stepFromPlain(plain)
  if (isUnreadable(step)) return step
  return 'shard' in step ? unreadable('a step of a shard in an operator of a store') : step
}

export function stepFromPlain(plain: unknown): OperatorStep | StoreStep | Unreadable {
  if (!Array.isArray(plain)) return unreadable('a step is a list')
  const what = WHATS[plain[0] as number]
  if (what === undefined) return unreadable(`no step ${shown(plain[0])}`)
  const [, subject, first, second] = plain as unknown[]
  return readAnyStep(what, subject, first, second) ?? unreadable(`a ${what} with wrong fields`)
}

function readAnyStep(
  what: (typeof WHATS)[number],
  subject: unknown,
  first: unknown,
  second: unknown,
): OperatorStep | StoreStep | undefined {
  switch (what) {
    case 'give-leaders':
    case 'give-replicas':
    case 'retire':
    case 'take-back':
    case 'flush-store':
      return isText(subject) ? { what, store: subject } : undefined
    case 'compact-log':
      return isText(subject) && isCount(first) ? { what, store: subject, group: first } : undefined
    default:
      return isCount(subject) ? readStep(what, subject, first, second) : undefined
  }
}

function readStep(
  what: OperatorStep['what'],
  shard: number,
  first: unknown,
  second: unknown,
): OperatorStep | undefined {
  switch (what) {
    case 'add-learner':
      if (!isText(first)) return undefined
      if (second === null) return { what, shard, store: first }
      return isCount(second) ? { what, shard, store: first, replicaId: second } : undefined
    case 'wait-caught-up':
    case 'remove-learner':
      return isText(first) ? { what, shard, store: first } : undefined
    case 'enter-joint':
      return isTexts(first) && isTexts(second) ? { what, shard, promote: first, demote: second } : undefined
    case 'leave-joint':
      return { what, shard }
    case 'transfer-leader':
      return isText(first) ? { what, shard, to: first } : undefined
    case 'split':
      if (first === 'size' || first === 'load') return { what, shard, at: { policy: first } }
      return isTexts(first) && first.length > 0 ? { what, shard, at: { keys: first } } : undefined
    case 'prepare-merge':
    case 'commit-merge':
    case 'rollback-merge':
      return isCount(first) ? { what, shard, into: first } : undefined
  }
}

function influenceFromPlain(plain: unknown): Influence | Unreadable {
  const [shard, leader, replicas] = Array.isArray(plain) ? (plain as unknown[]) : []
  if (!isCount(shard) || !isTexts(replicas) || !(leader === null || isText(leader))) {
    return unreadable('an influence with wrong fields')
  }
  return { shard, leader: leader ?? undefined, replicas }
}

function readOther(plain: unknown): { readonly shard: number; readonly epoch: Epoch } | undefined {
  const [shard, membership, range] = Array.isArray(plain) ? (plain as unknown[]) : []
  const epoch = readEpoch(membership, range)
  return isCount(shard) && epoch !== undefined ? { shard, epoch } : undefined
}

function readEpoch(membership: unknown, range: unknown): Epoch | undefined {
  return isCount(membership) && isCount(range) ? { membership, range } : undefined
}

function readNumbers(plain: unknown): Record<string, number> | undefined {
  if (!Array.isArray(plain) || plain.length > LIST_MAX || plain.length % 2 !== 0) return undefined
  const numbers: [string, number][] = []
  for (let i = 0; i < plain.length; i += 2) {
    const [name, value] = [plain[i] as unknown, plain[i + 1] as unknown]
    if (!isText(name) || typeof value !== 'number') return undefined
    numbers.push([name, value])
  }
  return Object.fromEntries(numbers)
}

function readAll<T extends object>(plain: unknown, read: (item: unknown) => T | Unreadable): T[] | undefined {
  if (!Array.isArray(plain) || plain.length > LIST_MAX) return undefined
  const items: T[] = []
  for (const each of plain) {
    const item = read(each)
    if (isUnreadable(item)) return undefined
    items.push(item)
  }
  return items
}

function isBeyond(place: unknown, list: readonly unknown[]): place is number {
  return isCount(place) && place >= list.length
}

function firstOf<T>(items: readonly unknown[], find: (item: unknown) => T | undefined): T | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_MAX
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= LIST_MAX && value.every(isText)
}

function unreadable(reason: string): Unreadable {
  return { unreadable: reason }
}
