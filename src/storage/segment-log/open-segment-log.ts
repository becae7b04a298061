import { assert, type Logger, type Random } from '../../base/index.ts'
import type { FileSystem } from '../file-system.ts'
import { diskError } from '../log-checks.ts'
import { type LogStore, LogStoreError } from '../log-store.ts'
import { type Recovered, recover } from './recover.ts'
import { SegmentLog } from './segment-log.ts'

/** The one way to get a segment log: checks the options, recovers what is on disk. Called by whoever composes a store. */
export interface SegmentLogOptions {
  /** The directory of the store; the log takes the subdirectory `log`. Only one open log may use it. */
  readonly files: FileSystem
  /** A segment takes batches until it has this many bytes; between 4 KiB and 1 GiB. */
  readonly segmentBytes: number
  /** Memory for recently appended entries of all groups together. Default 32 MiB. */
  readonly cacheBytes?: number
  /** Where a new log gets its id from. */
  readonly random: Random
  readonly logger: Logger
}

const SEGMENT_BYTES_MIN = 4 * 1024
const SEGMENT_BYTES_MAX = 1024 * 1024 * 1024
const CACHE_BYTES_DEFAULT = 32 * 1024 * 1024

/**
 * Opens the log, creating it where there is none, and returns once it is recovered (synchronously: nothing else runs in a
 * store before its log is there). Throws LogStoreError: UNSUPPORTED_VERSION, IO_ERROR, DISK_FULL. Damage is no error here: see `damaged()`.
 */
export function openSegmentLog(options: SegmentLogOptions): LogStore {
  const { segmentBytes, cacheBytes = CACHE_BYTES_DEFAULT, files, random, logger } = options
  assert(
    segmentBytes >= SEGMENT_BYTES_MIN && segmentBytes <= SEGMENT_BYTES_MAX,
    `segmentBytes is ${segmentBytes}, not in [${SEGMENT_BYTES_MIN}, ${SEGMENT_BYTES_MAX}]`,
  )
  assert(cacheBytes >= 0, `cacheBytes is ${cacheBytes}`)
  let recovered: Recovered
  try {
    recovered = recover(files, random, logger)
  } catch (error) {
    if (error instanceof LogStoreError || !isFileError(error)) throw error
    throw diskError(`opening the log in ${files.root}`, error)
  }
  return new SegmentLog(recovered, { segmentBytes, cacheBytes }, logger)
}

/** Errors of the file system carry a code and a system call; anything else is a bug and stays one. */
function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error
}
