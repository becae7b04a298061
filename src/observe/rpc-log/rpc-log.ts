/**
 * The log of messages between stores: takes notes from the hot path, matches answers now and then, and keeps what came of each in a bounded ring on disk. It
 * records what this store sends; answers come to the one who asked. Heartbeats have a ring of their own, so that they push nothing else out.
 */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Clock, RpcRecorder, Timer } from '../../base/index.ts'
import { CALL_ERRORS, CALL_TYPES, type Call, type CallFilter, type EndedCall } from './call.ts'
import { type CallStats, StatsBuilder } from './call-stats.ts'
import { Matcher } from './matcher.ts'
import { Names } from './names.ts'
import { PendingRows } from './pending-rows.ts'
import { Recorder } from './recorder.ts'
import { RingFile } from './ring-file.ts'
import type { Row } from './row.ts'

export interface RpcLogOptions {
  readonly store: string
  readonly clock: Clock
  /** Undefined keeps it in memory. */
  readonly directory: string | undefined
  readonly maxRows: number
  /** Told once when the log can no longer be written; it goes on without. */
  readonly onFailure?: (error: Error) => void
}

const EMPTY_EVERY_MS = 250
const HEARTBEAT_SHARE = 10
const ROWS_MIN = 16
/** Rows stand in the order in which calls ended: an unanswered one ends this much after it began. */
const DISORDER_MS = 15_000

interface Track {
  readonly ring: RingFile
  readonly pending: PendingRows
}

export class RpcLog {
  readonly #options: RpcLogOptions
  readonly #names: Names
  readonly #calls: Track
  readonly #heartbeats: Track
  readonly #recorder: Recorder
  readonly #matcher: Matcher
  readonly #wallOffsetMs: number
  /** Numbers of names on disk: this store's own, and those of its peers by the recorder's number. */
  readonly #from: number
  readonly #to: number[] = []
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()
  #isBusy = false
  #isClosed = false
  #hasFailed = false
  #dropped = 0

  private constructor(options: RpcLogOptions, names: Names, calls: RingFile, heartbeats: RingFile) {
    const { clock } = options
    this.#options = options
    this.#names = names
    this.#from = names.number(options.store)
    this.#calls = { ring: calls, pending: new PendingRows(calls.next) }
    this.#heartbeats = { ring: heartbeats, pending: new PendingRows(heartbeats.next) }
    this.#recorder = new Recorder(clock, () => clock.soon(() => this.#empty()))
    this.#matcher = new Matcher((call) => this.#ended(call))
    this.#wallOffsetMs = clock.wallMs() - clock.nowMs()
    this.#arm()
  }

  /** Rejects with the file system's error when the directory cannot be used. */
  static async open(options: RpcLogOptions): Promise<RpcLog> {
    const { directory, maxRows } = options
    const at = (name: string): string | undefined => (directory === undefined ? undefined : path.join(directory, name))
    if (directory !== undefined) await mkdir(directory, { recursive: true })
    const calls = await RingFile.open(at('calls.ring'), Math.max(ROWS_MIN, maxRows))
    const heartbeatRows = Math.max(ROWS_MIN, Math.floor(maxRows / HEARTBEAT_SHARE))
    const heartbeats = await RingFile.open(at('heartbeats.ring'), heartbeatRows)
    return new RpcLog(options, await Names.open(at('names.json')), calls, heartbeats)
  }

  /** For the store's loop. */
  get recorder(): RpcRecorder {
    return this.#recorder
  }

  /** Messages that found no room on their way here. */
  get dropped(): number {
    return this.#dropped + this.#recorder.dropped
  }

  get rows(): number {
    return this.#calls.ring.rows
  }

  /** The newest `limit` calls that pass, newest first. */
  async query(filter: CallFilter, limit: number): Promise<Call[]> {
    const found: Call[] = []
    await this.#visit(filter, limit, (call) => found.push(call))
    return found.sort((left, right) => (left.ts < right.ts ? 1 : left.ts > right.ts ? -1 : 0)).slice(0, limit)
  }

