/**
 * Opens the data store of a directory (or of a memory disk): chooses the engine, checks the format, finishes what a crash interrupted, loads the
 * state records. Nothing is served before all that is done. Composition roots and the simulator call it.
 */
import { promises as fs } from 'node:fs'
import path from 'node:path'
import type { Clock } from '../base/index.ts'
import type { DataStore, DataStoreError } from './data-store.ts'
import { engineError } from './engine-error.ts'
import type { KvStore } from './kv-store.ts'
import { LevelKvStore, type LevelOptions } from './level/index.ts'
import { type MemoryDisk, MemoryKvStore, MemoryStaging } from './memory/index.ts'
import { OverlayDataStore } from './overlay-data-store.ts'
import { recover } from './recovery.ts'
import { openRocksKvStore } from './rocks/index.ts'
import {
  FileStaging,
  InlineRunner,
  type Pause,
  type SnapshotRunner,
  type Staging,
  WorkerRunner,
} from './snapshot/index.ts'

export type DataEngine =
  | {
      readonly kind: 'classic-level'
      readonly directory: string
      readonly cacheBytes?: number
      readonly writeBufferBytes?: number
    }
  | {
      readonly kind: 'rocksdb'
      readonly directory: string
      /** Where the `rocksdb` package is resolved from, if not from here. */
      readonly moduleDirectory?: string
    }
  | { readonly kind: 'memory'; readonly disk: MemoryDisk }

export interface DataStoreOptions {
  readonly engine: DataEngine
  /** How much only memory may hold before the store calls itself over-full. */
  readonly overlayBytes: number
  readonly clock: Clock
  /** Called once, when durability is lost. The process must stop acknowledging and end. */
  readonly onFatal: (error: DataStoreError) => void
}

const CACHE_BYTES_DEFAULT = 64 * 1024 * 1024
const WRITE_BUFFER_BYTES_DEFAULT = 16 * 1024 * 1024

interface Opened {
  readonly kv: KvStore
  readonly staging: Staging
  readonly runner: SnapshotRunner
}

/** Rejects with STORE_LOCKED, UNSUPPORTED_VERSION, ENGINE_UNAVAILABLE, IO_ERROR or DISK_FULL. */
export async function openDataStore(options: DataStoreOptions): Promise<DataStore> {
  const { clock } = options
  const pause: Pause = () =>
    new Promise((resolve) => {
      clock.soon(resolve)
    })
  const { kv, staging, runner } = await openEngine(options.engine, pause)
  try {
    const recovered = await recover(kv, staging, pause)
    return new OverlayDataStore({
      ...recovered,
      kv,
      staging,
      runner,
      overlayBytesMax: options.overlayBytes,
      pause,
      onFatal: options.onFatal,
    })
  } catch (error) {
    // Whatever recovery met, the directory must not stay locked by a store that nobody has.
    await kv.close()
    throw error
  }
}

async function openEngine(engine: DataEngine, pause: Pause): Promise<Opened> {
  switch (engine.kind) {
    case 'classic-level': {
      const database: LevelOptions = {
        directory: path.resolve(engine.directory, 'level'),
        cacheBytes: engine.cacheBytes ?? CACHE_BYTES_DEFAULT,
        writeBufferBytes: engine.writeBufferBytes ?? WRITE_BUFFER_BYTES_DEFAULT,
      }
      const snapshots = path.resolve(engine.directory, 'snapshots')
      const kv = await inDirectory(engine.directory, () => LevelKvStore.open(database))
      return { kv, staging: new FileStaging(snapshots), runner: new WorkerRunner(database, snapshots) }
    }
    case 'rocksdb': {
      const directory = path.resolve(engine.directory, 'rocks')
      const staging = new FileStaging(path.resolve(engine.directory, 'snapshots'))
      const kv = await inDirectory(engine.directory, () => openRocksKvStore(directory, engine.moduleDirectory))
      return { kv, staging, runner: new InlineRunner(kv, staging, pause) }
    }
    case 'memory': {
      const kv = new MemoryKvStore(engine.disk)
      const staging = new MemoryStaging(engine.disk)
      return { kv, staging, runner: new InlineRunner(kv, staging, pause) }
    }
  }
}

/** Creates the directories first, and makes their names durable: engines sync what is inside their directory, but not its own name. */
async function inDirectory<T>(directory: string, open: () => Promise<T>): Promise<T> {
  const absolute = path.resolve(directory)
  try {
    await fs.mkdir(path.join(absolute, 'snapshots'), { recursive: true })
    const opened = await open()
    for (const parent of [absolute, path.dirname(absolute)]) {
      const handle = await fs.open(parent, 'r')
      await handle.sync().finally(() => handle.close())
    }
    return opened
  } catch (error) {
    throw engineError(error, 'open the data directory')
  }
}
