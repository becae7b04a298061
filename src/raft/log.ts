/**
 * A replica's log as the algorithm sees it: what is durable (the host's StableLog) continued by what is not yet (entries
 * being written, or a snapshot being installed), and how far it is committed, handed out for applying, and applied. It
 * performs no I/O: the host learns from `Ready` what to write and reports back. It decides nothing about terms or roles.
 * On the paths of every entry a message of an assertion is only built when the assertion fails.
 *
 *   firstIndex        applied   applying        offset      handedOut      lastIndex
 *       |................|.........|..............|.............|..............|
 *       |<------------- durable ----------------->|<- writing ->|<- to write ->|
 */
import { assert } from '../base/index.ts'
import { ApplyingCursor } from './applying-cursor.ts'
import { changesMembership, EMPTY_SLICE, type EntrySlice, entryBytes, limitBytes } from './entry.ts'
import { EntryBuffer } from './entry-buffer.ts'
import type { Entry, SnapshotMeta, StableLog } from './types.ts'

/** The term of an index that was compacted away or does not exist yet. */
export const UNKNOWN_TERM = -1

/** Where two logs may still agree, and the term there; (0, 0) when nothing can be said. */
export interface ConflictHint {
  readonly index: number
  readonly term: number
}

export interface RaftLogOptions {
  /** Asynchronous storage: entries may be applied only once they are durable here. Otherwise a Ready writes before it applies. */
  readonly applyOnlyDurable: boolean
  /** Handed out for applying and not yet reported as applied. */
  readonly applyingBytesMax: number
  /** Durable entries are kept in memory until handed out for applying, as long as all that is buffered stays below this. */
  readonly bufferedBytesMax: number
}

export class RaftLog {
  readonly #stable: StableLog
  readonly #options: RaftLogOptions
  readonly #buffer: EntryBuffer
  /** First index that is not known to be durable. */
  #offset: number
  /** First index not yet handed out for writing. Invariant: offset <= handedOut <= lastIndex + 1. */
  #handedOut: number
  #snapshot: SnapshotMeta | undefined
  #snapshotHandedOut = false
  #lastIndex: number
  #lastTerm: number
  /** Invariant: all of [lastRunStart, lastIndex] has term lastTerm. Answers nearly every question for a term without storage. */
  #lastRunStart: number
  #commitIndex: number
  readonly #applying: ApplyingCursor
  /** The slice cut last and what it was cut from: peers in step with each other, and the disk, get the same one. */
  #cached: EntrySlice = EMPTY_SLICE
  #cachedLow = 0
  #cachedHigh = 0
  #cachedBytesMax = 0

  constructor(stable: StableLog, options: RaftLogOptions) {
    this.#stable = stable
    this.#options = options
    const lastIndex = stable.lastIndex()
    const lastTerm = stable.term(lastIndex)
    assert(typeof lastTerm === 'number', `term of the last stored index ${lastIndex} is ${lastTerm}`)
    this.#buffer = new EntryBuffer(lastIndex + 1)
    this.#offset = lastIndex + 1
    this.#handedOut = lastIndex + 1
    this.#lastIndex = lastIndex
    this.#lastTerm = lastTerm
    this.#lastRunStart = lastIndex
    const before = stable.firstIndex() - 1
    this.#commitIndex = before
    this.#applying = new ApplyingCursor(before, options.applyingBytesMax)
  }

  get firstIndex(): number {
    return this.#snapshot === undefined ? this.#stable.firstIndex() : this.#snapshot.index + 1
  }

  get lastIndex(): number {
    return this.#lastIndex
  }

  get lastTerm(): number {
    return this.#lastTerm
  }

  get commitIndex(): number {
    return this.#commitIndex
  }

  get appliedIndex(): number {
    return this.#applying.appliedIndex
  }

  /** First index not known to be durable here. */
  get offset(): number {
    return this.#offset
  }

  /** A received snapshot that is not durable yet. */
  get pendingSnapshot(): SnapshotMeta | undefined {
    return this.#snapshot
  }

