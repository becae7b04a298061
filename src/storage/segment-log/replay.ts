import type { HardState } from '../../raft/index.ts'
import { type DamagedLog, type GroupId, UNKNOWN_GROUP } from '../log-store.ts'
import type { LogRecord, LogStart } from './records.ts'
import { RunIndex } from './run-index.ts'

/**
 * Rebuilds the groups' logs from the records of all segments, in the order in which they were written. It is given decoded
 * records and places of damage; it reads no files and cuts nothing.
 *
 * The oldest segments are gone, so a group's first records here may build on what was deleted. That is sound as long as a
 * later record makes up for it: a state or restart record for the beginning, moved records for the entries. What is still
 * missing at the end is damage.
 */
export interface Place {
  readonly segment: number
  readonly file: string
  readonly offset: number
  readonly length: number
}

export interface RecoveredLog {
  readonly group: GroupId
  replica: number
  start: LogStart
  hardState: HardState
  readonly runs: RunIndex
  /** Where the newest state or restart record stands; 0 when none was seen. */
  anchorSegment: number
  /** Where the newest record with the hard state stands. */
  hardStateSegment: number
}

const NO_HARD_STATE: HardState = { term: 0, votedFor: 0, commitIndex: 0 }
const ignoreDead = (): void => {}

/** A damaged log, and the oldest segment without which the next recovery could take it for a whole one. */
export interface SuspectedLog extends DamagedLog {
  readonly evidenceFrom: number
}

export class Replay {
  readonly #logs = new Map<GroupId, RecoveredLog>()
  /** Where the first record of each of those stands. */
  readonly #firstSegments = new Map<GroupId, number>()
  /** The first damage of each group that nothing later made harmless. */
  readonly #suspicions = new Map<GroupId, SuspectedLog>()

  apply(record: LogRecord, place: Place): void {
    switch (record.type) {
      case 'entries': {
        const log = this.#log(record.group, place)
        // The size of what is left of a cut run is found out at the end, where its bytes are read again.
        if (log.runs.cutFrom(record.first, ignoreDead)) log.runs.setDataBytes(log.runs.length - 1, Number.NaN)
        log.runs.push(
          record.first,
          record.last,
          record.term,
          place.segment,
          place.offset,
          place.length,
          record.dataBytes,
        )
        if (record.hardState !== undefined) {
          log.hardState = record.hardState
          log.hardStateSegment = place.segment
        }
        return
      }
      case 'moved':
        this.#log(record.group, place).runs.overlay({
          first: record.first,
          last: record.last,
          term: record.term,
          segment: place.segment,
          offset: place.offset,
          recordBytes: place.length,
          dataBytes: record.dataBytes,
        })
        return
      case 'restart':
        this.#forget(record.group)
        this.#anchor(this.#log(record.group, place), record.replica, record.start, record.hardState, place)
        return
      case 'state': {
        const log = this.#log(record.group, place)
        this.#anchor(log, record.replica, record.start, record.hardState, place)
        if (log.runs.cutThrough(record.start.index, ignoreDead)) log.runs.setDataBytes(0, Number.NaN)
        return
      }
      case 'tombstone':
        this.#forget(record.group)
        return
    }
  }

  /** A record of `group` could not be read. Only a new beginning of the group makes that harmless. */
  suspect(group: GroupId, segment: number, file: string, offset: number, reason: string): void {
    if (this.#suspicions.has(group)) return
    // That batches are missing shows only behind the ones before them, which may be in the segment before.
    this.#suspicions.set(group, { group, file, offset, reason, evidenceFrom: segment - 1 })
  }

  /** Bytes that could have belonged to anybody could not be read, so every group known by now may have lost something. */
  suspectAll(segment: number, file: string, offset: number, reason: string): void {
    for (const group of this.#logs.keys()) this.suspect(group, segment, file, offset, reason)
    this.suspect(UNKNOWN_GROUP, segment, file, offset, reason)
  }

  /** What the records add up to. `file` is named for logs in which something is missing without a trace. */
  finish(file: string): { readonly logs: readonly RecoveredLog[]; readonly damaged: readonly SuspectedLog[] } {
    for (const log of this.#logs.values()) {
      const reason = whatIsMissing(log)
      if (reason !== undefined) this.suspect(log.group, this.#firstSegmentOf(log.group), file, 0, reason)
    }
    const logs = [...this.#logs.values()].filter((log) => !this.#suspicions.has(log.group))
    const damaged = [...this.#suspicions.values()].map((each): SuspectedLog => {
      return { ...each, evidenceFrom: Math.min(each.evidenceFrom, this.#firstSegmentOf(each.group)) }
    })
    return { logs, damaged }
  }

  #firstSegmentOf(group: GroupId): number {
    return this.#firstSegments.get(group) ?? Number.POSITIVE_INFINITY
  }

  #log(group: GroupId, { segment }: Place): RecoveredLog {
    let log = this.#logs.get(group)
    if (log === undefined) {
      log = {
        group,
        replica: 0,
        start: { index: 0, term: 0 },
        hardState: NO_HARD_STATE,
        runs: new RunIndex(),
        anchorSegment: 0,
        hardStateSegment: 0,
      }
      this.#logs.set(group, log)
      this.#firstSegments.set(group, segment)
    }
    return log
  }

  #anchor(log: RecoveredLog, replica: number, start: LogStart, hardState: HardState, place: Place): void {
    log.replica = replica
    log.start = start
    log.hardState = hardState
    log.anchorSegment = place.segment
    log.hardStateSegment = place.segment
  }

  #forget(group: GroupId): void {
    this.#logs.delete(group)
    this.#firstSegments.delete(group)
    this.#suspicions.delete(group)
  }
}

function whatIsMissing(log: RecoveredLog): string | undefined {
  if (log.anchorSegment === 0) return `the beginning of group ${log.group} is missing`
  let next = log.start.index + 1
  for (let i = 0; i < log.runs.length; i++) {
    const run = log.runs.at(i)
    if (run.first !== next) return `entries ${next} to ${run.first - 1} of group ${log.group} are missing`
    next = run.last + 1
  }
  return undefined
}
