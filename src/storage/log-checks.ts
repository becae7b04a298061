import { assert } from '../base/index.ts'
import type { Entry } from '../raft/index.ts'
import { type GroupId, LogStoreError, UNKNOWN_GROUP } from './log-store.ts'

/**
 * What every log store asks of its caller, in one place so that all adapters refuse the same things, and how they name
 * errors of the disk.
 */

/** Asserts that `entries` are consecutive and begin in [firstIndex, lastIndex + 1]. */
export function checkAppend(group: GroupId, firstIndex: number, lastIndex: number, entries: readonly Entry[]): void {
  let expected = entries[0]?.index ?? firstIndex
  assert(
    expected >= firstIndex && expected <= lastIndex + 1,
    `group ${group}: append at ${expected}, the log is [${firstIndex}, ${lastIndex}]`,
  )
  for (let i = 0; i < entries.length; i++) {
    const index = (entries[i] as Entry).index
    if (index !== expected) assert(false, `group ${group}: entry ${index} follows entry ${expected - 1}`)
    expected++
  }
}

export function checkCompact(group: GroupId, firstIndex: number, lastIndex: number, index: number): void {
  assert(
    index >= firstIndex && index <= lastIndex,
    `group ${group}: compact at ${index}, the log is [${firstIndex}, ${lastIndex}]`,
  )
}

/** Also the group that stands for those that nobody knows may have a log: it has no entries, and its beginning makes damage before it harmless. */
export function checkNewGroup(group: GroupId, replica: number): void {
  assert(Number.isSafeInteger(group) && group >= UNKNOWN_GROUP, `${group} is not a group id`)
  assert(Number.isSafeInteger(replica) && replica > 0, `${replica} is not a replica id`)
}

/** The error after which a log is dead. `what` completes the sentence "… failed". */
export function diskError(what: string, cause: NodeJS.ErrnoException): LogStoreError {
  const full = cause.code === 'ENOSPC' || cause.code === 'EDQUOT'
  const why = full
    ? 'the disk is full; free space, then start the store again'
    : 'nothing more is acknowledged; check the disk'
  return new LogStoreError(full ? 'DISK_FULL' : 'IO_ERROR', `${what} failed (${cause.code ?? cause.message}): ${why}`, {
    cause,
  })
}
