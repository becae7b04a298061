import type { DataStore } from '../storage/index.ts'
import { decodeTombstone, TOMBSTONE_FORMAT, type Tombstone } from './tombstone.ts'

/**
 * The groups of which this store had a replica and has none any more. It only remembers; `Burials` adds, `Births` asks before it lets a
 * replica begin.
 */
export class Graves {
  readonly #tombstones = new Map<number, Tombstone>()
  /** Those from before this process. */
  readonly #old = new Set<number>()

  /** Takes in a record of the data store; false when it is no tombstone. A sentence when it is one that cannot be read. */
  load(group: number, record: Uint8Array | undefined): boolean | string {
    if (record?.[0] !== TOMBSTONE_FORMAT) return false
    const tombstone = decodeTombstone(record)
    if (typeof tombstone === 'string') return tombstone
    this.#tombstones.set(group, tombstone)
    this.#old.add(group)
    return true
  }

  add(group: number, tombstone: Tombstone): void {
    this.#old.delete(group)
    this.#tombstones.set(group, tombstone)
  }

  of(group: number): Tombstone | undefined {
    return this.#tombstones.get(group)
  }

  /**
   * Whether the group's replica was buried by this process. Whatever may have been lost before it began is no replica that comes later: its group had
   * said that this store has none.
   */
  isFresh(group: number): boolean {
    return this.#tombstones.has(group) && !this.#old.has(group)
  }

  /** Whether a replica with this id must not come (back) to life here. */
  refuses(group: number, replica: number): boolean {
    const tombstone = this.#tombstones.get(group)
    if (tombstone === undefined) return false
    return tombstone.mergedInto !== undefined || replica <= tombstone.replica
  }
}

/** Whether the data store holds a replica's state for this group, rather than nothing or a tombstone. */
export function hasState(data: DataStore, group: number): boolean {
  const record = data.state(group)
  return record !== undefined && record[0] !== TOMBSTONE_FORMAT
}
