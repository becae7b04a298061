/**
 * Conditions of writes as HTTP spells them: `If-Match` and `If-None-Match`, with revisions as entity tags. Only the forms the contract
 * names are taken; a condition that is not understood must never turn into no condition.
 */
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

export function entityTag(revision: number): string {
  return `"${revision}"`
}
