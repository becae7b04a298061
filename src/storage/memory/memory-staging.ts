/** The `Staging` port on a `MemoryDisk`: half-received snapshots that survive, or lose their unsynced tail in, a simulated crash. */
import { assert } from '../../base/index.ts'
import { DataStoreError } from '../data-store.ts'
import type { Staging, StagingReader, StagingWriter } from '../snapshot/staging.ts'
import type { MemoryDisk, MemoryFile } from './memory-disk.ts'

export class MemoryStaging implements Staging {
  readonly #disk: MemoryDisk
  readonly #crashesSeen: number

  constructor(disk: MemoryDisk) {
    this.#disk = disk
    this.#crashesSeen = disk.crashes
  }

  async list(): Promise<string[]> {
    return [...this.#disk.files.keys()]
  }

  async create(name: string): Promise<StagingWriter> {
    assert(!this.#disk.files.has(name), `staging file ${name} is new`)
    const pieces: Uint8Array[] = []
    const file: MemoryFile = { bytes: Buffer.alloc(0), syncedBytes: 0 }
    this.#disk.files.set(name, file)
    return {
      append: async (bytes) => {
        // A copy: the caller may use its buffer again, as with a real file.
        pieces.push(Buffer.from(bytes))
      },
      sync: async () => {
        file.bytes = Buffer.concat([file.bytes, ...pieces.splice(0)])
        await this.#disk.syncFile(file, this.#crashesSeen)
      },
      close: async () => {},
    }
  }

  async open(name: string): Promise<StagingReader> {
    const file = this.#disk.files.get(name)
    if (file === undefined) {
      throw new DataStoreError('SNAPSHOT_DAMAGED', `the snapshot is damaged: its staging file ${name} is gone`)
    }
    const { bytes } = file
    return {
      size: bytes.length,
      read: async (offset, length) => bytes.subarray(offset, offset + length),
      close: async () => {},
    }
  }

  async remove(name: string): Promise<void> {
    this.#disk.files.delete(name)
  }
}
