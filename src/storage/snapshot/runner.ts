/**
 * The port for long work on the engine, apart from the main loop: exporting, installing and deleting ranges. Adapters: `InlineRunner` on this
 * thread, for engines that only one thread can open, and `WorkerRunner` on Piscina workers for LevelDB. The data store is the caller and
 * writes the markers first.
 */
import type { KeyRange, SnapshotExport } from '../data-store.ts'
import type { KvStore } from '../kv-store.ts'
import type { InstallMarker } from '../layout.ts'
import type { GroupId } from '../log-store.ts'
import { InlineExport } from './inline-export.ts'
import { destroyRange, installRange, type Pause } from './range-changer.ts'
import type { Staging } from './staging.ts'

export interface SnapshotRunner {
  /** Starts once `ready` resolves; fails as it fails. */
  startExport(group: GroupId, range: KeyRange, ready: Promise<void>): SnapshotExport
  install(group: GroupId, marker: InstallMarker): Promise<void>
  destroy(group: GroupId, range: KeyRange): Promise<void>
  /** Cancels exports and waits for everything under way. */
  close(): Promise<void>
}

export class InlineRunner implements SnapshotRunner {
  readonly #kv: KvStore
  readonly #staging: Staging
  readonly #pause: Pause
  readonly #exports = new Set<InlineExport>()

  constructor(kv: KvStore, staging: Staging, pause: Pause) {
    this.#kv = kv
    this.#staging = staging
    this.#pause = pause
  }

  startExport(group: GroupId, range: KeyRange, ready: Promise<void>): SnapshotExport {
    const run = new InlineExport(this.#kv, group, range, ready, () => this.#exports.delete(run))
    this.#exports.add(run)
    return run
  }

  install(group: GroupId, marker: InstallMarker): Promise<void> {
    return installRange(this.#kv, this.#staging, group, marker, this.#pause)
  }

  destroy(group: GroupId, range: KeyRange): Promise<void> {
    return destroyRange(this.#kv, group, range, this.#pause)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#exports].map((run) => run.end()))
  }
}
