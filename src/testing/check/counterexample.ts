/**
 * Makes a history of one key that no order explains as small as it can be while still proving the same, and draws it. Called once a
 * search has failed; never decides anything itself.
 *
 * Only cuts that keep the proof are made:
 * - The end: at the earliest return with which no order is left. What was still running then is open.
 * - Operations that changed nothing: an order of all would, without them, be an order of the rest.
 * - The beginning: everything that had ended before a write began, when nothing else ran beside that write. The write becomes the state before.
 */
import type { Operation } from './history.ts'
import { describeDeed } from './operation-text.ts'
import { EMPTY_REGISTER, type RegisterState } from './register.ts'
import { type SearchBudget, searchOrder } from './register-search.ts'
import { type Verdict, violation } from './verdict.ts'

/** Searches made to cut one counterexample. */
const CUTS_MAX = 400
const TIMELINE_WIDTH = 44
const ROWS_MAX = 40

interface Window {
  readonly before: RegisterState
  readonly operations: readonly Operation[]
}

/** A violation of many lines, and when it happened. `operations` are those of one key that `searchOrder` found impossible. */
export function counterexample(key: string, operations: readonly Operation[], budget: SearchBudget): Verdict {
  const ended = cutEnd(operations, budget)
  const needed = dropReads(ended.operations, ended.last, budget)
  const window = cutBeginning(needed, budget)
  const known = window.operations.filter(({ outcome }) => outcome.kind !== 'unknown')
  const fromMs = Math.min(...known.map(({ calledMs }) => calledMs))
  const toMs = ended.last?.returnedMs ?? Math.max(...known.map(({ returnedMs }) => returnedMs))
  return violation(draw(key, operations.length, window, ended.last, budget), { key, fromMs, toMs })
}

function isImpossible(window: Window, budget: SearchBudget): boolean {
  return searchOrder(window.operations, budget, window.before).kind === 'impossible'
}

function whole(operations: readonly Operation[]): Window {
  return { before: EMPTY_REGISTER, operations }
}

/** The history as it was known at `endMs`: what had not returned is open, and a read that had not returned is not there. */
function knownAt(operations: readonly Operation[], endMs: number): readonly Operation[] {
  return operations.flatMap((operation): readonly Operation[] => {
    if (operation.calledMs > endMs) return []
    if (operation.outcome.kind === 'unknown' || operation.returnedMs <= endMs) return [operation]
    return operation.action.kind === 'get' ? [] : [{ ...operation, outcome: { kind: 'unknown' } }]
  })
}

function cutEnd(
  operations: readonly Operation[],
  budget: SearchBudget,
): { readonly operations: readonly Operation[]; readonly last: Operation | undefined } {
  const returns = operations
    .filter(({ outcome }) => outcome.kind !== 'unknown')
    .sort((a, b) => a.returnedMs - b.returnedMs)
  let low = 0
  let high = returns.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    const endMs = returns[middle]?.returnedMs ?? 0
    if (isImpossible(whole(knownAt(operations, endMs)), budget)) high = middle
    else low = middle + 1
  }
  const last = returns[low]
  return { operations: last === undefined ? operations : knownAt(operations, last.returnedMs), last }
}

function changesNothing({ action, outcome }: Operation): boolean {
  if (action.kind === 'get' || outcome.kind === 'refused') return true
  return outcome.kind === 'deleted' && !outcome.existed
}

/** Takes out operations that changed nothing, in runs that get shorter, as long as the rest is still impossible. */
function dropReads(
  operations: readonly Operation[],
  last: Operation | undefined,
  budget: SearchBudget,
): readonly Operation[] {
  let kept = operations
  let cuts = 0
  for (let run = operations.length; run >= 1; run = run >> 1) {
    const droppable = kept.filter((operation) => changesNothing(operation) && operation !== last)
    for (let from = 0; from < droppable.length && cuts < CUTS_MAX; from += run) {
      const dropped = new Set(droppable.slice(from, from + run))
      const rest = kept.filter((operation) => !dropped.has(operation))
      cuts++
      if (isImpossible(whole(rest), budget)) kept = rest
    }
  }
  // An unknown write that nothing needs any more would only take up a line.
  for (const operation of kept) {
    if (operation.outcome.kind !== 'unknown' || cuts >= CUTS_MAX) continue
    const rest = kept.filter((other) => other !== operation)
    const isRead = kept.some(
      ({ outcome }) =>
        outcome.kind === 'read' && operation.action.kind === 'put' && outcome.found?.value === operation.action.value,
    )
    cuts++
    if (!isRead && isImpossible(whole(rest), budget)) kept = rest
  }
  return kept
}

