/**
 * What the main thread and a snapshot worker say to each other: tasks, answers, and the messages on an export's port. Errors travel as values, because
 * copying an Error between threads loses its class and code.
 */
import { DataStoreError, type DataStoreErrorCode, type KeyRange } from '../data-store.ts'
import { engineError } from '../engine-error.ts'
import type { InstallMarker } from '../layout.ts'
import type { LevelOptions } from '../level/index.ts'
import type { GroupId } from '../log-store.ts'

export interface ExportTask {
  readonly database: LevelOptions
  readonly group: GroupId
  readonly range: KeyRange
  readonly port: import('node:worker_threads').MessagePort
}

export interface InstallTask {
  readonly database: LevelOptions
  readonly stagingDirectory: string
  readonly group: GroupId
  readonly marker: InstallMarker
}

export interface DestroyTask {
  readonly database: LevelOptions
  readonly group: GroupId
  readonly range: KeyRange
}

/** How a task ended. */
export type TaskOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: DataStoreErrorCode; readonly message: string }

export type ToMain =
  | { readonly kind: 'state'; readonly state: Uint8Array }
  | { readonly kind: 'chunk'; readonly chunk: Uint8Array }
  /** The last message: nothing of the export is left in the worker. Complete when everything was sent, false when it was cancelled. */
  | { readonly kind: 'end'; readonly complete: boolean; readonly outcome: TaskOutcome }

export type ToWorker = { readonly kind: 'credit' } | { readonly kind: 'cancel' }

/** Chunks a worker may send before the first is taken: one under way, one being taken, the others to hide the latency. */
export const READ_AHEAD_CHUNKS = 8

export function failed(error: unknown, doing: string): TaskOutcome {
  const { code, message } = engineError(error, doing)
  return { ok: false, code, message }
}

export function throwFailed(outcome: TaskOutcome): void {
  if (!outcome.ok) throw new DataStoreError(outcome.code, outcome.message)
}
