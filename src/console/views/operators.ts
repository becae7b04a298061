/**
 * Operators that run and ran, the schedulers that start them, and the reasons of the placement driver.
 */
import { allOperators } from '../api/cluster.ts'
import type { Operator, Scheduler } from '../api/shapes.ts'
import { Loaded } from '../app/loaded.ts'
import type { Context, Page } from '../app/page.ts'
import { link, type Route } from '../app/route.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { act } from '../parts/action.ts'
import { visible } from '../parts/keys.ts'
import { cancelAction, pauseAction, rebalanceAction, resumeAction } from '../parts/operator-actions.ts'
import { operatorError, operatorSubject, stepList } from '../parts/operators.ts'
import { badge, button, card, facts, heading, moment, operatorState, shown, timeOfDay } from '../parts/pieces.ts'
import { table } from '../parts/table.ts'

export function openOperators(context: Context): Page {
  const { client, redraw } = context
  const operators = new Loaded(redraw, () => allOperators(client))
  const schedulers = new Loaded(redraw, async () => {
    return (await client.json<{ schedulers: readonly Scheduler[] }>('admin/schedulers')).schedulers
  })
  return {
    title: 'Operators',
    refresh: async () => {
      await Promise.all([operators.load(), schedulers.load()])
    },
    render: () => [
      heading(
        'Operators',
        button('Rebalance now …', () => act(context, rebalanceAction())),
      ),
      card(
        undefined,
        shown(operators, (all) => operatorTable(all, context)),
      ),
      card(
        'Schedulers, in the order in which they are asked',
        shown(schedulers, (all) => schedulerTable(all, context)),
      ),
    ],
  }
}

function operatorTable(operators: readonly Operator[], context: Context): VirtualNode {
  const nowMs = context.world.nowMs()
  return table<Operator>(
    [
      { name: 'Operator', cell: ({ id }) => h('a', { href: link('operators', id ?? '') }, id) },
      { name: 'Kind', cell: ({ kind }) => kind },
      { name: 'Of', cell: operatorSubject },
      { name: 'State', cell: ({ state }) => operatorState(state) },
      { name: 'Steps', cell: ({ steps }) => stepMarks(steps) },
      { name: 'Reason', cell: ({ reason, error }) => visible(error ?? reason) },
      { name: 'Begun', cell: ({ createdAt }) => moment(createdAt, nowMs) },
    ],
    operators,
    { label: 'Operators', key: ({ id }) => id ?? '', empty: 'None has run lately.' },
  )
}

function stepMarks(steps: Operator['steps']): VirtualNode {
  const done = steps.filter(({ state }) => state === 'done').length
  return h('span.muted', `${done} of ${steps.length}`)
}

function schedulerTable(schedulers: readonly Scheduler[], context: Context): VirtualNode {
  const nowMs = context.world.nowMs()
  return table<Scheduler>(
    [
      { name: 'Scheduler', cell: ({ name }) => name },
      {
        name: 'State',
        cell: ({ paused, pausedUntil }) =>
          paused
            ? [
                badge('paused', 'warn'),
                pausedUntil !== null && h('span.muted', ' until ', timeOfDay(pausedUntil, nowMs)),
              ]
            : badge('on', 'good'),
      },
      {
        name: 'Last asked',
        cell: ({ lastRunAt }) => (lastRunAt === null ? h('span.muted', 'never') : moment(lastRunAt, nowMs)),
      },
      {
        name: '',
        cell: (scheduler) =>
          scheduler.paused
            ? button('Resume …', () => act(context, resumeAction(scheduler)))
            : button('Pause …', () => act(context, pauseAction(scheduler, nowMs))),
      },
    ],
    schedulers,
    { label: 'Schedulers', key: ({ name }) => name },
  )
}

export function openOperator(context: Context, route: Route): Page {
  const operator = new Loaded(context.redraw, () => {
    return context.client.json<Operator>(`admin/operators/${encodeURIComponent(route.item)}`)
  })
  return {
    title: `Operator ${route.item}`,
    refresh: () => operator.load(),
    render: () => [
      heading(
        `Operator ${visible(route.item)}`,
        operator.value?.state === 'running' &&
          button('Cancel …', () => operator.value !== undefined && act(context, cancelAction(operator.value))),
      ),
      shown(operator, (found) => operatorCards(found, context)),
    ],
  }
}

function operatorCards(operator: Operator, context: Context): Child {
  const nowMs = context.world.nowMs()
  return [
    card(
      undefined,
      facts(
        ['Kind', operator.kind],
        ['Of', operatorSubject(operator)],
        ['State', operatorState(operator.state)],
        ['Reason', visible(operator.reason)],
        ['Begun', moment(operator.createdAt, nowMs)],
        ['Ended', operator.endedAt === null ? 'not yet' : moment(operator.endedAt, nowMs)],
      ),
      operatorError(operator),
    ),
    card('Steps', stepList(operator.steps)),
  ]
}
