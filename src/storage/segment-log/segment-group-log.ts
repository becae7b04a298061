import { assert, present } from '../../base/index.ts'
import type { Entry, HardState, SnapshotMeta } from '../../raft/index.ts'
import { checkAppend, checkCompact } from '../log-checks.ts'
import { type GroupId, type GroupLog, LogStoreError } from '../log-store.ts'
import type { CachedLog } from './entry-cache.ts'
import {
  HARD_STATE_BYTES,
  type LogStart,
  type RunType,
  runRecordBytes,
  STATE_RECORD_BYTES,
  type StateType,
} from './records.ts'
import type { RecoveredLog } from './replay.ts'
import type { RunIndex } from './run-index.ts'

/**
 * The log of one group within the segment log: what is stored, where it stands, and the newest entries in memory. Changes
 * become records through `LogHost` and count at once; the segment log makes them durable. Only the store's loop calls it.
 */

/** What a group's log needs of the segment log. */
export interface LogHost {
  /** The segment that takes the records written now. */
  readonly segment: number
  /** Adds a record of `entries[from, to)`; returns its offset in `segment`. */
  writeRun(
    type: RunType,
    group: GroupId,
    entries: readonly Entry[],
    from: number,
    to: number,
    dataBytes: number,
    hardState: HardState | undefined,
  ): number
  writeState(type: StateType, log: SegmentGroupLog): void
  /** The entries of a durable record; throws LogStoreError. */
  readRun(group: GroupId, segment: number, offset: number, recordBytes: number): Entry[]
  cached(log: CachedLog, lastIndex: number, entries: number, dataBytes: number): void
  retain(segment: number, bytes: number, group: GroupId): void
  release(segment: number, bytes: number): void
  relocateWhenDurable(move: PendingMove): void
}

/** Entries that were copied to the head of the log, to be found there once the copy is durable. */
export interface PendingMove {
  readonly log: SegmentGroupLog
  readonly first: number
  readonly fromSegment: number
  readonly fromOffset: number
  readonly toSegment: number
  readonly toOffset: number
  readonly recordBytes: number
}

/** Bounds what one read has to fetch and check to get at one entry. */
const RUN_DATA_BYTES_MAX = 256 * 1024

export class SegmentGroupLog implements GroupLog, CachedLog {
  readonly group: GroupId
  readonly replica: number
  readonly #host: LogHost
  readonly #runs: RunIndex
  #start: LogStart
  #last: number
  #bytes = 0
  #hardState: HardState
  #anchorSegment: number
  #hardStateSegment: number
  /** The newest entries: #cached[#cachedHead] to the end are the last ones of the log, without a gap. */
  readonly #cached: (Entry | undefined)[] = []
  #cachedHead = 0
  #cacheEpoch = 0
  /** The lowest index that was used anew while the cache still counts entries of earlier epochs. */
  #reusedFrom = Number.POSITIVE_INFINITY
  #detached = false
  #describeSnapshot: () => SnapshotMeta | undefined = () => undefined

