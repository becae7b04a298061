/**
 * The `KvStore` port on LevelDB through classic-level. The database is opened with `multithreading`, so that a worker of this process can
 * open the same directory and gets the same native handle. It chooses no keys and retries nothing.
 *
 * Keys travel as text and values as Buffers (see `layout.ts`). Batches are filled through the hooks that abstract-level defines for its
 * implementations (`_put`, `_del`, `_write`): the public methods build and validate an options object per record, which measured 4.3 us
 * against 0.3 us per put, and nothing here needs what they do. The conformance suite runs on exactly this path.
 */

import type { AbstractSnapshot } from 'abstract-level'
import { ClassicLevel, type Iterator } from 'classic-level'
import { DataStoreError } from '../data-store.ts'
import { engineError } from '../engine-error.ts'
import type {
  EngineBatch,
  EngineEntry,
  EngineIterator,
  EngineKey,
  EngineRange,
  EngineSnapshot,
  IterateOptions,
  KvStore,
} from '../kv-store.ts'

/** LevelDB's tables of 2 MiB would be thousands of files for one store. */
const TABLE_BYTES = 8 * 1024 * 1024

type Level = ClassicLevel<string, Uint8Array>

export interface LevelOptions {
  readonly directory: string
  /** LevelDB's cache of uncompressed blocks. */
  readonly cacheBytes: number
  /** What LevelDB collects in memory before it writes a table; twice this may be held. Larger means fewer compactions. */
  readonly writeBufferBytes: number
}

export class LevelKvStore implements KvStore {
  readonly #level: Level
  /** An empty batch for the next caller; LevelDB closes it with the database. */
  #spare: BatchHooks | undefined
  readonly getSync: (key: EngineKey) => Uint8Array | undefined

  private constructor(level: Level) {
    this.#level = level
    this.getSync = (key) => level.getSync(key)
  }

  /** Creates the directory where needed. Rejects with STORE_LOCKED when another process has it open. */
  static async open(options: LevelOptions): Promise<LevelKvStore> {
    const level: Level = new ClassicLevel(options.directory, {
      keyEncoding: 'utf8',
      valueEncoding: 'buffer',
      multithreading: true,
      cacheSize: options.cacheBytes,
      writeBufferSize: options.writeBufferBytes,
      maxFileSize: TABLE_BYTES,
      // Uncompressed tables cost disk but no CPU, and make the engine's size estimates estimates of the data; snapshots are compressed on their own.
      compression: false,
    })
    try {
      await level.open()
    } catch (error) {
      // Opening is where a lock, a damaged or an unreadable directory shows; the engine wraps the reason once more.
      throw engineError(error instanceof Error && error.cause !== undefined ? error.cause : error, 'open the database')
    }
    return new LevelKvStore(level)
  }

  async getMany(keys: readonly EngineKey[]): Promise<(Uint8Array | undefined)[]> {
    try {
      return await this.#level.getMany(keys as EngineKey[])
    } catch (error) {
      throw engineError(error, 'read')
    }
  }

  iterate(range: EngineRange, options: IterateOptions): EngineIterator {
    return new LevelIterator(this.#level, range, options, undefined)
  }

  snapshot(): EngineSnapshot {
    return new LevelSnapshot(this.#level)
  }

  batch(): EngineBatch {
    const native = this.#spare ?? openBatch(this.#level)
    this.#spare = undefined
    return new LevelBatch(native, (used) => this.#reuse(used))
  }

  /** A native batch keeps its buffer when cleared; growing a new one to megabytes again would hold the loop for milliseconds. */
  async #reuse(batch: BatchHooks): Promise<void> {
    if (this.#spare !== undefined) {
      await batch.close()
      return
    }
    batch._clear()
    this.#spare = batch
  }

  async approximateBytes(range: EngineRange): Promise<number> {
    try {
      return await this.#level.approximateSize(range.start, range.end)
    } catch (error) {
      throw engineError(error, 'estimate a size')
    }
  }

  async compact(range: EngineRange): Promise<void> {
    try {
      await this.#level.compactRange(range.start, range.end)
    } catch (error) {
      throw engineError(error, 'compact a range')
    }
  }

  async close(): Promise<void> {
    await this.#level.close()
  }
}

class LevelIterator implements EngineIterator {
  readonly #iterator: Iterator<Level, string, Uint8Array>

  constructor(level: Level, range: EngineRange, options: IterateOptions, snapshot: AbstractSnapshot | undefined) {
    // Without an explicit snapshot the native iterator takes its own in this very call.
    this.#iterator = level.iterator<string, Uint8Array>({
      gte: range.start,
      lt: range.end,
      reverse: options.reverse,
      values: !options.keysOnly,
      highWaterMarkBytes: options.pageBytes,
      snapshot,
    })
  }

  async next(itemsMax: number): Promise<EngineEntry[]> {
    try {
      return await this.#iterator.nextv(itemsMax)
    } catch (error) {
      throw engineError(error, 'iterate')
    }
  }

  async close(): Promise<void> {
    await this.#iterator.close()
  }
}

class LevelSnapshot implements EngineSnapshot {
  readonly #level: Level
  readonly #snapshot: AbstractSnapshot

  constructor(level: Level) {
    this.#level = level
    this.#snapshot = level.snapshot()
  }

  async get(key: EngineKey): Promise<Uint8Array | undefined> {
    try {
      return await this.#level.get(key, { snapshot: this.#snapshot })
    } catch (error) {
      throw engineError(error, 'read')
    }
  }

  iterate(range: EngineRange, pageBytes: number): EngineIterator {
    const options = { reverse: false, keysOnly: false, pageBytes }
    return new LevelIterator(this.#level, range, options, this.#snapshot)
  }

  async close(): Promise<void> {
    await this.#snapshot.close()
  }
}

/** The hooks of abstract-level's chained batch that its type declarations leave out. */
interface BatchHooks {
  _put(key: string, value: Uint8Array): void
  _del(key: string): void
  _clear(): void
  _write(options: { sync: boolean }): Promise<void>
  close(): Promise<void>
}

class LevelBatch implements EngineBatch {
  readonly #batch: BatchHooks
  readonly #done: (batch: BatchHooks) => Promise<void>

  constructor(batch: BatchHooks, done: (batch: BatchHooks) => Promise<void>) {
    this.#batch = batch
    this.#done = done
  }

  put(key: EngineKey, value: Uint8Array): void {
    this.#batch._put(key, value)
  }

  delete(key: EngineKey): void {
    this.#batch._del(key)
  }

  async write(): Promise<void> {
    try {
      await this.#batch._write({ sync: true })
    } catch (error) {
      throw engineError(error, 'write')
    } finally {
      await this.#done(this.#batch)
    }
  }

  async discard(): Promise<void> {
    await this.#done(this.#batch)
  }
}

function openBatch(level: Level): BatchHooks {
  const batch: unknown = level.batch()
  if (!hasHooks(batch)) {
    throw new DataStoreError('ENGINE_UNAVAILABLE', 'this classic-level lacks the batch hooks; install version 3')
  }
  return batch
}

function hasHooks(batch: unknown): batch is BatchHooks {
  return (
    typeof batch === 'object' &&
    batch !== null &&
    ['_put', '_del', '_clear', '_write', 'close'].every((hook) => typeof Reflect.get(batch, hook) === 'function')
  )
}
