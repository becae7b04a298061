/**
 * The `KvStore` port in memory: deterministic, without timers or threads, durable on a `MemoryDisk` that can crash. For tests, the
 * simulator, and processes that want no files.
 */
import { assert } from '../../base/index.ts'
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
import type { MemoryDisk } from './memory-disk.ts'
import type { SortedTable } from './sorted-table.ts'

export class MemoryKvStore implements KvStore {
  readonly #disk: MemoryDisk
  readonly #crashesSeen: number
  #closed = false

  constructor(disk: MemoryDisk) {
    this.#disk = disk
    this.#crashesSeen = disk.crashes
  }

  readonly getSync = (key: EngineKey): Uint8Array | undefined => this.#table().get(key)

  async getMany(keys: readonly EngineKey[]): Promise<(Uint8Array | undefined)[]> {
    const table = this.#table()
    return keys.map((key) => table.get(key))
  }

  iterate(range: EngineRange, options: IterateOptions): EngineIterator {
    return new MemoryIterator(this.#table(), range, options)
  }

  snapshot(): EngineSnapshot {
    const table = this.#table()
    return {
      get: async (key) => table.get(key),
      iterate: (range, pageBytes) => new MemoryIterator(table, range, { reverse: false, keysOnly: false, pageBytes }),
      close: async () => {},
    }
  }

  batch(): EngineBatch {
    this.#table()
    return new MemoryBatch(this.#disk, this.#crashesSeen)
  }

  async approximateBytes(range: EngineRange): Promise<number> {
    let bytes = 0
    for (const [key, value] of this.#table().entries(range, false)) bytes += key.length + value.length
    return bytes
  }

  /** Nothing is left of what is deleted here. */
  async compact(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true
  }

  #table(): SortedTable {
    assert(!this.#closed, 'the memory engine is open')
    return this.#disk.table
  }
}

class MemoryIterator implements EngineIterator {
  readonly #entries: Generator<EngineEntry, undefined>
  readonly #pageBytes: number

  constructor(table: SortedTable, range: EngineRange, options: IterateOptions) {
    this.#entries = table.entries(range, options.reverse)
    this.#pageBytes = options.pageBytes
  }

  async next(itemsMax: number): Promise<EngineEntry[]> {
    const page: EngineEntry[] = []
    let bytes = 0
    while (page.length < itemsMax && bytes <= this.#pageBytes) {
      const { value, done } = this.#entries.next()
      if (done) break
      page.push(value)
      bytes += value[0].length + value[1].length
    }
    return page
  }

  async close(): Promise<void> {
    this.#entries.return(undefined)
  }
}

class MemoryBatch implements EngineBatch {
  readonly #disk: MemoryDisk
  readonly #crashesSeen: number
  readonly #changes = new Map<EngineKey, Uint8Array | null>()

  constructor(disk: MemoryDisk, crashesSeen: number) {
    this.#disk = disk
    this.#crashesSeen = crashesSeen
  }

  put(key: EngineKey, value: Uint8Array): void {
    this.#changes.set(key, value)
  }

  delete(key: EngineKey): void {
    this.#changes.set(key, null)
  }

  write(): Promise<void> {
    return this.#disk.write(this.#changes, this.#crashesSeen)
  }

  async discard(): Promise<void> {
    this.#changes.clear()
  }
}
