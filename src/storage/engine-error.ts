/**
 * Translates what an engine or the file system throws into a `DataStoreError`. Called by the adapters and by the snapshot code; the only place
 * that looks at the texts of foreign errors.
 */
import { DataStoreError } from './data-store.ts'

/** `doing` completes the sentence "the data store could not ...". */
export function engineError(error: unknown, doing: string): DataStoreError {
  if (error instanceof DataStoreError) return error
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'LEVEL_LOCKED' || /\block\b.*(held|unavailable)/i.test(message)) {
    const text = `the data directory is open in another process; stop that process first (${message})`
    return new DataStoreError('STORE_LOCKED', text, { cause: error })
  }
  if (code === 'ENOSPC' || code === 'EDQUOT' || /no space left|disk quota/i.test(message)) {
    const text = `the data store could not ${doing}: the disk is full; free space, then start again (${message})`
    return new DataStoreError('DISK_FULL', text, { cause: error })
  }
  return new DataStoreError('IO_ERROR', `the data store could not ${doing}: ${message}`, { cause: error })
}