  constructor(host: LogHost, recovered: RecoveredLog) {
    this.#host = host
    this.group = recovered.group
    this.replica = recovered.replica
    this.#runs = recovered.runs
    this.#start = recovered.start
    this.#hardState = recovered.hardState
    this.#anchorSegment = recovered.anchorSegment
    this.#hardStateSegment = recovered.hardStateSegment
    const runs = this.#runs
    this.#last = runs.length === 0 ? this.#start.index : runs.at(runs.length - 1).last
    for (let i = 0; i < runs.length; i++) {
      const run = runs.at(i)
      if (Number.isNaN(run.dataBytes)) runs.setDataBytes(i, this.#measure(i))
      this.#bytes += runs.at(i).dataBytes
      host.retain(run.segment, run.recordBytes, this.group)
    }
    this.#retainState()
  }

  get cacheEpoch(): number {
    return this.#cacheEpoch
  }

  get hardState(): HardState {
    return this.#hardState
  }

  get bytes(): number {
    return this.#bytes
  }

  get start(): LogStart {
    return this.#start
  }

  firstIndex(): number {
    return this.#start.index + 1
  }

  lastIndex(): number {
    return this.#last
  }

  term(index: number): number | 'compacted' | 'unavailable' {
    if (index > this.#last) return 'unavailable'
    if (index <= this.#start.index) return index === this.#start.index ? this.#start.term : 'compacted'
    return this.#runs.termAt(this.#runs.find(index))
  }

  entries(low: number, high: number, bytesMax: number): readonly Entry[] | 'compacted' | 'unavailable' {
    assert(low <= high, `group ${this.group}: entries [${low}, ${high})`)
    if (low <= this.#start.index) return 'compacted'
    if (high > this.#last + 1) return 'unavailable'
    const found: Entry[] = []
    let bytes = 0
    let run = -1
    const cachedFirst = this.#cachedFirst()
    let index = low
    for (; index < high && index < cachedFirst; ) {
      run = run < 0 ? this.#runs.find(index) : run + 1
      const at = this.#runs.at(run)
      const stored = this.#host.readRun(this.group, at.segment, at.offset, at.recordBytes)
      const offset = index - present(stored[0], 'the first entry of a run').index
      for (let i = offset; index <= at.last && index < high && index < cachedFirst; i++, index++) {
        const entry = present(stored[i], `entry ${index} of group ${this.group}`)
        bytes += entry.data.length
        if (bytes > bytesMax && found.length > 0) return found
        found.push(entry)
      }
    }
    for (let i = this.#cachedHead + index - cachedFirst; index < high; i++, index++) {
      const entry = this.#cached[i] as Entry
      bytes += entry.data.length
      if (bytes > bytesMax && found.length > 0) return found
      found.push(entry)
    }
    return found
  }

  snapshot(): SnapshotMeta | undefined {
    return this.#describeSnapshot()
  }

  describeSnapshotsWith(describe: () => SnapshotMeta | undefined): void {
    this.#describeSnapshot = describe
  }

  append(entries: readonly Entry[], hardState: HardState | undefined): void {
    this.#checkAttached()
    if (hardState !== undefined) this.#hardState = hardState
    const first = entries[0]
    if (first === undefined) {
      if (hardState !== undefined) this.#writeState('state')
      return
    }
    checkAppend(this.group, this.firstIndex(), this.#last, entries)
    if (first.index <= this.#last) this.#cutFrom(first.index)
    const before = this.#bytes
    for (let from = 0; from < entries.length; ) from = this.#appendRun(entries, from, hardState)
    this.#host.cached(this, this.#last, entries.length, this.#bytes - before)
  }

  compact(index: number): void {
    this.#checkAttached()
    checkCompact(this.group, this.firstIndex(), this.#last, index)
    const term = this.term(index)
    assert(typeof term === 'number', `group ${this.group}: the term of entry ${index} is ${term}`)
    this.#start = { index, term }
    this.#dropCached(index)
    const before = this.#dataBytesOfRunWith(index)
    if (this.#runs.cutThrough(index, this.#onDeadRun)) this.#remeasure(0, before)
    this.#writeState('state')
  }

  reset(index: number, term: number): void {
    this.#checkAttached()
    assert(index >= 0 && term >= 0, `group ${this.group}: reset to (${index}, ${term})`)
    this.#forgetEntries()
    this.#start = { index, term }
    this.#last = index
    this.#reuseFrom(index + 1)
    this.#writeState('restart')
  }

  /** Writes the record that creates the group. */
  writeCreation(): void {
    this.#writeState('restart')
  }

  /** Gives up everything on disk; the object is of no use afterwards. */
  detach(): void {
    this.#forgetEntries()
    this.#releaseState()
    this.#detached = true
  }

  evict(index: number, epoch: number): void {
    if (epoch === this.#cacheEpoch) {
      // First in, first out: nothing of an earlier epoch is left.
      this.#reusedFrom = Number.POSITIVE_INFINITY
      this.#dropCached(index)
    } else this.#dropCached(Math.min(index, this.#reusedFrom - 1))
  }

  /** Copies what stands in `segment` to the head of the log; returns the bytes written. Throws LogStoreError. */
  moveOutOf(segment: number, bytesMax: number): number {
    let written = 0
    if (this.#anchorSegment === segment || this.#hardStateSegment === segment) {
      this.#writeState('state')
      written += STATE_RECORD_BYTES
    }
    for (let i = 0; i < this.#runs.length && written < bytesMax; i++) {
      if (this.#runs.segmentAt(i) === segment) written += this.#moveRun(i)
    }
    return written
  }

  /** The copy of `move` is durable: read it from there from now on, unless the entries are gone by now. */
  relocate(move: PendingMove): void {
    if (this.#detached) return
    const i = this.#runs.find(move.first)
    if (i === this.#runs.length) return
    const run = this.#runs.at(i)
    if (run.segment !== move.fromSegment || run.offset !== move.fromOffset) return
    this.#runs.relocate(i, move.toSegment, move.toOffset, move.recordBytes)
    this.#host.release(run.segment, run.recordBytes)
    this.#host.retain(move.toSegment, move.recordBytes, this.group)
  }

  /** Writes one record, of entries of one term and bounded in size; returns where the next one begins. */
  #appendRun(entries: readonly Entry[], from: number, hardState: HardState | undefined): number {
    const first = entries[from] as Entry
    let dataBytes = first.data.length
    let to = from + 1
    this.#cached.push(first)
    for (; to < entries.length; to++) {
      const entry = entries[to] as Entry
      if (entry.term !== first.term || dataBytes + entry.data.length > RUN_DATA_BYTES_MAX) break
      dataBytes += entry.data.length
      this.#cached.push(entry)
    }
    // The last record of the append carries the hard state, which may commit entries of any of them.
    const state = to === entries.length ? hardState : undefined
    const offset = this.#host.writeRun('entries', this.group, entries, from, to, dataBytes, state)
    const segment = this.#host.segment
    const recordBytes = runRecordBytes(to - from, dataBytes, state !== undefined)
    this.#last = first.index + to - from - 1
    this.#runs.push(first.index, this.#last, first.term, segment, offset, recordBytes, dataBytes)
    this.#bytes += dataBytes
    this.#host.retain(segment, recordBytes, this.group)
    if (state !== undefined) {
      this.#host.release(this.#hardStateSegment, HARD_STATE_BYTES)
      this.#hardStateSegment = segment
      this.#host.retain(segment, HARD_STATE_BYTES, this.group)
    }
    return to
  }

  #moveRun(i: number): number {
    const run = this.#runs.at(i)
    const stored = this.#host.readRun(this.group, run.segment, run.offset, run.recordBytes)
    const from = run.first - present(stored[0], 'the first entry of a run').index
    const to = from + run.last - run.first + 1
    let dataBytes = 0
    for (let at = from; at < to; at++) dataBytes += present(stored[at], 'an entry of a run').data.length
    const toOffset = this.#host.writeRun('moved', this.group, stored, from, to, dataBytes, undefined)
    const recordBytes = runRecordBytes(to - from, dataBytes, false)
    this.#host.relocateWhenDurable({
      log: this,
      first: run.first,
      fromSegment: run.segment,
      fromOffset: run.offset,
      toSegment: this.#host.segment,
      toOffset,
      recordBytes,
    })
    return recordBytes
  }

  #dropCached(index: number): void {
    const drop = Math.min(index + 1 - this.#cachedFirst(), this.#cached.length - this.#cachedHead)
    if (drop <= 0) return
    this.#cached.fill(undefined, this.#cachedHead, this.#cachedHead + drop)
    this.#cachedHead += drop
    if (this.#cachedHead * 2 < this.#cached.length) return
    this.#cached.splice(0, this.#cachedHead)
    this.#cachedHead = 0
  }

  #reuseFrom(index: number): void {
    this.#cacheEpoch++
    this.#reusedFrom = Math.min(this.#reusedFrom, index)
  }

  #cutFrom(index: number): void {
    this.#reuseFrom(index)
    const kept = Math.max(0, index - this.#cachedFirst())
    this.#cached.length = Math.min(this.#cached.length, this.#cachedHead + kept)
    this.#last = index - 1
    const before = this.#dataBytesOfRunWith(index)
    if (this.#runs.cutFrom(index, this.#onDeadRun)) this.#remeasure(this.#runs.length - 1, before)
  }

  #forgetEntries(): void {
    this.#cached.length = 0
    this.#cachedHead = 0
    this.#runs.cutFrom(0, this.#onDeadRun)
  }

  readonly #onDeadRun = (segment: number, recordBytes: number, dataBytes: number): void => {
    this.#bytes -= dataBytes
    this.#host.release(segment, recordBytes)
  }

  #dataBytesOfRunWith(index: number): number {
    const i = this.#runs.find(index)
    return i === this.#runs.length ? 0 : this.#runs.at(i).dataBytes
  }

  /** Run `i` was shortened: counts again what is left of the `before` bytes it had. */
  #remeasure(i: number, before: number): void {
    const dataBytes = this.#measure(i)
    this.#runs.setDataBytes(i, dataBytes)
    this.#bytes += dataBytes - before
  }

  /** Counts the data of run `i` entry by entry. */
  #measure(i: number): number {
    const run = this.#runs.at(i)
    const cachedFirst = this.#cachedFirst()
    let dataBytes = 0
    if (run.first >= cachedFirst) {
      const from = this.#cachedHead + run.first - cachedFirst
      for (let at = from; at <= from + run.last - run.first; at++) dataBytes += (this.#cached[at] as Entry).data.length
      return dataBytes
    }
    try {
      for (const entry of this.#host.readRun(this.group, run.segment, run.offset, run.recordBytes)) {
        if (entry.index >= run.first && entry.index <= run.last) dataBytes += entry.data.length
      }
    } catch (error) {
      // A count is not worth failing for: whoever needs these entries reads them, and learns of the damage then.
      if (!(error instanceof LogStoreError)) throw error
    }
    return dataBytes
  }

  #cachedFirst(): number {
    return this.#last + 1 - (this.#cached.length - this.#cachedHead)
  }

  #writeState(type: StateType): void {
    this.#releaseState()
    this.#host.writeState(type, this)
    this.#anchorSegment = this.#host.segment
    this.#hardStateSegment = this.#host.segment
    this.#retainState()
  }

  #retainState(): void {
    // A log that was just created has written nothing yet.
    if (this.#anchorSegment === 0) return
    this.#host.retain(this.#anchorSegment, STATE_RECORD_BYTES, this.group)
    this.#host.retain(this.#hardStateSegment, HARD_STATE_BYTES, this.group)
  }

  #releaseState(): void {
    if (this.#anchorSegment === 0) return
    this.#host.release(this.#anchorSegment, STATE_RECORD_BYTES)
    this.#host.release(this.#hardStateSegment, HARD_STATE_BYTES)
  }

  #checkAttached(): void {
    assert(!this.#detached, `group ${this.group}: the log of replica ${this.replica} was destroyed`)
  }
}