  /** The snapshot a peer could be given now. */
  get snapshot(): SnapshotMeta | undefined {
    return this.#snapshot ?? this.#stable.snapshot()
  }

  term(index: number): number {
    if (index > this.#lastIndex || index < this.firstIndex - 1) return UNKNOWN_TERM
    if (index >= this.#lastRunStart) return this.#lastTerm
    if (index >= this.#buffer.start) return this.#buffer.at(index).term
    if (this.#snapshot !== undefined && index === this.#snapshot.index) return this.#snapshot.term
    const term = this.#stable.term(index)
    return typeof term === 'number' ? term : UNKNOWN_TERM
  }

  /** Raft §5.4.1: whether a log that ends with (term, index) is at least as up-to-date as this one. */
  isUpToDate(term: number, index: number): boolean {
    return term > this.#lastTerm || (term === this.#lastTerm && index >= this.#lastIndex)
  }

  /**
   * The last index <= `index` whose term is <= `term`: the furthest place where a log that has `term` at `index` can agree
   * with this one. Skips a whole conflicting term per round trip (Raft §5.3, last paragraphs).
   */
  conflictHint(index: number, term: number): ConflictHint {
    for (let i = index; i > 0; i--) {
      const own = this.term(i)
      if (own === UNKNOWN_TERM) return { index: i, term: 0 }
      if (own <= term) return { index: i, term: own }
    }
    return { index: 0, term: 0 }
  }

  /** Adds a leader's own new entries. */
  append(entries: readonly Entry[]): void {
    this.#replaceFrom(entries, 0)
  }

  /**
   * AppendEntries of a follower (Raft, Figure 2, receiver steps 2 to 5 without the commit index): undefined when the logs
   * do not match at prevLogIndex, else the index of the last entry that is now known to equal the leader's. Entries
   * already present stay untouched, so a delayed or repeated message removes nothing.
   */
  tryAppend(prevIndex: number, prevTerm: number, entries: readonly Entry[]): number | undefined {
    if (this.term(prevIndex) !== prevTerm) return undefined
    const lastNew = prevIndex + entries.length
    if (entries.length > 0) {
      if ((entries[0] as Entry).index !== prevIndex + 1) assert(false, `entries do not follow index ${prevIndex}`)
      if ((entries[entries.length - 1] as Entry).index !== lastNew)
        assert(false, `entries up to ${lastNew} are not consecutive`)
    }
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as Entry
      if (entry.index <= this.#lastIndex && this.term(entry.index) === entry.term) continue
      if (entry.index <= this.#commitIndex)
        assert(false, `entry ${entry.index} conflicts below commit index ${this.#commitIndex}`)
      this.#replaceFrom(entries, i)
      break
    }
    return lastNew
  }

  #replaceFrom(entries: readonly Entry[], from: number): void {
    const first = entries[from]
    if (first === undefined) return
    const start = first.index
    if (start <= this.#commitIndex) assert(false, `append at ${start} is not behind commit index ${this.#commitIndex}`)
    if (start > this.#lastIndex + 1) assert(false, `append at ${start} leaves a gap behind ${this.#lastIndex}`)
    if (start <= this.#lastIndex) this.#truncate(start)
    this.#buffer.push(entries, from)
    const last = entries[entries.length - 1] as Entry
    if (last.term !== this.#lastTerm) {
      let run = entries.length - 1
      while (run > from && (entries[run - 1] as Entry).term === last.term) run -= 1
      this.#lastRunStart = (entries[run] as Entry).index
      this.#lastTerm = last.term
    }
    this.#lastIndex = last.index
  }

  /** Forgets [start, lastIndex]. What was being written there will be written again, hence the cursors move back. */
  #truncate(start: number): void {
    const last = start - 1
    if (last < this.#lastRunStart) {
      const term = this.term(last)
      assert(term !== UNKNOWN_TERM, `term of ${last} is unknown while cutting the log there`)
      this.#lastTerm = term
      this.#lastRunStart = last
    }
    this.#lastIndex = last
    this.#buffer.truncate(start)
    this.#offset = Math.min(this.#offset, start)
    this.#handedOut = Math.min(this.#handedOut, start)
    this.#forgetCached()
  }

  #forgetCached(): void {
    this.#cached = EMPTY_SLICE
    this.#cachedLow = 0
    this.#cachedHigh = 0
  }

  /** Raises the commit index; never lowers it. */
  commitTo(index: number): void {
    if (index <= this.#commitIndex) return
    if (index > this.#lastIndex)
      assert(false, `commit index ${index} is beyond ${this.#lastIndex}: the log lost entries`)
    this.#commitIndex = index
  }

  /** Entries from `low` to the end within `bytesMax`, at least one; 'compacted' when the log no longer reaches back there. */
  entriesFrom(low: number, bytesMax: number): EntrySlice | 'compacted' {
    return this.slice(low, this.#lastIndex + 1, bytesMax)
  }

  /** Entries [low, high) within `bytesMax`, at least one. */
  slice(low: number, high: number, bytesMax: number): EntrySlice | 'compacted' {
    if (low >= high) return EMPTY_SLICE
    if (low < this.firstIndex) return 'compacted'
    if (low === this.#cachedLow && high === this.#cachedHigh) {
      const isWhole = this.#cached.entries.length === high - low && this.#cached.bytes <= bytesMax
      if (isWhole || bytesMax === this.#cachedBytesMax) return this.#cached
    }
    const slice = this.#cut(low, high, bytesMax)
    if (slice === 'compacted') return slice
    this.#cached = slice
    this.#cachedLow = low
    this.#cachedHigh = high
    this.#cachedBytesMax = bytesMax
    return slice
  }

  #cut(low: number, high: number, bytesMax: number): EntrySlice | 'compacted' {
    const start = this.#buffer.start
    if (low >= start) return limitBytes(this.#buffer.slice(low, high), bytesMax)
    const stored = this.#stable.entries(low, Math.min(high, start), bytesMax)
    if (stored === 'compacted') return stored
    if (stored === 'unavailable') assert(false, `stored entries [${low}, ${Math.min(high, start)}) are unavailable`)
    const older = limitBytes(stored, bytesMax)
    if (older.entries.length < start - low || high <= start) return older
    const newer = limitBytes(this.#buffer.slice(start, high), bytesMax - older.bytes)
    const firstNewer = newer.entries[0]
    if (firstNewer === undefined || older.bytes + entryBytes(firstNewer) > bytesMax) return older
    return { entries: older.entries.concat(newer.entries), bytes: older.bytes + newer.bytes }
  }

  /** Whether a committed entry that is not applied yet changes the membership (Thesis §4.1: such a replica must not campaign). */
  hasUnappliedMembershipChange(): boolean {
    let low = this.#applying.appliedIndex + 1
    if (this.#snapshot !== undefined) low = Math.max(low, this.#snapshot.index + 1)
    while (low <= this.#commitIndex) {
      const page = this.slice(low, this.#commitIndex + 1, this.#options.applyingBytesMax)
      assert(page !== 'compacted', `unapplied entry ${low} was compacted`)
      if (page.entries.some((entry) => changesMembership(entry.type))) return true
      low += page.entries.length
    }
    return false
  }

  // ---- what is to be written -------------------------------------------------------------------------------------

  get hasEntriesToWrite(): boolean {
    return this.#handedOut <= this.#lastIndex
  }

  get hasSnapshotToWrite(): boolean {
    return this.#snapshot !== undefined && !this.#snapshotHandedOut
  }

  /** Whether anything is not known to be durable, handed out or not. */
  get hasUnstableEntries(): boolean {
    return this.#offset <= this.#lastIndex
  }

  /** Entries to be written now. Does not move the cursor. */
  entriesToWrite(): readonly Entry[] {
    if (!this.hasEntriesToWrite) return EMPTY_SLICE.entries
    const slice = this.slice(this.#handedOut, this.#lastIndex + 1, Number.POSITIVE_INFINITY)
    if (slice === 'compacted') assert(false, `unwritten entry ${this.#handedOut} was compacted`)
    return slice.entries
  }

  snapshotToWrite(): SnapshotMeta | undefined {
    return this.#snapshotHandedOut ? undefined : this.#snapshot
  }

  /** The host took everything that is to be written. */
  acceptWrites(): void {
    this.#handedOut = this.#lastIndex + 1
    this.#snapshotHandedOut = this.#snapshot !== undefined
  }

  /**
   * The host stored everything up to the entry (index, term). False when that entry is not what this log holds there any
   * more. Story: 1. entry 5 of term 1 is being written; 2. a leader of term 2 replaces it; 3. a leader of term 3 replaces
   * it again; 4. the write of step 1 reports index 5. Only the term tells that this was not the current entry 5.
   */
  stableTo(index: number, term: number): boolean {
    if (index < this.#offset || index > this.#lastIndex || this.term(index) !== term) return false
    this.#offset = index + 1
    this.#handedOut = Math.max(this.#handedOut, this.#offset)
    this.#release()
    return true
  }

  /** Whether the entry (index, term) is known to be stored, by itself or as a part of what was compacted. */
  isStable(index: number, term: number): boolean {
    return index < this.#offset && (index < this.firstIndex || this.term(index) === term)
  }

  snapshotStableTo(index: number): void {
    if (this.#snapshot?.index !== index) return
    this.#snapshot = undefined
    this.#snapshotHandedOut = false
  }

  /** The log becomes exactly this snapshot (Raft §7, InstallSnapshot steps 6 and 7). */
  restore(snapshot: SnapshotMeta): void {
    assert(snapshot.index > this.#commitIndex, `snapshot ${snapshot.index} is not ahead of ${this.#commitIndex}`)
    this.#commitIndex = snapshot.index
    this.#snapshot = snapshot
    this.#snapshotHandedOut = false
    this.#lastIndex = snapshot.index
    this.#lastTerm = snapshot.term
    this.#lastRunStart = snapshot.index
    this.#offset = snapshot.index + 1
    this.#handedOut = snapshot.index + 1
    this.#buffer.reset(snapshot.index + 1)
    this.#forgetCached()
  }

  // ---- what is to be applied -------------------------------------------------------------------------------------

  #appliableIndex(): number {
    return this.#options.applyOnlyDurable ? Math.min(this.#commitIndex, this.#offset - 1) : this.#commitIndex
  }

  get hasEntriesToApply(): boolean {
    return this.#snapshot === undefined && this.#applying.mayTake(this.#appliableIndex())
  }

  /** The next page of committed entries. Does not move the cursor. */
  entriesToApply(): EntrySlice {
    if (!this.hasEntriesToApply) return EMPTY_SLICE
    const low = this.#applying.takenIndex + 1
    const slice = this.slice(low, this.#appliableIndex() + 1, this.#applying.bytesLeft)
    if (slice === 'compacted') assert(false, `committed entry ${low} was compacted before it was applied`)
    return slice
  }

  /** The host took a page. */
  acceptApplying(page: EntrySlice): void {
    if (page.entries.length === 0) return
    this.#applying.take(page, this.#appliableIndex())
    this.#release()
  }

  /** The state machine holds everything up to `index`. */
  appliedTo(index: number): void {
    if (index > this.#commitIndex) assert(false, `applied index ${index} is beyond commit index ${this.#commitIndex}`)
    this.#applying.finish(index)
    this.#release()
  }

  /** Drops durable entries from memory once they were handed out for applying, or earlier when memory is short. */
  #release(): void {
    this.#buffer.dropBefore(Math.min(this.#offset, this.#applying.takenIndex + 1))
    while (this.#buffer.bytes > this.#options.bufferedBytesMax && this.#buffer.start < this.#offset) {
      this.#buffer.dropBefore(this.#buffer.start + 1)
    }
    // What left the buffer must not stay in memory because it happened to be cut last.
    if (this.#cachedHigh <= this.#buffer.start) this.#forgetCached()
  }
}
