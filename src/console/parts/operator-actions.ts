/**
 * What can be done to operators and to the schedulers that start them, as actions.
 */
import type { Operator, Scheduler } from '../api/shapes.ts'
import { h } from '../dom/node.ts'
import type { Action } from './action.ts'
import { stepList } from './operators.ts'
import { timeOfDay } from './pieces.ts'

const PAUSE_SECONDS_MAX = 86_400

export function rebalanceAction(): Action {
  return {
    title: 'Rebalance now',
    about: 'Asks every scheduler at once instead of waiting for its turn.',
    verb: 'Start them',
    plan: () => ({ method: 'POST', path: 'admin/rebalance', command: ['rebalance', 'run'] }),
    isNothing: (answer) => (answer as { operators: readonly Operator[] }).operators.length === 0,
  }
}

export function cancelAction(operator: Operator): Action {
  const id = operator.id ?? ''
  return {
    title: `Cancel operator ${id}`,
    about: 'What it did so far is taken back where that is possible.',
    verb: 'Cancel it',
    isDangerous: true,
    plan: () => ({
      method: 'DELETE',
      path: `admin/operators/${encodeURIComponent(id)}`,
      command: ['operator', 'cancel', id],
    }),
    preview: (answer) => [h('p', 'The operator ends. This is how far it is:'), stepList((answer as Operator).steps)],
  }
}

export function pauseAction(scheduler: Scheduler, nowMs: number): Action {
  const { name } = scheduler
  return {
    title: `Pause ${name}`,
    about: 'It plans nothing for a while; what runs already goes on.',
    verb: 'Pause',
    fields: [
      {
        kind: 'number',
        name: 'seconds',
        label: 'For how many seconds',
        initial: '600',
        min: 1,
        max: PAUSE_SECONDS_MAX,
      },
    ],
    plan: (values) => {
      const seconds = Number(values.seconds)
      const isValid = Number.isInteger(seconds) && seconds >= 1 && seconds <= PAUSE_SECONDS_MAX
      if (!isValid) return `A whole number from 1 to ${PAUSE_SECONDS_MAX} is needed.`
      const path = `admin/schedulers/${name}/pause`
      return { method: 'POST', path, json: { seconds }, command: ['scheduler', 'pause', name, String(seconds)] }
    },
    preview: (answer) => {
      const { pausedUntil } = answer as Scheduler
      return h(
        'p',
        `${name} starts no operator until `,
        pausedUntil === null ? 'now' : timeOfDay(pausedUntil, nowMs),
        '.',
      )
    },
  }
}

export function resumeAction({ name }: Scheduler): Action {
  return {
    title: `Resume ${name}`,
    about: 'It plans again from now on.',
    verb: 'Resume',
    plan: () => ({ method: 'POST', path: `admin/schedulers/${name}/resume`, command: ['scheduler', 'resume', name] }),
    preview: () => h('p', `${name} starts operators again.`),
  }
}
