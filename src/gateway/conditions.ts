/**
 * Conditions as HTTP spells them: `If-Match` and `If-None-Match`, with revisions as entity tags. Only the forms the contract
 * names are taken; a condition that is not understood must never turn into no condition.
 */
import type { Exchange } from './exchange.ts'
import { invalidArgument } from './failures.ts'
import type { KvCondition } from './router-types.ts'

const UNCONDITIONAL: KvCondition = { kind: 'none' }
const ABSENT: KvCondition = { kind: 'absent' }
const EXISTS: KvCondition = { kind: 'exists' }
const REVISION_TAG = /^"(0|[1-9][0-9]{0,15})"$/

/** The condition of a write; throws INVALID_ARGUMENT for anything the contract does not name. */
export function parseConditions(ifMatch: string | undefined, ifNoneMatch: string | undefined): KvCondition {
  if (ifMatch === undefined) {
    if (ifNoneMatch === undefined) return UNCONDITIONAL
    if (ifNoneMatch === '*') return ABSENT
    throw invalidArgument('If-None-Match takes only *', 'Use If-None-Match: * to write only when the key is absent.')
  }
  if (ifNoneMatch !== undefined) throw invalidArgument('If-Match and If-None-Match cannot be used together')
  if (ifMatch === '*') return EXISTS
  const match = REVISION_TAG.exec(ifMatch)
  const revision = match === null ? Number.NaN : Number(match[1])
  if (!Number.isSafeInteger(revision)) {
    throw invalidArgument(
      'If-Match takes * or one revision in double quotes',
      'Send the ETag of an earlier answer, for example If-Match: "42".',
    )
  }
  return { kind: 'revision', revision }
}

/** Throws INVALID_ARGUMENT when a request carries conditions that `what` cannot keep. */
export function refuseConditions(exchange: Exchange, what: string): void {
  if (exchange.requestHeader('if-match') !== undefined || exchange.requestHeader('if-none-match') !== undefined) {
    throw invalidArgument(`${what} takes no If-Match and no If-None-Match`)
  }
}

/** Whether the list of entity tags of a condition on a read names this revision; `*` names every one. */
export function names(list: string, revision: number): boolean {
  if (list.trim() === '*') return true
  const wanted = entityTag(revision)
  return list.split(',').some((tag) => tag.trim().replace(/^W\//, '') === wanted)
}

export function entityTag(revision: number): string {
  return `"${revision}"`
}