function cutBeginning(operations: readonly Operation[], budget: SearchBudget): Window {
  const writes = operations
    .filter(({ outcome }) => outcome.kind === 'written' || (outcome.kind === 'deleted' && outcome.existed))
    .sort((a, b) => b.calledMs - a.calledMs)
  for (const write of writes.slice(0, CUTS_MAX)) {
    if (write.batch !== undefined) continue
    const others = operations.filter((other) => other !== write)
    const isAlone = others.every(
      ({ outcome, calledMs, returnedMs }) =>
        outcome.kind === 'unknown' || returnedMs < write.calledMs || calledMs > write.returnedMs,
    )
    if (!isAlone) continue
    const rest = others.filter(({ outcome, returnedMs }) => outcome.kind === 'unknown' || returnedMs > write.returnedMs)
    const window = { before: stateAfter(write), operations: rest }
    if (isImpossible(window, budget)) return window
  }
  return whole(operations)
}

function stateAfter({ action, outcome }: Operation): RegisterState {
  const revision = outcome.kind === 'written' || outcome.kind === 'deleted' ? outcome.revision : undefined
  return action.kind === 'put'
    ? { value: action.value, revision, highest: revision ?? 0 }
    : { value: undefined, revision: undefined, highest: revision ?? 0 }
}

function draw(key: string, total: number, window: Window, last: Operation | undefined, budget: SearchBudget): string {
  const { operations, before } = window
  const sorted = [...operations].sort((a, b) => a.calledMs - b.calledMs)
  const { order, state } = searchOrder(operations, budget, before)
  const explained = new Set(order.map((position) => operations[position]))
  const lines = [
    `key ${JSON.stringify(key)} is not linearizable: ${operations.length} of its ${total} operations have no order that explains them`,
    `before them the key held ${describeState(before)}`,
    ...timeline(sorted, last),
  ]
  if (last !== undefined)
    lines.push(
      `until this returned (marked *) there was an order: ${last.client}: ${describeDeed(last.action, last.outcome)}`,
    )
  const stuck = sorted.filter((operation) => !explained.has(operation) && operation.outcome.kind !== 'unknown')
  lines.push(
    `the longest order has ${order.length} of them and ends, holding ${describeState(state)}; these then have no place:`,
    ...stuck.slice(0, ROWS_MAX).map(({ client, action, outcome }) => `  ${client}: ${describeDeed(action, outcome)}`),
  )
  return lines.join('\n')
}

function describeState({ value, revision }: RegisterState): string {
  if (value === undefined) return 'nothing'
  return revision === undefined ? value : `${value} at ${revision}`
}

/** One line per operation: when it ran, as a bar from its call to its return, and what it was. */
function timeline(operations: readonly Operation[], last: Operation | undefined): string[] {
  const shown = operations.slice(-ROWS_MAX)
  const fromMs = Math.min(...shown.map(({ calledMs }) => calledMs))
  const toMs = Math.max(
    ...shown.map(({ calledMs, returnedMs, outcome }) => (outcome.kind === 'unknown' ? calledMs : returnedMs)),
  )
  const scale = toMs > fromMs ? (TIMELINE_WIDTH - 1) / (toMs - fromMs) : 0
  const clientWidth = Math.max(...shown.map(({ client }) => client.length))
  const lines = shown.map((operation) => {
    const { client, calledMs, returnedMs, action, outcome } = operation
    const isOpen = outcome.kind === 'unknown'
    const from = Math.round((calledMs - fromMs) * scale)
    const to = isOpen ? TIMELINE_WIDTH - 1 : Math.round((returnedMs - fromMs) * scale)
    const bar = to > from ? `|${'-'.repeat(to - from - 1)}${isOpen ? '>' : '|'}` : '|'
    const mark = operation === last ? '*' : ' '
    return `${mark} ${client.padEnd(clientWidth)}  ${' '.repeat(from)}${bar.padEnd(TIMELINE_WIDTH - from)}  ${describeDeed(action, outcome)}`
  })
  const omitted = operations.length - shown.length
  const scaleLine = `  ${' '.repeat(clientWidth)}  ${fromMs} ms ${'.'.repeat(8)} ${toMs} ms`
  return omitted > 0 ? [`  (${omitted} earlier ones are not drawn)`, scaleLine, ...lines] : [scaleLine, ...lines]
}
