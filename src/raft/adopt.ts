/**
 * Takes in entries that are known to be committed from another source than the leader: a merge carries the last ones of a group whose other replicas
 * may be gone by then. Not part of Raft; safe because committed entries are the same in every log that has them.
 */
import { assert } from '../base/index.ts'
import type { RaftCore } from './core.ts'
import { becomeFollower } from './roles.ts'
import { type Entry, NO_REPLICA } from './types.ts'

/**
 * `entries` follow (prevIndex, prevTerm). False when this log does not have that entry and is behind: then they cannot be joined to it.
 */
export function adoptCommitted(
  core: RaftCore,
  prevIndex: number,
  prevTerm: number,
  entries: readonly Entry[],
): boolean {
  const { log } = core
  const last = entries[entries.length - 1]
  if (last === undefined || last.index <= log.commitIndex) return true
  if (log.pendingSnapshot !== undefined) return false
  // Below the commit index the logs agree, and the entries may have been compacted.
  const fresh = entries.filter((entry) => entry.index > log.commitIndex)
  const first = fresh[0] as Entry
  const before = entries[first.index - prevIndex - 2]
  assert(first.index === prevIndex + 1 || before !== undefined, `entries from ${first.index} have one before them`)
  if (log.term(first.index - 1) !== (before?.term ?? prevTerm)) return false
  // A leader of an old term may have other entries there; it must not believe in them while they are replaced.
  const term = Math.max(core.term, last.term)
  if (core.role !== 'follower' || term > core.term) becomeFollower(core, term, NO_REPLICA)
  const appended = log.tryAppend(first.index - 1, before?.term ?? prevTerm, fresh)
  assert(appended !== undefined, `entries from ${first.index} fit a log that has the one before them`)
  log.commitTo(last.index)
  return true
}
