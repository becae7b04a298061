/**
 * What an entry weighs, and runs of entries with their weight. Every limit in bytes of the core (messages, in-flight
 * window, uncommitted entries, pages of committed entries) uses this one measure. Not an encoding: the wire is elsewhere.
 */
import type { Entry, EntryType } from './types.ts'

/** Whether applying an entry of this type changes who belongs to the group. */
export function changesMembership(type: EntryType): boolean {
  return type === 'membership' || type === 'membership-v1'
}

/** Index, term, type and framing beside the data; positive, so that empty entries cannot slip through a limit unnoticed. */
const ENTRY_OVERHEAD_BYTES = 16

export function entryBytes(entry: Pick<Entry, 'data'>): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES
}

/** Consecutive entries and their weight. Immutable, so that one slice serves the disk and every peer. */
export interface EntrySlice {
  readonly entries: readonly Entry[]
  readonly bytes: number
}

export const EMPTY_SLICE: EntrySlice = { entries: [], bytes: 0 }

/** The longest prefix of `entries` within `bytesMax`, but at least one entry when there is one. */
export function limitBytes(entries: readonly Entry[], bytesMax: number): EntrySlice {
  let bytes = 0
  let count = 0
  for (const entry of entries) {
    const next = bytes + entryBytes(entry)
    if (next > bytesMax && count > 0) return { entries: entries.slice(0, count), bytes }
    bytes = next
    count += 1
  }
  return { entries, bytes }
}
