/**
 * A disk for the memory engine: what survives a crash, apart from the store that uses it. It is not a file system for the segment log, and holds no
 * timers: a simulator decides through `MemoryDiskOptions` when a write becomes durable and when it fails.
 */
import type { DataStoreError } from '../data-store.ts'
import { SortedTable, type TableChanges } from './sorted-table.ts'

export interface MemoryDiskOptions {
  /** Runs `commit` when the write is to become durable; at once where absent. Must keep the order of writes. */
  readonly schedule?: (commit: () => void) => void
  /** Asked before each durable write; an answer makes that write, and with it the store, fail. */
  readonly fault?: () => DataStoreError | undefined
}

/** A staging file: bytes on the disk, bytes still in the page cache. */
export interface MemoryFile {
  bytes: Buffer
  syncedBytes: number
}

export class MemoryDisk {
  readonly #options: MemoryDiskOptions
  #table = SortedTable.EMPTY
  #crashes = 0
  readonly files = new Map<string, MemoryFile>()

  constructor(options: MemoryDiskOptions = {}) {
    this.#options = options
  }

  get table(): SortedTable {
    return this.#table
  }

  /** Counts crashes: whoever opened the disk before one must not write to it any more. */
  get crashes(): number {
    return this.#crashes
  }

  /** Atomic and durable when the promise resolves. A write that a crash overtakes is lost and its promise never settles. */
  write(changes: TableChanges, crashesSeen: number): Promise<void> {
    return this.#durably(crashesSeen, () => {
      this.#table = this.#table.with(changes)
    })
  }

  syncFile(file: MemoryFile, crashesSeen: number): Promise<void> {
    const bytes = file.bytes.length
    return this.#durably(crashesSeen, () => {
      file.syncedBytes = Math.max(file.syncedBytes, bytes)
    })
  }

  /** The power goes: writes under way and unsynced bytes are lost. Open a new store on the disk afterwards. */
  crash(): void {
    this.#crashes++
    for (const [name, file] of this.files) {
      if (file.syncedBytes === 0) this.files.delete(name)
      else file.bytes = file.bytes.subarray(0, file.syncedBytes)
    }
  }

  /** The process is gone, the machine goes on: writes under way are lost, what the page cache has stays. */
  kill(): void {
    this.#crashes++
  }

  #durably(crashesSeen: number, apply: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const commit = (): void => {
        if (crashesSeen !== this.#crashes) return
        const fault = this.#options.fault?.()
        if (fault !== undefined) {
          reject(fault)
          return
        }
        apply()
        resolve()
      }
      if (this.#options.schedule === undefined) commit()
      else this.#options.schedule(commit)
    })
  }
}
