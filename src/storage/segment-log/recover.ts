import { Buffer } from 'node:buffer'
import type { Logger, Random } from '../../base/index.ts'
import type { FileSystem } from '../file-system.ts'
import { LogStoreError } from '../log-store.ts'
import {
  decodeSegmentHeader,
  FORMAT_VERSION,
  parseSegmentFileName,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  viewOf,
} from './layout.ts'
import { decodeRecord } from './records.ts'
import { type RecoveredLog, Replay, type SuspectedLog } from './replay.ts'
import { type ScannedBatch, SegmentScanner } from './scan.ts'
import { LOG_DIRECTORY, Segments, segmentPath } from './segments.ts'

/**
 * Opens what an earlier process left: reads every segment, replays it, cuts the traces of an interrupted write, removes what
 * was about to be removed, and makes durable what it accepts (after a kill, bytes that were read back may still be in the
 * page cache only, and followers acknowledge what they find here). Changes no file before everything was read and understood.
 */
export interface Recovered {
  readonly logId: number
  readonly segments: Segments
  /** Whether the newest segment may take more batches. */
  readonly appendable: boolean
  readonly nextBatch: number
  readonly logs: readonly RecoveredLog[]
  readonly damaged: readonly SuspectedLog[]
}

/** More segments than any disk holds; a stray file with a high number must not send recovery on an endless search. */
const SEGMENT_SPAN_MAX = 1_000_000

interface SegmentFile {
  readonly sequence: number
  readonly path: string
  readonly bytes: number
  readonly header: SegmentHeader | undefined
}

/** How the newest segment ends. */
interface Tail {
  /** Where its good bytes end: an interrupted write starts here, or nothing. */
  readonly end: number
  readonly interrupted: boolean
  readonly damaged: boolean
  readonly newestBatch: ScannedBatch | undefined
}

export function recover(files: FileSystem, random: Random, logger: Logger): Recovered {
  files.makeDirectory(LOG_DIRECTORY)
  const found = readHeaders(files)
  const unborn = unbornSegment(files, found)
  if (unborn !== undefined) found.pop()
  const newest = found.at(-1)
  const logId = found.find((file) => file.header !== undefined)?.header?.logId ?? random.below(2 ** 32)
  if (newest === undefined) {
    if (unborn !== undefined) removeSegment(files, unborn)
    return { logId, segments: new Segments(files, 1), appendable: false, nextBatch: 1, logs: [], damaged: [] }
  }

  // A segment that was begun proves that the one before it is durable to its end.
  const tail = findTail(files, newest, logId, unborn !== undefined)
  const oldest = oldestNeeded(files, found, logId, tail)
  if (newest.sequence - oldest > SEGMENT_SPAN_MAX) {
    throw new LogStoreError(
      'DAMAGED',
      `${files.root}/${LOG_DIRECTORY} has segments ${oldest} to ${newest.sequence}, which no log of ours has: remove the files that do not belong there`,
    )
  }
  const replay = new Replay()
  const batches = new BatchOrder(replay)
  const segments = new Segments(files, oldest)
  const bySequence = new Map(found.map((file) => [file.sequence, file]))
  for (let sequence = oldest; sequence <= newest.sequence; sequence++) {
    const file = bySequence.get(sequence)
    if (file === undefined) {
      replay.suspectAll(sequence, segmentPath(sequence), 0, `segment file ${segmentPath(sequence)} is missing`)
      segments.add(0)
      continue
    }
    const end = file === newest && tail.interrupted ? tail.end : file.bytes
    replaySegment(files, file, logId, end, replay, batches)
    segments.add(file === newest ? tail.end : file.bytes)
  }
  const { logs, damaged } = replay.finish(newest.path)

  if (tail.interrupted) {
    logger.log('warn', 'cut an interrupted write from the end of the log', {
      file: newest.path,
      offset: tail.end,
      bytes: newest.bytes - tail.end,
    })
  }
  for (const log of damaged) {
    logger.log('error', 'the log of a group is damaged; the replica must be rebuilt from its peers', { ...log })
  }
  files.truncate(newest.path, tail.end)
  if (unborn !== undefined) removeSegment(files, unborn)
  for (const file of found) if (file.sequence < oldest) removeSegment(files, file)
  files.syncDirectory(LOG_DIRECTORY)
  return { logId, segments, appendable: !tail.damaged, nextBatch: batches.next, logs, damaged }
}

function removeSegment(files: FileSystem, file: SegmentFile): void {
  files.remove(file.path)
}

/** The segment files in order, with their headers. Throws UNSUPPORTED_VERSION for one from a newer program. */
function readHeaders(files: FileSystem): SegmentFile[] {
  const found: SegmentFile[] = []
  for (const name of files.list(LOG_DIRECTORY)) {
    const sequence = parseSegmentFileName(name)
    if (sequence === undefined) continue
    const path = segmentPath(sequence)
    const file = files.open(path, 'read')
    const header = decodeSegmentHeader(file.readSync(0, Math.min(SEGMENT_HEADER_BYTES, file.size)))
    const bytes = file.size
    file.close()
    if (header !== undefined && header.version !== FORMAT_VERSION) {
      throw new LogStoreError(
        'UNSUPPORTED_VERSION',
        `${files.root}/${path} has log format ${header.version}, this program reads format ${FORMAT_VERSION}: start it with the release that wrote it or a newer one`,
      )
    }
    found.push({ sequence, path, bytes, header: header?.sequence === sequence ? header : undefined })
  }
  return found.sort((a, b) => a.sequence - b.sequence)
}

