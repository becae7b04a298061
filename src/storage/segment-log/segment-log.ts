import { assert, type Logger, present } from '../../base/index.ts'
import type { Entry, HardState } from '../../raft/index.ts'
import { checkNewGroup, diskError } from '../log-checks.ts'
import {
  type DamagedLog,
  type GroupId,
  type GroupLog,
  type LogStore,
  LogStoreError,
  type LogStoreStats,
} from '../log-store.ts'
import { BatchBuffer } from './batch-buffer.ts'
import { DamagedLogs } from './damaged-logs.ts'
import { type CachedLog, EntryCache } from './entry-cache.ts'
import { planCollection } from './garbage.ts'
import { encodeSegmentHeader, FORMAT_VERSION } from './layout.ts'
import { decodeRunEntries, type LogStart, type RunType, type StateType } from './records.ts'
import type { Recovered } from './recover.ts'
import { RunIndex } from './run-index.ts'
import { type LogHost, type PendingMove, SegmentGroupLog } from './segment-group-log.ts'
import type { Segment, Segments } from './segments.ts'

/**
 * The shared log on disk: one batch, one write and one fdatasync per `sync` for all groups. Opened by `openSegmentLog`.
 * It neither interprets entries nor starts timers. The layout is in `layout.ts` and `records.ts`, recovery in `recover.ts`,
 * what to rewrite in `garbage.ts`.
 *
 * A batch is written as a whole into one segment and recovered as a whole or not at all; a segment is full once it has
 * reached `segmentBytes`, so the last batch may reach beyond it.
 *
 * Removing a segment, crash-safe at every step: (1) whatever is live in the oldest segment is written again at the head;
 * (2) once nothing in it is live, a later batch is stamped with the next segment as the oldest needed; (3) when that batch
 * is durable, the file is removed. Recovery ignores, and removes, files older than the newest stamp says, and misses any
 * younger one that is not there.
 */
export interface SegmentLogSettings {
  readonly segmentBytes: number
  readonly cacheBytes: number
}

interface DoomedSegment {
  readonly segment: Segment
  /** The first batch whose stamp no longer needs the segment. */
  readonly batch: number
}

type Life = 'open' | 'closing' | 'closed'

export class SegmentLog implements LogStore, LogHost {
  readonly #settings: SegmentLogSettings
  readonly #logger: Logger
  readonly #logId: number
  readonly #segments: Segments
  readonly #groups = new Map<GroupId, SegmentGroupLog>()
  readonly #damaged: DamagedLogs
  readonly #cache: EntryCache
  #filling: BatchBuffer
  #writing: BatchBuffer
  /** The segment the filling batch goes to, 0 while it is empty, and the batch's offset there. */
  #segment = 0
  #batchOffset = 0
  /** The segment of the batch that was written last, or is being written. */
  #segmentWriting = 0
  #appendable: boolean
  /** The newest segment whose file exists. */
  #newestFile: number
  #nextBatch: number
  /** A batch is due even without records, for the sake of its stamp or of its mere existence. */
  #stampDue = false
  /** The newest batch holds records, so it is not known durable by a batch behind it. */
  #newestBatchCounts = false
  #batchAtLastCollection = 0
  #moves: PendingMove[] = []
  #movesWriting: PendingMove[] = []
  #doomed: DoomedSegment[] = []
  #done: ((error: LogStoreError | undefined) => void) | undefined
  #error: LogStoreError | undefined
  #life: Life = 'open'
  #closed: Promise<void> | undefined
  #whenIdle: (() => void) | undefined
  #syncs = 0
  #entriesAppended = 0
  #bytesWritten = 0

  constructor(recovered: Recovered, settings: SegmentLogSettings, logger: Logger) {
    this.#settings = settings
    this.#logger = logger
    this.#logId = recovered.logId
    this.#segments = recovered.segments
    this.#damaged = new DamagedLogs(recovered.damaged)
    this.#appendable = recovered.appendable
    this.#newestFile = recovered.segments.newest
    this.#nextBatch = recovered.nextBatch
    this.#cache = new EntryCache(settings.cacheBytes)
    this.#filling = new BatchBuffer(recovered.logId)
    this.#writing = new BatchBuffer(recovered.logId)
    for (const log of recovered.logs) this.#groups.set(log.group, new SegmentGroupLog(this, log))
  }

  groups(): ReadonlyMap<GroupId, GroupLog> {
    return this.#groups
  }

  damaged(): readonly DamagedLog[] {
    return this.#damaged.list()
  }

  get dirty(): boolean {
    return this.#filling.records > 0 || this.#stampDue
  }

