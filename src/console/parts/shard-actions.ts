/**
 * What can be done to a shard, as actions: the requests of the gateway with their fields and command lines.
 */
import type { Shard, Store } from '../api/shapes.ts'
import { h } from '../dom/node.ts'
import type { Action, Plan } from './action.ts'
import { keyWords, separated } from './command.ts'
import { keyFields, percentBytes, utf8Bytes, utf8Text } from './keys.ts'

function request(shard: Shard, what: string, json: unknown, words: readonly string[]): Plan {
  const path = `admin/shards/${shard.id}/${what}`
  return { method: 'POST', path, json, command: ['shard', what, String(shard.id), ...words] }
}

type Options = readonly (readonly [string, string])[]

function storeOptions(stores: readonly string[]): Options {
  return stores.map((store) => [store, store])
}

function holders(shard: Shard): string[] {
  return shard.replicas.map(({ store }) => store)
}

/** Stores that have no replica of a shard and may get one. */
function others(shard: Shard, stores: readonly Store[]): string[] {
  const has = new Set(holders(shard))
  return stores.filter(({ id, state }) => !has.has(id) && (state === 'up' || state === 'suspect')).map(({ id }) => id)
}

/** `at`: percent-encoded, where a key is proposed. */
export function splitAction(shard: Shard, at?: string): Action {
  const proposed = at === undefined ? undefined : percentBytes(at)
  const proposedText = proposed === undefined ? undefined : utf8Text(proposed)
  const isBinary = proposed !== undefined && proposedText === undefined
  return {
    title: `Split shard ${shard.id}`,
    about:
      'Cuts the shard in two. Nothing is moved: both halves stay where they are, and are led from where the whole was.',
    verb: 'Split',
    fields: [
      {
        kind: 'choice',
        name: 'where',
        label: 'Where',
        initial: at === undefined ? 'size' : isBinary ? 'bytes' : 'key',
        options: [
          ['size', 'in the middle of its size'],
          ['load', 'in the middle of its load'],
          ['key', 'before a key'],
          ['bytes', 'before a key that is no text, percent-encoded'],
        ],
      },
      {
        kind: 'text',
        name: 'key',
        label: 'First key of the right half',
        initial: proposedText ?? at ?? '',
        matters: (values) => values.where === 'key' || values.where === 'bytes',
      },
    ],
    plan: (values) => {
      if (values.where === 'size' || values.where === 'load') {
        return request(shard, 'split', { policy: values.where }, ['--policy', values.where])
      }
      if (values.key === undefined || values.key === '') return 'A key is needed.'
      const key = values.where === 'bytes' ? percentBytes(values.key) : utf8Bytes(values.key)
      if (key === undefined) return 'After each % there are two hexadecimal digits.'
      const { word, flags } = keyWords(key)
      return request(shard, 'split', keyFields(key), [...flags, ...separated([word])])
    },
  }
}

export function mergeAction(shard: Shard, neighbours: readonly Shard[]): Action {
  return {
    title: `Merge shard ${shard.id}`,
    about: 'Makes one shard of two neighbours. The left one of the two survives.',
    verb: 'Merge',
    fields: [
      {
        kind: 'choice',
        name: 'with',
        label: 'With',
        initial: String(neighbours[0]?.id ?? ''),
        options: neighbours.map(({ id }) => [String(id), `shard ${id}`]),
      },
    ],
    plan: (values) =>
      values.with === '' || values.with === undefined
        ? 'It has no neighbour.'
        : request(shard, 'merge', { with: Number(values.with) }, [values.with]),
  }
}

export function transferAction(shard: Shard): Action {
  const targets = shard.replicas.filter(({ store, role }) => role === 'voter' && store !== shard.leader)
  return {
    title: `Let another store lead shard ${shard.id}`,
    about: [
      'The leader hands over in order; writes wait for a moment. Now it is ',
      h('b', shard.leader ?? 'nobody'),
      '.',
    ],
    verb: 'Transfer',
    fields: [
      {
        kind: 'choice',
        name: 'store',
        label: 'Next leader',
        initial: targets[0]?.store ?? '',
        options: storeOptions(targets.map(({ store }) => store)),
      },
    ],
    plan: ({ store = '' }) =>
      store === '' ? 'There is no other voter.' : request(shard, 'transfer-leader', { store }, [store]),
  }
}

export function moveAction(shard: Shard, stores: readonly Store[]): Action {
  const targets = others(shard, stores)
  return {
    title: `Move a replica of shard ${shard.id}`,
    about: 'Makes a new replica, waits until it has caught up, and then gives up the old one.',
    verb: 'Move',
    fields: [
      {
        kind: 'choice',
        name: 'from',
        label: 'From',
        initial: holders(shard)[0] ?? '',
        options: storeOptions(holders(shard)),
      },
      { kind: 'choice', name: 'to', label: 'To', initial: targets[0] ?? '', options: storeOptions(targets) },
    ],
    plan: ({ from = '', to = '' }) =>
      to === ''
        ? 'Every store that could take one has a replica already.'
        : request(shard, 'move', { from, to }, [from, to]),
  }
}

export function addReplicaAction(shard: Shard, stores: readonly Store[]): Action {
  const targets = others(shard, stores)
  return {
    title: `Add a replica of shard ${shard.id}`,
    about: 'The new replica learns until it has caught up; a voter then counts for the quorum.',
    verb: 'Add',
    fields: [
      { kind: 'choice', name: 'store', label: 'Store', initial: targets[0] ?? '', options: storeOptions(targets) },
      {
        kind: 'choice',
        name: 'role',
        label: 'Role',
        initial: 'voter',
        options: [
          ['voter', 'voter'],
          ['learner', 'learner'],
        ],
      },
    ],
    plan: ({ store = '', role = 'voter' }) =>
      store === ''
        ? 'Every store that could take one has a replica already.'
        : request(shard, 'add-replica', { store, role }, role === 'voter' ? [store] : [store, '--learner']),
  }
}

export function removeReplicaAction(shard: Shard): Action {
  return {
    title: `Remove a replica of shard ${shard.id}`,
    about:
      'The shard goes on without it. Possible where it has more replicas than it should, and for those that only learn.',
    verb: 'Remove',
    isDangerous: true,
    fields: [
      {
        kind: 'choice',
        name: 'store',
        label: 'Store',
        initial: shard.replicas.find(({ store }) => store !== shard.leader)?.store ?? '',
        options: storeOptions(holders(shard)),
      },
    ],
    plan: ({ store = '' }) =>
      store === '' ? 'It has no replica.' : request(shard, 'remove-replica', { store }, [store]),
  }
}
