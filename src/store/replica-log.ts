import { assert } from '../base/index.ts'
import type { Entry, MembershipState, SnapshotMeta, StableLog } from '../raft/index.ts'
import type { GroupLog } from '../storage/index.ts'

/**
 * The log of one replica as its Raft core sees it: the group's part of the shared log, plus the description of the snapshot that
 * a follower could be given. That snapshot is the state the data store has flushed; the log never forgets anything after it.
 */
export class ReplicaLog implements StableLog {
  readonly log: GroupLog
  #flushed: SnapshotMeta

  constructor(log: GroupLog, flushed: SnapshotMeta) {
    this.log = log
    this.#flushed = flushed
  }

  get flushed(): SnapshotMeta {
    return this.#flushed
  }

  /** The data store has made the state at (index, term) durable. */
  flushedTo(index: number, term: number, membership: MembershipState): void {
    this.#flushed = { index, term, membership }
  }

  /** Forgets entries up to and including `index`. Invariant: all of them are durable in the data store, or a crash could not replay them. */
  compact(index: number): void {
    const flushed = this.#flushed.index
    if (index > flushed) assert(false, `group ${this.log.group}: compact at ${index}, flushed is ${flushed}`)
    this.log.compact(index)
  }

  firstIndex(): number {
    return this.log.firstIndex()
  }

  lastIndex(): number {
    return this.log.lastIndex()
  }

  term(index: number): number | 'compacted' | 'unavailable' {
    return this.log.term(index)
  }

  entries(low: number, high: number, bytesMax: number): readonly Entry[] | 'compacted' | 'unavailable' {
    return this.log.entries(low, high, bytesMax)
  }

  snapshot(): SnapshotMeta | undefined {
    return this.#flushed
  }
}
