/**
 * Operators as a short list, and their steps.
 */
import type { Operator, OperatorStep } from '../api/shapes.ts'
import { link } from '../app/route.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { span } from './format.ts'
import { visible } from './keys.ts'
import { moment, operatorState, shardLink, storeLink } from './pieces.ts'

export function operatorList(operators: readonly Operator[], nowMs: number): VirtualNode {
  if (operators.length === 0) return h('p.empty', 'None has run lately.')
  return h(
    'ul.rows.told-below',
    operators.map((operator) =>
      h(
        'li',
        { key: operator.id ?? '' },
        h(
          'span.name',
          h('a', { href: link('operators', operator.id ?? '') }, operator.kind),
          ' ',
          operatorSubject(operator),
        ),
        operatorState(operator.state),
        h('span.muted.what', visible(operator.error ?? operator.reason)),
        h('span.muted.last', moment(operator.endedAt ?? operator.createdAt, nowMs)),
      ),
    ),
  )
}

export function operatorSubject(operator: Operator): Child {
  if (operator.shard !== undefined && operator.shard > 0) return shardLink(operator.shard)
  return operator.store === undefined ? null : storeLink(operator.store)
}

const MARKS: Readonly<Record<OperatorStep['state'], string>> = { waiting: '○', running: '◐', done: '●', failed: '✕' }

export function stepList(steps: readonly OperatorStep[]): VirtualNode {
  return h(
    'ol.steps',
    steps.map((step, position) =>
      h(
        'li',
        { key: position, class: step.state },
        h('span.mark', { 'aria-hidden': 'true' }, MARKS[step.state]),
        h('span', visible(step.what)),
        h('span.muted.last', stepTime(step)),
      ),
    ),
  )
}

function stepTime(step: OperatorStep): string {
  if (step.startedAt === undefined || step.endedAt === undefined) return step.state === 'waiting' ? '' : step.state
  const tookMs = Date.parse(step.endedAt) - Date.parse(step.startedAt)
  return tookMs < 1000 ? `${tookMs} ms` : span(tookMs / 1000)
}

/** What a dry run answered: one operator, or a list of them. */
export function operatorPreview(answer: unknown): Child {
  const operators =
    'operators' in (answer as object) ? (answer as { operators: Operator[] }).operators : [answer as Operator]
  if (operators.length === 0) return h('p.muted', 'Nothing: there is nothing to be done.')
  return operators.map((operator) => [
    operators.length > 1 &&
      h('p', operator.kind, ' ', operatorSubject(operator), ' ', h('span.muted', visible(operator.reason))),
    stepList(operator.steps),
  ])
}

/** Why it did not finish. That somebody cancelled it is nothing bad. */
export function operatorError({ state, error }: Operator): Child {
  return error !== null && h(state === 'cancelled' ? 'p.muted' : 'p.notice.bad', visible(error))
}

export function operatorProgress(operator: Operator): VirtualNode {
  return h(
    'div.progress',
    { role: 'status' },
    h(
      'p',
      h('a', { href: link('operators', operator.id ?? '') }, `Operator ${operator.id}`),
      ' ',
      operatorState(operator.state),
    ),
    stepList(operator.steps),
    operatorError(operator),
  )
}
