/**
 * Why the placement driver did, or did not, act: what each scheduler said last.
 */
import type { Decision } from '../api/shapes.ts'
import { h, type VirtualNode } from '../dom/node.ts'
import { visible } from './keys.ts'
import { badge, timeOfDay } from './pieces.ts'
import { quantity } from './quantity.ts'

export function decisionList(decisions: readonly Decision[], nowMs: number): VirtualNode {
  if (decisions.length === 0) return h('p.empty', 'No scheduler has looked at it yet.')
  return h(
    'ul.rows.decisions',
    decisions.map((decision, position) =>
      h(
        'li',
        { key: position },
        h('span.name', decision.scheduler),
        decision.action === null ? badge('did nothing', 'idle') : badge('acted', 'busy'),
        h(
          'span.what',
          decision.action !== null && [visible(decision.action), ' – '],
          visible(decision.reason),
          h('span.muted', numbers(decision.numbers)),
        ),
        h('span.muted.last', timeOfDay(decision.ts, nowMs)),
      ),
    ),
  )
}

function numbers(values: Decision['numbers']): string {
  const parts = Object.entries(values).map(([name, value]) => quantity(name, value))
  return parts.length === 0 ? '' : ` (${visible(parts.join(', '))})`
}