  create(group: GroupId, replica: number, start: LogStart): GroupLog {
    checkNewGroup(group, replica)
    assert(!this.#groups.has(group), `group ${group} has a log already`)
    assert(!this.#damaged.has(group), `group ${group} has a damaged log; destroy it first`)
    this.#checkOpen()
    const log = new SegmentGroupLog(this, {
      group,
      replica,
      start,
      hardState: { term: 0, votedFor: 0, commitIndex: 0 },
      runs: new RunIndex(),
      anchorSegment: 0,
      hardStateSegment: 0,
    })
    log.writeCreation()
    this.#groups.set(group, log)
    return log
  }

  destroy(group: GroupId): void {
    this.#checkOpen()
    const log = this.#groups.get(group)
    assert(log !== undefined || this.#damaged.has(group), `group ${group} has no log to destroy`)
    log?.detach()
    this.#groups.delete(group)
    this.#damaged.remove(group)
    this.#place()
    this.#filling.addTombstone(group, log?.replica ?? 0)
  }

  sync(done: (error: LogStoreError | undefined) => void): void {
    if (this.#life === 'open') this.#startSync(done)
    else queueMicrotask(() => done(closedError()))
  }

  stats(): LogStoreStats {
    return {
      segments: this.#segments.count,
      bytes: this.#segments.bytes,
      syncs: this.#syncs,
      entriesAppended: this.#entriesAppended,
      bytesWritten: this.#bytesWritten,
    }
  }

  collectGarbage(): void {
    // While copies are on their way, what they replace still counts as live.
    if (this.#life !== 'open' || this.#error !== undefined) return
    if (this.#moves.length > 0 || this.#movesWriting.length > 0) return
    const end = this.#damaged.evidenceFrom
    this.#rewrite(end)
    this.#dropDead(end)
    if (this.#newestBatchCounts && !this.dirty && this.#batchAtLastCollection === this.#nextBatch) this.#stampDue = true
    this.#batchAtLastCollection = this.#nextBatch
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  // What follows, up to the private part, is LogHost: for the groups' logs only.

  get segment(): number {
    return this.#segment
  }

  writeRun(
    type: RunType,
    group: GroupId,
    entries: readonly Entry[],
    from: number,
    to: number,
    dataBytes: number,
    hardState: HardState | undefined,
  ): number {
    this.#checkOpen()
    this.#place()
    const offset = this.#batchOffset + this.#filling.offset
    this.#filling.addRun(type, group, entries, from, to, dataBytes, hardState)
    if (type === 'entries') this.#entriesAppended += to - from
    return offset
  }

  writeState(type: StateType, log: SegmentGroupLog): void {
    this.#checkOpen()
    this.#place()
    const { group, replica, start, hardState } = log
    this.#filling.addState({ type, group, replica, start, hardState })
  }

  readRun(group: GroupId, segment: number, offset: number, recordBytes: number): Entry[] {
    let bytes: Uint8Array
    try {
      bytes = this.#segments.read(segment, offset, recordBytes)
    } catch (error) {
      // Reading failed in the file system; the caller gets it with a code it knows.
      throw diskError(`reading the log of group ${group}`, error as NodeJS.ErrnoException)
    }
    const entries = decodeRunEntries(bytes, this.#logId, group)
    if (entries !== undefined) return entries
    const file = this.#segments.get(segment).path
    const reason = `a record of ${recordBytes} bytes fails its checksum when read again`
    if (this.#groups.has(group)) this.#damaged.add({ group, file, offset, reason }, this.#segments.oldest)
    throw new LogStoreError('DAMAGED', `the log of group ${group} is damaged in ${file} at ${offset}: ${reason}`)
  }

  cached(log: CachedLog, lastIndex: number, entries: number, dataBytes: number): void {
    this.#cache.add(log, lastIndex, entries, dataBytes)
  }

  retain(segment: number, bytes: number, group: GroupId): void {
    this.#segments.retain(segment, bytes, group)
  }

  release(segment: number, bytes: number): void {
    this.#segments.release(segment, bytes)
  }

  relocateWhenDurable(move: PendingMove): void {
    this.#moves.push(move)
  }

  #checkOpen(): void {
    if (this.#life !== 'open') throw closedError()
  }

  /** Decides where the filling batch will stand, so that records know their place before it is written. */
  #place(): void {
    if (this.#segment !== 0) return
    const newest = this.#segments.newest
    const full = newest < this.#segments.oldest || this.#segments.get(newest).bytes >= this.#settings.segmentBytes
    const segment = full || !this.#appendable ? this.#segments.add() : this.#segments.get(newest)
    this.#appendable = true
    this.#segment = segment.sequence
    this.#batchOffset = segment.bytes
  }

  #startSync(done: (error: LogStoreError | undefined) => void): void {
    assert(this.#done === undefined, 'a sync is running')
    this.#done = done
    if (this.#error !== undefined || !this.dirty) queueMicrotask(() => this.#finish(this.#error))
    else this.#writeBatch()
  }

  #writeBatch(): void {
    this.#place()
    const segment = this.#segments.get(this.#segment)
    const batch = this.#filling
    this.#newestBatchCounts = batch.records > 0
    const bytes = batch.seal(this.#nextBatch, this.#segments.oldest)
    this.#nextBatch++
    this.#stampDue = false
    this.#filling = this.#writing
    this.#writing = batch
    this.#segmentWriting = this.#segment
    this.#segment = 0
    this.#movesWriting = this.#moves
    this.#moves = []
    this.#cache.writing()
    segment.bytes += bytes.length
    this.#bytesWritten += bytes.length
    try {
      const isNew = segment.sequence > this.#newestFile
      const file = this.#segments.appendHandle(segment.sequence, !isNew)
      this.#newestFile = segment.sequence
      file.appendAndSync(isNew ? [this.#header(segment.sequence), bytes] : [bytes], this.#onWritten)
    } catch (error) {
      // The file could not be created or opened: the same end as a failed write.
      queueMicrotask(() => this.#onWritten(error as NodeJS.ErrnoException))
    }
  }

  #header(sequence: number): Uint8Array {
    return encodeSegmentHeader({ version: FORMAT_VERSION, logId: this.#logId, sequence })
  }

  readonly #onWritten = (cause: NodeJS.ErrnoException | undefined): void => {
    this.#writing.clear()
    if (cause !== undefined) {
      // Never tried again: after a failed fdatasync nobody knows what the kernel still holds.
      this.#error = diskError('writing the log', cause)
      this.#logger.log('error', this.#error.message, { code: this.#error.code })
    } else {
      this.#syncs++
      for (const move of this.#movesWriting) move.log.relocate(move)
      this.#movesWriting = []
      this.#cache.written()
      this.#removeDoomed()
    }
    this.#finish(this.#error)
  }

  #finish(error: LogStoreError | undefined): void {
    const done = present(this.#done, 'the callback of the running sync')
    this.#done = undefined
    done(error)
    this.#whenIdle?.()
  }

  /** Copies live records out of the oldest segments before `end`, as far as that pays. */
  #rewrite(end: number): void {
    const newest = this.#segments.newest
    const plan = planCollection(
      this.#segments,
      this.#done === undefined ? newest : Math.min(newest, this.#segmentWriting),
    )
    if (plan === undefined || plan.segment.sequence >= end) return
    let budget = plan.bytesMax
    for (const group of plan.segment.groups) {
      if (budget <= 0) return
      try {
        budget -= this.#groups.get(group)?.moveOutOf(plan.segment.sequence, budget) ?? 0
      } catch (error) {
        // A record that cannot be read stays where it is, and pins its segment; the group is listed as damaged.
        if (!(error instanceof LogStoreError)) throw error
        this.#logger.log('error', error.message, { group, code: error.code })
        return
      }
    }
  }

  #dropDead(end: number): void {
    while (this.#segments.oldest < Math.min(this.#segments.newest, end)) {
      const oldest = this.#segments.get(this.#segments.oldest)
      if (oldest.liveBytes > 0) return
      this.#doomed.push({ segment: this.#segments.dropOldest(), batch: this.#nextBatch })
      this.#stampDue = true
    }
  }

  #removeDoomed(): void {
    if (this.#doomed.length === 0) return
    const durableBatch = this.#nextBatch - 1
    for (const { segment, batch } of this.#doomed) {
      if (batch > durableBatch) continue
      try {
        this.#segments.removeFile(segment)
      } catch (error) {
        // A file that stays costs disk and nothing else; the next start removes it.
        this.#logger.log('warn', 'could not remove a segment of the log', { file: segment.path, error: String(error) })
      }
    }
    this.#doomed = this.#doomed.filter((doomed) => doomed.batch > durableBatch)
  }

  async #close(): Promise<void> {
    this.#life = 'closing'
    if (this.#done !== undefined) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
    this.#whenIdle = undefined
    if (this.#error === undefined && (this.dirty || this.#newestBatchCounts)) {
      this.#stampDue = true
      await this.#syncToClose()
      // A batch with records does not prove itself; the empty one behind it does.
      if (this.#error === undefined && this.#newestBatchCounts) {
        this.#stampDue = true
        await this.#syncToClose()
      }
    }
    this.#life = 'closed'
    this.#segments.close()
  }

  #syncToClose(): Promise<void> {
    return new Promise((resolve) => this.#startSync(() => resolve()))
  }
}

function closedError(): LogStoreError {
  return new LogStoreError('CLOSED', 'the log is closed')
}
