/**
 * The `KvStore` port on RocksDB through the npm package `rocksdb` (abstract-leveldown style callbacks, optional peer). One thread at a time can open
 * the directory, so snapshots run inline on this engine. It has no explicit snapshots: an iterator over everything stands in for one.
 */
import { assert } from '../../base/index.ts'
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
import { loadRocks, type RocksBatch, type RocksDatabase, type RocksIterator } from './rocks-module.ts'

const CACHE_BYTES = 64 * 1024 * 1024
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024

/** Rejects with ENGINE_UNAVAILABLE when the package is missing or does not survive its probe, STORE_LOCKED, or IO_ERROR. */
export async function openRocksKvStore(directory: string, moduleDirectory: string | undefined): Promise<KvStore> {
  const factory = await loadRocks(moduleDirectory)
  const database = factory(directory)
  const options = {
    createIfMissing: true,
    compression: false,
    cacheSize: CACHE_BYTES,
    writeBufferSize: WRITE_BUFFER_BYTES,
  }
  await called<void>('open the database', (done) => database.open(options, done))
  return new RocksKvStore(database)
}

class RocksKvStore implements KvStore {
  readonly #database: RocksDatabase
  readonly getSync = undefined

  constructor(database: RocksDatabase) {
    this.#database = database
  }

  getMany(keys: readonly EngineKey[]): Promise<(Uint8Array | undefined)[]> {
    return called('read', (done) => this.#database.getMany(keys, done))
  }

  iterate(range: EngineRange, options: IterateOptions): EngineIterator {
    const iterator = this.#database.iterator({
      gte: range.start,
      lt: range.end,
      reverse: options.reverse,
      values: !options.keysOnly,
      keyAsBuffer: false,
      highWaterMark: options.pageBytes,
    })
    return new RocksCursor(iterator, range, options.pageBytes)
  }

  snapshot(): EngineSnapshot {
    return new RocksSnapshot(this.#database)
  }

  batch(): EngineBatch {
    const batch: RocksBatch = this.#database.batch()
    return {
      put: (key, value) => {
        // The binding takes Buffers only, and would write the text of any other array.
        batch.put(key, Buffer.from(value.buffer, value.byteOffset, value.length))
      },
      delete: (key) => {
        batch.del(key)
      },
      write: () => called<void>('write', (done) => batch.write({ sync: true }, done)),
      discard: async () => {
        batch.clear()
      },
    }
  }

  approximateBytes(range: EngineRange): Promise<number> {
    return called('estimate a size', (done) => this.#database.approximateSize(range.start, range.end, done))
  }

  compact(range: EngineRange): Promise<void> {
    return called<void>('compact a range', (done) => this.#database.compactRange(range.start, range.end, done))
  }

  close(): Promise<void> {
    return called<void>('close the database', (done) => this.#database.close(done))
  }
}

class RocksCursor implements EngineIterator {
  readonly #iterator: RocksIterator
  readonly #range: EngineRange
  readonly #pageBytes: number
  #ended = false

  constructor(iterator: RocksIterator, range: EngineRange, pageBytes: number) {
    this.#iterator = iterator
    this.#range = range
    this.#pageBytes = pageBytes
  }

  async next(itemsMax: number): Promise<EngineEntry[]> {
    const page: EngineEntry[] = []
    let bytes = 0
    while (!this.#ended && page.length < itemsMax && bytes <= this.#pageBytes) {
      const entry = await nextEntry(this.#iterator)
      // A snapshot's iterator has no bounds of its own.
      if (entry === undefined || entry[0] >= this.#range.end) {
        this.#ended = true
        break
      }
      page.push(entry)
      bytes += entry[0].length + entry[1].length
    }
    return page
  }

  close(): Promise<void> {
    return called<void>('close an iterator', (done) => this.#iterator.end(done))
  }
}

class RocksSnapshot implements EngineSnapshot {
  readonly #iterator: RocksIterator
  #lent = false

  constructor(database: RocksDatabase) {
    this.#iterator = database.iterator({ keyAsBuffer: false })
  }

  async get(key: EngineKey): Promise<Uint8Array | undefined> {
    assert(!this.#lent, 'a snapshot reads keys before it iterates')
    this.#iterator.seek(key)
    const entry = await nextEntry(this.#iterator)
    return entry !== undefined && entry[0] === key ? entry[1] : undefined
  }

  iterate(range: EngineRange, pageBytes: number): EngineIterator {
    assert(!this.#lent, 'a snapshot iterates once')
    this.#lent = true
    this.#iterator.seek(range.start)
    const cursor = new RocksCursor(this.#iterator, range, pageBytes)
    // The native iterator ends with the snapshot that owns it.
    return { next: (itemsMax) => cursor.next(itemsMax), close: async () => {} }
  }

  close(): Promise<void> {
    return called<void>('close a snapshot', (done) => this.#iterator.end(done))
  }
}

function nextEntry(iterator: RocksIterator): Promise<EngineEntry | undefined> {
  return new Promise((resolve, reject) => {
    iterator.next((error, key, value) => {
      if (error) reject(engineError(error, 'iterate'))
      else resolve(key === undefined ? undefined : [key, value ?? Buffer.alloc(0)])
    })
  })
}

function called<T>(
  doing: string,
  run: (done: (error: Error | null | undefined, result: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, result) => {
      if (error) reject(engineError(error, doing))
      else resolve(result)
    })
  })
}
