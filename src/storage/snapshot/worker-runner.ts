/**
 * Runs exports, installs and deletions in workers that open the same LevelDB database as the main thread, and waits for all of them at the end. It
 * starts no thread before the first task.
 */
import type { KeyRange, SnapshotExport } from '../data-store.ts'
import { engineError } from '../engine-error.ts'
import type { InstallMarker } from '../layout.ts'
import type { LevelOptions } from '../level/index.ts'
import type { GroupId } from '../log-store.ts'
import type { SnapshotRunner } from './runner.ts'
import { WorkerExport } from './worker-export.ts'
import { WorkerPool } from './worker-pool.ts'
import {
  type DestroyTask,
  type ExportTask,
  type InstallTask,
  type TaskOutcome,
  throwFailed,
} from './worker-protocol.ts'

export class WorkerRunner implements SnapshotRunner {
  readonly #database: LevelOptions
  readonly #stagingDirectory: string
  readonly #exports = new Set<WorkerExport>()
  readonly #tasks = new Set<Promise<unknown>>()
  #pool: WorkerPool | undefined

  constructor(database: LevelOptions, stagingDirectory: string) {
    this.#database = database
    this.#stagingDirectory = stagingDirectory
  }

  startExport(group: GroupId, range: KeyRange, ready: Promise<void>): SnapshotExport {
    const run = new WorkerExport(group, range, ready, ({ port }) => {
      const task: ExportTask = { database: this.#database, group, range, port }
      return this.#run('exportRange', task, [port])
    })
    this.#exports.add(run)
    this.#track(run.ended.finally(() => this.#exports.delete(run)))
    return run
  }

  async install(group: GroupId, marker: InstallMarker): Promise<void> {
    const task: InstallTask = {
      database: this.#database,
      stagingDirectory: this.#stagingDirectory,
      group,
      marker,
    }
    throwFailed(await this.#track(this.#run('installSnapshot', task, [])))
  }

  async destroy(group: GroupId, range: KeyRange): Promise<void> {
    const task: DestroyTask = { database: this.#database, group, range }
    throwFailed(await this.#track(this.#run('destroyGroup', task, [])))
  }

  async close(): Promise<void> {
    for (const run of this.#exports) run.cancel()
    await Promise.allSettled(this.#tasks)
    await this.#pool?.close()
  }

  async #run(
    name: string,
    task: ExportTask | InstallTask | DestroyTask,
    transferList: readonly object[],
  ): Promise<TaskOutcome> {
    if (this.#pool === undefined || this.#pool.broken) this.#pool = new WorkerPool()
    try {
      return await this.#pool.run(name, task, transferList)
    } catch (error) {
      // Tasks answer their failures; a rejection means that the worker itself died.
      throw engineError(error, 'run a snapshot worker')
    }
  }

  #track<T>(task: Promise<T>): Promise<T> {
    this.#tasks.add(task)
    // The caller of the task handles its rejection; here it only stops being waited for.
    task.catch(() => {}).finally(() => this.#tasks.delete(task))
    return task
  }
}
