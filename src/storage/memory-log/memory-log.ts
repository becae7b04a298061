import { assert } from '../../base/index.ts'
import type { Entry, HardState, SnapshotMeta } from '../../raft/index.ts'
import { checkAppend, checkCompact, checkNewGroup } from '../log-checks.ts'
import {
  type DamagedLog,
  type GroupId,
  type GroupLog,
  type LogStore,
  LogStoreError,
  type LogStoreStats,
} from '../log-store.ts'

/**
 * A log store without files, for `engine: memory`: everything is gone when the process is. It keeps the manners of a real
 * one (`sync` reports later, one at a time), so that nothing above it can tell them apart by anything but speed.
 */
interface Start {
  readonly index: number
  readonly term: number
}

interface Counters {
  entriesAppended: number
  dirty: boolean
  closed: boolean
}

class MemoryGroupLog implements GroupLog {
  readonly group: GroupId
  readonly replica: number
  readonly #counters: Counters
  #start: Start
  #entries: Entry[] = []
  #bytes = 0
  #hardState: HardState = { term: 0, votedFor: 0, commitIndex: 0 }
  #detached = false
  #describeSnapshot: () => SnapshotMeta | undefined = () => undefined

  constructor(group: GroupId, replica: number, start: Start, counters: Counters) {
    this.group = group
    this.replica = replica
    this.#start = start
    this.#counters = counters
  }

  get hardState(): HardState {
    return this.#hardState
  }

  get bytes(): number {
    return this.#bytes
  }

  firstIndex(): number {
    return this.#start.index + 1
  }

  lastIndex(): number {
    return this.#start.index + this.#entries.length
  }

  term(index: number): number | 'compacted' | 'unavailable' {
    if (index === this.#start.index) return this.#start.term
    if (index < this.#start.index) return 'compacted'
    return this.#entries[index - this.firstIndex()]?.term ?? 'unavailable'
  }

  entries(low: number, high: number, bytesMax: number): readonly Entry[] | 'compacted' | 'unavailable' {
    assert(low <= high, `group ${this.group}: entries [${low}, ${high})`)
    if (low < this.firstIndex()) return 'compacted'
    if (high > this.lastIndex() + 1) return 'unavailable'
    const from = low - this.firstIndex()
    const until = high - this.firstIndex()
    let to = from
    let bytes = 0
    for (; to < until; to++) {
      bytes += (this.#entries[to] as Entry).data.length
      if (bytes > bytesMax && to > from) break
    }
    return this.#entries.slice(from, to)
  }

  snapshot(): SnapshotMeta | undefined {
    return this.#describeSnapshot()
  }

  describeSnapshotsWith(describe: () => SnapshotMeta | undefined): void {
    this.#describeSnapshot = describe
  }

  append(entries: readonly Entry[], hardState: HardState | undefined): void {
    this.#change()
    const first = entries[0]
    if (first !== undefined) {
      checkAppend(this.group, this.firstIndex(), this.lastIndex(), entries)
      this.#remove(first.index - this.firstIndex(), this.#entries.length)
      for (const entry of entries) {
        this.#entries.push(entry)
        this.#bytes += entry.data.length
      }
      this.#counters.entriesAppended += entries.length
    }
    if (hardState !== undefined) this.#hardState = hardState
  }

  compact(index: number): void {
    this.#change()
    checkCompact(this.group, this.firstIndex(), this.lastIndex(), index)
    const count = index - this.#start.index
    const term = (this.#entries[count - 1] as Entry).term
    this.#remove(0, count)
    this.#start = { index, term }
  }

  reset(index: number, term: number): void {
    this.#change()
    assert(index >= 0 && term >= 0, `group ${this.group}: reset to (${index}, ${term})`)
    this.#remove(0, this.#entries.length)
    this.#start = { index, term }
  }

  detach(): void {
    this.#detached = true
    this.#entries = []
  }

  #remove(from: number, to: number): void {
    if (from === to) return
    for (const entry of this.#entries.splice(from, to - from)) this.#bytes -= entry.data.length
  }

  #change(): void {
    assert(!this.#detached, `group ${this.group}: the log of replica ${this.replica} was destroyed`)
    if (this.#counters.closed) throw closedError()
    this.#counters.dirty = true
  }
}

export class MemoryLog implements LogStore {
  readonly #soon: (run: () => void) => void
  readonly #groups = new Map<GroupId, MemoryGroupLog>()
  readonly #counters: Counters = { entriesAppended: 0, dirty: false, closed: false }
  #syncing = false
  #syncs = 0

  /** `soon` delivers the reports of `sync`, later than the call: `Clock.soon`. */
  constructor(soon: (run: () => void) => void) {
    this.#soon = soon
  }

  groups(): ReadonlyMap<GroupId, GroupLog> {
    return this.#groups
  }

  damaged(): readonly DamagedLog[] {
    return []
  }

  get dirty(): boolean {
    return this.#counters.dirty
  }

  create(group: GroupId, replica: number, start: Start): GroupLog {
    checkNewGroup(group, replica)
    assert(!this.#groups.has(group), `group ${group} has a log already`)
    if (this.#counters.closed) throw closedError()
    const log = new MemoryGroupLog(group, replica, start, this.#counters)
    this.#groups.set(group, log)
    this.#counters.dirty = true
    return log
  }

  destroy(group: GroupId): void {
    const log = this.#groups.get(group)
    assert(log !== undefined, `group ${group} has no log to destroy`)
    if (this.#counters.closed) throw closedError()
    log.detach()
    this.#groups.delete(group)
    this.#counters.dirty = true
  }

  sync(done: (error: LogStoreError | undefined) => void): void {
    assert(!this.#syncing, 'a sync is running')
    this.#syncing = true
    const error = this.#counters.closed ? closedError() : undefined
    this.#counters.dirty = false
    this.#soon(() => {
      this.#syncing = false
      if (error === undefined) this.#syncs++
      done(error)
    })
  }

  stats(): LogStoreStats {
    let bytes = 0
    for (const log of this.#groups.values()) bytes += log.bytes
    return { segments: 0, bytes, syncs: this.#syncs, entriesAppended: this.#counters.entriesAppended, bytesWritten: 0 }
  }

  collectGarbage(): void {}

  async close(): Promise<void> {
    this.#counters.closed = true
  }
}

function closedError(): LogStoreError {
  return new LogStoreError('CLOSED', 'the log is closed')
}
