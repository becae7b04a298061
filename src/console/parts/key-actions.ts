/**
 * What can be done to a key, as actions. Each carries the condition that makes it safe: nothing that somebody else wrote meanwhile is lost.
 */
import { type Child, h } from '../dom/node.ts'
import type { Action } from './action.ts'
import { keyWords, separated } from './command.ts'
import { bytes as size } from './format.ts'
import { keyPath, keyText, utf8Bytes, utf8Text } from './keys.ts'

/** Longer ones do not belong on a command line. */
const ARGUMENT_CHARS_MAX = 200

interface Before {
  readonly bytes: number
  readonly revision: number
}

export function saveAction(key: Uint8Array, value: Uint8Array<ArrayBuffer>, before: Before, done: () => void): Action {
  return {
    title: 'Save the value',
    about: ['Stores the new value under ', h('code', keyText(key)), '.'],
    verb: 'Save',
    plan: () => ({
      method: 'PUT',
      path: keyPath(key),
      bytes: value,
      headers: { 'If-Match': `"${before.revision}"` },
      command: putCommand(key, value, ['--if-revision', String(before.revision)]),
    }),
    dryRun: () =>
      condition(`${size(before.bytes)} become ${size(value.length)}`, `it still has revision ${before.revision}`),
    done,
  }
}

export function deleteAction(key: Uint8Array, revision: number, done: () => void): Action {
  const { word, flags } = keyWords(key)
  return {
    title: 'Delete the key',
    about: ['Deletes ', h('code', keyText(key)), ' and its value.'],
    verb: 'Delete',
    isDangerous: true,
    plan: () => ({
      method: 'DELETE',
      path: keyPath(key),
      headers: { 'If-Match': `"${revision}"` },
      command: ['del', '--if-revision', String(revision), ...flags, ...separated([word])],
    }),
    dryRun: () => condition('The key will not exist any more', `it still has revision ${revision}`),
    done,
  }
}

export function createAction(prefix: string, done: () => void): Action {
  return {
    title: 'New key',
    about: 'Stores a text under a key that does not exist yet.',
    verb: 'Create',
    fields: [
      { kind: 'text', name: 'key', label: 'Key', initial: prefix },
      { kind: 'text', name: 'value', label: 'Value', initial: '' },
    ],
    plan: ({ key = '', value = '' }) => {
      if (key === '') return 'A key has at least one byte.'
      const keyBytes = utf8Bytes(key)
      const valueBytes = utf8Bytes(value)
      return {
        method: 'PUT',
        path: keyPath(keyBytes),
        bytes: valueBytes,
        headers: { 'If-None-Match': '*' },
        command: putCommand(keyBytes, valueBytes, ['--if-absent']),
      }
    },
    dryRun: ({ value = '' }) => condition(`${size(utf8Bytes(value).length)} will be stored`, 'the key does not exist'),
    done,
  }
}

function condition(what: string, when: string): Child {
  return h('p', what, ', if ', when, '. Otherwise nothing happens.')
}

function putCommand(key: Uint8Array, value: Uint8Array, conditions: readonly string[]): string[] {
  const { word, flags } = keyWords(key)
  const text = utf8Text(value)
  const isArgument = text !== undefined && text.length <= ARGUMENT_CHARS_MAX && !/\p{Cc}/u.test(text)
  return ['put', ...conditions, ...flags, ...separated([word, isArgument ? text : '-'])]
}