/** The newest segment, if a crash interrupted its very first write, so that not even its header is there. */
function unbornSegment(files: FileSystem, found: readonly SegmentFile[]): SegmentFile | undefined {
  const newest = found.at(-1)
  if (newest === undefined) return undefined
  if (newest.bytes < SEGMENT_HEADER_BYTES) return newest
  if (newest.header !== undefined) return undefined
  return readSegment(files, newest, SEGMENT_HEADER_BYTES).every((byte) => byte === 0) ? newest : undefined
}

function readSegment(files: FileSystem, file: SegmentFile, bytes: number): Buffer {
  const handle = files.open(file.path, 'read')
  const read = handle.readSync(0, bytes)
  handle.close()
  return Buffer.from(read.buffer, read.byteOffset, read.byteLength)
}

function scannerOf(
  files: FileSystem,
  file: SegmentFile,
  logId: number,
  bytes: number,
  sequence: number,
): SegmentScanner {
  return new SegmentScanner(readSegment(files, file, bytes), logId, SEGMENT_HEADER_BYTES, sequence)
}

function findTail(files: FileSystem, newest: SegmentFile, logId: number, knownDurable: boolean): Tail {
  const scanner = scannerOf(files, newest, logId, newest.bytes, 0)
  const headless = newest.header?.logId !== logId
  let newestBatch: ScannedBatch | undefined
  let damaged = headless
  for (;;) {
    const item = scanner.next()
    if (item.kind === 'end') return { end: item.offset, interrupted: false, damaged, newestBatch }
    const broken = item.kind === 'gap' || item.records.some((record) => !record.intact)
    if (broken && !knownDurable && !headless && scanner.isLast(item) && scanner.looksInterrupted(item)) {
      return { end: item.offset, interrupted: true, damaged, newestBatch }
    }
    if (item.kind === 'batch') newestBatch = item
    // Behind a gap at the very end there is no telling where the next batch should start.
    damaged = headless || item.kind === 'gap'
  }
}

/** The oldest segment that the newest batch still needs. */
function oldestNeeded(files: FileSystem, found: readonly SegmentFile[], logId: number, tail: Tail): number {
  let batch = tail.newestBatch
  for (let i = found.length - 2; i >= 0 && batch === undefined; i--) {
    const file = found[i] as SegmentFile
    const scanner = scannerOf(files, file, logId, file.bytes, 0)
    for (let item = scanner.next(); item.kind !== 'end'; item = scanner.next()) if (item.kind === 'batch') batch = item
  }
  const lowest = found[0]?.sequence ?? 1
  const newest = found.at(-1)?.sequence ?? 1
  return Math.min(newest, batch?.stamp.oldestSegment ?? lowest)
}

/** Checks that no batch is missing or out of place. */
class BatchOrder {
  readonly #replay: Replay
  #next: number | undefined

  constructor(replay: Replay) {
    this.#replay = replay
  }

  get next(): number {
    return this.#next ?? 1
  }

  /** Whether the batch may be replayed. */
  accept(batch: ScannedBatch, { sequence: segment, path }: SegmentFile): boolean {
    const { sequence } = batch.stamp
    const next = this.#next ?? sequence
    if (sequence < next) {
      this.#replay.suspectAll(segment, path, batch.offset, `batch ${sequence} stands where batch ${next} belongs`)
      return false
    }
    if (sequence > next) {
      this.#replay.suspectAll(segment, path, batch.offset, `batches ${next} to ${sequence - 1} are missing`)
    }
    this.#next = sequence + 1
    return true
  }
}

function replaySegment(
  files: FileSystem,
  file: SegmentFile,
  logId: number,
  end: number,
  replay: Replay,
  batches: BatchOrder,
): void {
  // A damaged header loses nothing by itself: the batches behind it say whose they are, and a missing one is noticed.
  if (file.header !== undefined && file.header.logId !== logId) {
    replay.suspectAll(file.sequence, file.path, 0, 'the segment belongs to another log')
    return
  }
  const bytes = readSegment(files, file, end)
  const view = viewOf(bytes)
  const scanner = new SegmentScanner(bytes, logId, SEGMENT_HEADER_BYTES, batches.next - 1)
  for (let item = scanner.next(); item.kind !== 'end'; item = scanner.next()) {
    if (item.kind === 'gap') {
      replay.suspectAll(
        file.sequence,
        file.path,
        item.offset,
        `bytes ${item.offset} to ${item.end} hold no readable batch`,
      )
      continue
    }
    if (!batches.accept(item, file)) continue
    for (const { offset, length, group, intact } of item.records) {
      const record = intact ? decodeRecord(view, offset, length) : undefined
      if (record !== undefined) {
        replay.apply(record, { segment: file.sequence, file: file.path, offset, length })
      } else if (group !== undefined) {
        replay.suspect(group, file.sequence, file.path, offset, `a record of ${length} bytes fails its checksum`)
      } else {
        replay.suspectAll(file.sequence, file.path, offset, 'a record fails its checksum and nothing says whose it was')
      }
    }
  }
}
