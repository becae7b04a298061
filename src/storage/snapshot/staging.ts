/**
 * The port for files that hold a snapshot between its arrival and its installation, and the adapter on the real file system: one flat directory. It
 * does not look into the bytes.
 */
import { constants, promises as fs } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { engineError } from '../engine-error.ts'
import { CHUNK_HEAD_BYTES, chunkLength, damaged } from './format.ts'

export interface StagingWriter {
  append(bytes: Uint8Array): Promise<void>
  /** Makes the bytes and the name durable. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface StagingReader {
  readonly size: number
  /** Fewer bytes than asked for only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

export interface Staging {
  list(): Promise<string[]>
  /** Rejects when the name is taken. */
  create(name: string): Promise<StagingWriter>
  /** Rejects with SNAPSHOT_DAMAGED when there is no such file. */
  open(name: string): Promise<StagingReader>
  remove(name: string): Promise<void>
}

export class FileStaging implements Staging {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  list(): Promise<string[]> {
    return translated('list received snapshots', async () => {
      await fs.mkdir(this.#directory, { recursive: true })
      return await fs.readdir(this.#directory)
    })
  }

  create(name: string): Promise<StagingWriter> {
    return translated('create a file for a snapshot', async () => {
      const file = await fs.open(this.#path(name), 'wx')
      return {
        append: (bytes) => translated('write a received snapshot', () => writeAll(file, bytes)),
        sync: () =>
          translated('sync a received snapshot', async () => {
            await file.sync()
            await syncDirectory(this.#directory)
          }),
        close: () => file.close(),
      }
    })
  }

  open(name: string): Promise<StagingReader> {
    return translated('open a received snapshot', async () => {
      const file = await fs.open(this.#path(name), 'r').catch((error: NodeJS.ErrnoException) => {
        // A marker that names a file which is not there is damage of one group, not trouble with the disk.
        throw error.code === 'ENOENT' ? damaged(`its staging file ${name} is gone`) : error
      })
      const { size } = await file.stat()
      return {
        size,
        read: (offset, length) => translated('read a received snapshot', () => readUpTo(file, offset, length)),
        close: () => file.close(),
      }
    })
  }

  remove(name: string): Promise<void> {
    return translated('remove a received snapshot', () => fs.rm(this.#path(name), { force: true }))
  }

  #path(name: string): string {
    return path.join(this.#directory, name)
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written)
    written += bytesWritten
  }
}

async function readUpTo(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await fs.open(directory, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function translated<T>(doing: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw engineError(error, doing)
  }
}

/** The whole chunk that starts at `offset`. Throws SNAPSHOT_DAMAGED when there is none. */
export async function readChunk(file: StagingReader, offset: number): Promise<Uint8Array> {
  const length = chunkLength(await file.read(offset, CHUNK_HEAD_BYTES))
  if (length === undefined) throw damaged(`no chunk at byte ${offset} of the staging file`)
  const chunk = await file.read(offset, length)
  if (chunk.length !== length) throw damaged(`the staging file ends inside the chunk at byte ${offset}`)
  return chunk
}
