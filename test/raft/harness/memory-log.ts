/** A StableLog in memory, with the rules of the interaction harness's storage; what is in it counts as durable. */
import { assert } from '../../../src/base/index.ts'
import { limitBytes } from '../../../src/raft/entry.ts'
import {
  EMPTY_MEMBERSHIP,
  type Entry,
  type HardState,
  type SnapshotMeta,
  type StableLog,
} from '../../../src/raft/index.ts'

export const NO_SNAPSHOT: SnapshotMeta = { index: 0, term: 0, membership: EMPTY_MEMBERSHIP }

export class MemoryLog implements StableLog {
  hardState: HardState = { term: 0, votedFor: 0, commitIndex: 0 }
  snapshotStored: SnapshotMeta = NO_SNAPSHOT
  /** What a peer is offered; an index of 0 means none. */
  offer: () => SnapshotMeta = () => this.snapshotStored
  #before = { index: 0, term: 0 }
  #entries: Entry[] = []

  firstIndex(): number {
    return this.#before.index + 1
  }

  lastIndex(): number {
    return this.#before.index + this.#entries.length
  }

  term(index: number): number | 'compacted' | 'unavailable' {
    if (index < this.#before.index) return 'compacted'
    if (index === this.#before.index) return this.#before.term
    return this.#entries[index - this.#before.index - 1]?.term ?? 'unavailable'
  }

  entries(low: number, high: number, bytesMax: number): readonly Entry[] | 'compacted' | 'unavailable' {
    if (low <= this.#before.index) return 'compacted'
    if (high > this.lastIndex() + 1) return 'unavailable'
    const shift = this.#before.index + 1
    return limitBytes(this.#entries.slice(low - shift, high - shift), bytesMax).entries
  }

  /** All entries that are there. */
  all(): readonly Entry[] {
    return this.#entries
  }

  snapshot(): SnapshotMeta | undefined {
    const offered = this.offer()
    return offered.index === 0 ? undefined : offered
  }

  append(entries: readonly Entry[]): void {
    const first = this.firstIndex()
    const wanted = entries.filter((entry) => entry.index >= first)
    const start = wanted[0]?.index
    if (start === undefined) return
    assert(start <= this.lastIndex() + 1, `append at ${start} leaves a gap behind ${this.lastIndex()}`)
    this.#entries = [...this.#entries.slice(0, start - first), ...wanted]
  }

  applySnapshot(snapshot: SnapshotMeta): void {
    const own = this.snapshotStored.index
    assert(own === 0 || own < snapshot.index, 'requested index is older than the existing snapshot')
    this.snapshotStored = snapshot
    this.#before = { index: snapshot.index, term: snapshot.term }
    this.#entries = []
  }

  /** Drops entries up to and including `index`. */
  compact(index: number): void {
    const term = this.term(index)
    assert(index > this.#before.index && typeof term === 'number', `cannot compact ${index}`)
    this.#entries = this.#entries.slice(index - this.#before.index)
    this.#before = { index, term }
  }
}