  /** Figures over everything that passes. */
  async stats(filter: CallFilter): Promise<CallStats> {
    const builder = new StatsBuilder()
    await this.#visit(filter, Number.POSITIVE_INFINITY, (call) => builder.add(call))
    return builder.finish({ rows: this.rows, rowsMax: this.#calls.ring.capacity, dropped: this.dropped })
  }

  /** Writes what was noted. Calls that still wait for an answer are lost with the process. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#empty()
    this.#isClosed = true
    this.#timer?.cancel()
    await this.#writing
    // What was noted just as a write came to its end has not been taken along by it.
    if (!this.#hasFailed) await this.#write()
    await this.#calls.ring.close()
    await this.#heartbeats.ring.close()
  }

  async #visit(filter: CallFilter, limit: number, take: (call: Call) => void): Promise<void> {
    this.#empty()
    await this.#writing
    const tracks = filter.heartbeats === true ? [this.#calls, this.#heartbeats] : [this.#calls]
    for (const { ring } of tracks) {
      let count = 0
      await ring.backward((row) => {
        if (filter.sinceMs !== undefined && row.wallMs < filter.sinceMs - DISORDER_MS) return false
        const call = this.#call(row)
        if (!passes(call, row, filter)) return true
        take(call)
        return ++count < limit
      })
    }
  }

  #call(row: Row): Call {
    const error = CALL_ERRORS[row.error] ?? 'none'
    return {
      id: `${row.heartbeat ? 'h' : 'c'}${row.sequence}`,
      ts: new Date(row.wallMs).toISOString(),
      from: this.#names.name(row.from),
      to: this.#names.name(row.to),
      type: CALL_TYPES[row.type] ?? 'AppendEntries',
      group: row.group,
      term: row.term,
      entries: row.entries,
      bytes: row.bytes,
      latencyMs: row.latencyMs ?? null,
      heartbeat: row.heartbeat,
      error: error === 'none' ? null : error,
    }
  }

  #arm(): void {
    this.#timer = this.#options.clock.after(EMPTY_EVERY_MS, () => {
      this.#matcher.expire(this.#options.clock.nowMs())
      this.#empty()
      if (!this.#isClosed) this.#arm()
    })
  }

  #empty(): void {
    if (this.#isClosed) return
    this.#recorder.empty((note) => this.#matcher.take(note))
    if (this.#isBusy || this.#hasFailed) return
    if (this.#calls.pending.isEmpty && this.#heartbeats.pending.isEmpty) return
    this.#isBusy = true
    this.#writing = this.#write().then(
      () => {
        this.#isBusy = false
      },
      (error: unknown) => {
        // A full or broken disk ends the store elsewhere; here it ends only the log.
        this.#isBusy = false
        this.#hasFailed = true
        this.#options.onFailure?.(error instanceof Error ? error : new Error(String(error)))
      },
    )
  }

  #ended(call: EndedCall): void {
    const { pending } = call.heartbeat ? this.#heartbeats : this.#calls
    const wallMs = Math.round(call.sentMs + this.#wallOffsetMs)
    const to = this.#to[call.peer] ?? this.#nameOf(call.peer)
    if (this.#hasFailed || !pending.add(call, wallMs, this.#from, to)) this.#dropped++
  }

  #nameOf(peer: number): number {
    const number = this.#names.number(this.#recorder.names[peer] ?? '?')
    this.#to[peer] = number
    return number
  }

  async #write(): Promise<void> {
    while (!this.#calls.pending.isEmpty || !this.#heartbeats.pending.isEmpty) {
      const batches = [this.#calls, this.#heartbeats].map(({ ring, pending }) => ({ ring, rows: pending.take() }))
      await this.#names.save()
      for (const { ring, rows } of batches) if (rows.length > 0) await ring.append(rows)
    }
  }
}

function passes(call: Call, row: Row, filter: CallFilter): boolean {
  return (
    (filter.types === undefined || filter.types.includes(call.type)) &&
    (filter.group === undefined || call.group === filter.group) &&
    (filter.peer === undefined || call.from === filter.peer || call.to === filter.peer) &&
    (filter.sinceMs === undefined || row.wallMs >= filter.sinceMs)
  )
}
