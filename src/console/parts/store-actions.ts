/**
 * What can be done to a store, as actions.
 */
import type { Store } from '../api/shapes.ts'
import { h } from '../dom/node.ts'
import type { Action, Plan } from './action.ts'
import { visible } from './keys.ts'
import { labelList } from './pieces.ts'

type Change = 'drain' | 'decommission' | 'recommission'

const ABOUT: Readonly<Record<Change, string>> = {
  drain: 'Takes all leaders away from the store; it keeps its replicas. Right before a restart or a repair.',
  decommission: 'Takes every replica away from the store, for good. Its data moves to the others.',
  recommission: 'Takes the store back that was to leave: it may have leaders and replicas again.',
}

const VERBS: Readonly<Record<Change, string>> = {
  drain: 'Drain',
  decommission: 'Decommission',
  recommission: 'Take back',
}

function change(store: Store, what: Change): Plan {
  const path = `admin/stores/${encodeURIComponent(store.id)}/${what}`
  return { method: 'POST', path, command: ['store', what, store.id] }
}

export function storeChangeAction(store: Store, what: Change): Action {
  return {
    title: `${VERBS[what]} ${visible(store.id)}`,
    about: ABOUT[what],
    verb: VERBS[what],
    isDangerous: what === 'decommission',
    plan: () => change(store, what),
  }
}

/** What makes sense in the state that the store is in. */
export function storeChanges(store: Store): readonly Change[] {
  switch (store.state) {
    case 'up':
    case 'suspect':
    case 'down':
      return ['drain', 'decommission']
    case 'draining':
    case 'decommissioning':
      return ['recommission']
    case 'gone':
    case 'registered':
      return []
  }
}

export function labelsAction(store: Store): Action {
  const before = Object.entries(store.labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
  return {
    title: `Labels of ${visible(store.id)}`,
    about: 'Replicas of one shard are kept on different hosts and zones, as the labels say.',
    verb: 'Change',
    fields: [{ kind: 'text', name: 'labels', label: 'Labels', initial: before, hint: 'zone=z1 host=a' }],
    plan: ({ labels: text = '' }) => {
      const labels = readLabels(text)
      if (labels === undefined) return 'Labels are written as name=value, with blanks between them.'
      const patch: Record<string, string | null> = {}
      for (const name of Object.keys(store.labels)) if (!(name in labels)) patch[name] = null
      for (const [name, value] of Object.entries(labels)) if (store.labels[name] !== value) patch[name] = value
      const words = Object.entries(patch).map(([name, value]) => `${name}=${value ?? ''}`)
      if (words.length === 0) return 'Nothing: the labels are the same.'
      const path = `admin/stores/${encodeURIComponent(store.id)}`
      return { method: 'PATCH', path, json: { labels: patch }, command: ['store', 'label', store.id, ...words] }
    },
    preview: (answer) => h('p', 'The labels will be ', labelList((answer as Store).labels), '.'),
  }
}

function readLabels(text: string): Readonly<Record<string, string>> | undefined {
  const labels = new Map<string, string>()
  for (const word of text.split(/\s+/).filter((each) => each !== '')) {
    const [, name, value] = /^([^=]+)=(.+)$/.exec(word) ?? []
    if (name === undefined || value === undefined) return undefined
    labels.set(name, value)
  }
  return Object.fromEntries(labels)
}

/** `gone`: called when the cluster knows nothing of it any more. */
export function forgetAction(store: Store, gone: () => void): Action {
  const path = `admin/nodes/${encodeURIComponent(store.id)}`
  return {
    title: `Forget ${visible(store.id)}`,
    about: 'Removes the store from the list. Possible while it is only registered, or gone.',
    verb: 'Forget',
    isDangerous: true,
    plan: () => ({ method: 'DELETE', path, command: ['store', 'forget', store.id] }),
    done: gone,
    preview: () => h('p', 'The cluster will know nothing of this store.'),
  }
}
