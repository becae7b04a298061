import { Buffer } from 'node:buffer'
import fs from 'node:fs'
import path from 'node:path'
import { assert } from '../../base/index.ts'
import type { File, FileSystem } from '../file-system.ts'

/**
 * The real file system. Everything but `appendAndSync` is synchronous: it happens at opening, when a segment is full, or
 * when old entries are read.
 *
 * How appends are made durable was decided by measurement (ext4, 8 KB per append, per append: wall time / CPU time):
 * write, then fdatasync 190 us / 104 us; a write that is durable by itself (O_DSYNC) 168 / 81; the same into room that
 * was written before, so that no metadata changes, 117 / 61. So a file grows by chunks of zeros, appends overwrite them,
 * and on Linux the one write is its own fdatasync. The price is that each byte is written twice.
 */
const { O_CREAT, O_DSYNC, O_RDWR } = fs.constants
/** Elsewhere O_DSYNC is missing or does less than fdatasync (macOS leaves the bytes in the drive's cache). */
const WRITES_ARE_DURABLE = process.platform === 'linux'
const APPEND_FLAGS = O_RDWR | O_CREAT | (WRITES_ARE_DURABLE ? O_DSYNC : 0)
/** Written in about two milliseconds; more would be felt as a pause. */
const ROOM_BYTES = 1024 * 1024

export class NodeFiles implements FileSystem {
  readonly root: string

  constructor(root: string) {
    this.root = path.resolve(root)
  }

  list(directory: string): string[] {
    return fs.readdirSync(this.#absolute(directory))
  }

  makeDirectory(directory: string): void {
    fs.mkdirSync(this.#absolute(directory), { recursive: true })
    syncDirectory(path.dirname(this.#absolute(directory)))
  }

  open(name: string, mode: 'append' | 'read'): File {
    return new NodeFile(fs.openSync(this.#absolute(name), mode === 'append' ? APPEND_FLAGS : 'r'), mode)
  }

  remove(name: string): void {
    fs.unlinkSync(this.#absolute(name))
  }

  rename(from: string, to: string): void {
    fs.renameSync(this.#absolute(from), this.#absolute(to))
  }

  truncate(name: string, bytes: number): void {
    const fd = fs.openSync(this.#absolute(name), 'r+')
    try {
      if (fs.fstatSync(fd).size > bytes) fs.ftruncateSync(fd, bytes)
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  }

  syncDirectory(directory: string): void {
    syncDirectory(this.#absolute(directory))
  }

  #absolute(name: string): string {
    return path.join(this.root, name)
  }
}

export function syncDirectory(directory: string): void {
  // Windows cannot open a directory; its file system journals names by itself.
  if (process.platform === 'win32') return
  const fd = fs.openSync(directory, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

class NodeFile implements File {
  readonly #fd: number
  readonly #mode: 'append' | 'read'
  #size: number
  /** The bytes from #size to here are zeros on disk. */
  #roomEnd: number
  #makesRoom = true
  #open = true
  #buffers: readonly Uint8Array[] = []
  #remaining = 0
  #done: ((error: NodeJS.ErrnoException | undefined) => void) | undefined

  constructor(fd: number, mode: 'append' | 'read') {
    this.#fd = fd
    this.#mode = mode
    this.#size = fs.fstatSync(fd).size
    this.#roomEnd = this.#size
  }

  get size(): number {
    return this.#size
  }

  readSync(offset: number, length: number): Uint8Array {
    const wanted = Math.max(0, Math.min(length, this.#size - offset))
    const bytes = Buffer.allocUnsafeSlow(wanted)
    let read = 0
    while (read < wanted) {
      const count = fs.readSync(this.#fd, bytes, read, wanted - read, offset + read)
      if (count === 0) break
      read += count
    }
    return bytes.subarray(0, read)
  }

  appendAndSync(buffers: readonly Uint8Array[], done: (error: NodeJS.ErrnoException | undefined) => void): void {
    assert(this.#done === undefined, 'one append at a time')
    assert(this.#open && this.#mode === 'append', 'the file is not open for appending')
    this.#done = done
    this.#buffers = buffers
    this.#remaining = 0
    for (const buffer of buffers) this.#remaining += buffer.length
    const needsRoom = this.#size + this.#remaining > this.#roomEnd
    // A large append pays for its own metadata; room for it would only double its bytes.
    if (needsRoom && this.#makesRoom && this.#remaining * 4 < ROOM_BYTES) this.#makeRoom()
    else this.#write()
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    assert(this.#done === undefined, 'an append is running')
    if (this.#roomEnd > this.#size) fs.ftruncateSync(this.#fd, this.#size)
    fs.closeSync(this.#fd)
  }

  #makeRoom(): void {
    fs.write(this.#fd, Buffer.alloc(ROOM_BYTES), 0, ROOM_BYTES, this.#roomEnd, this.#onRoom)
  }

  readonly #onRoom = (error: NodeJS.ErrnoException | null, written: number): void => {
    // A disk too full for room may still hold what must be written; the write will tell.
    if (error !== null && error.code !== 'ENOSPC' && error.code !== 'EDQUOT') {
      this.#finish(error)
      return
    }
    if (error === null) this.#roomEnd += written
    else this.#makesRoom = false
    this.#write()
  }

  #write(): void {
    const only = this.#buffers[0]
    if (only !== undefined && this.#buffers.length === 1) {
      fs.write(this.#fd, only, 0, only.length, this.#size, this.#onWritten)
    } else fs.writev(this.#fd, this.#buffers, this.#size, this.#onWritten)
  }

  readonly #onWritten = (error: NodeJS.ErrnoException | null, written: number): void => {
    if (error !== null) {
      this.#finish(error)
      return
    }
    this.#size += written
    this.#roomEnd = Math.max(this.#roomEnd, this.#size)
    this.#remaining -= written
    if (this.#remaining > 0) {
      this.#buffers = skipBytes(this.#buffers, written)
      this.#write()
    } else if (WRITES_ARE_DURABLE) this.#finish(undefined)
    else fs.fdatasync(this.#fd, this.#onSynced)
  }

  readonly #onSynced = (error: NodeJS.ErrnoException | null): void => {
    this.#finish(error ?? undefined)
  }

  #finish(error: NodeJS.ErrnoException | undefined): void {
    const done = this.#done
    this.#done = undefined
    this.#buffers = []
    done?.(error)
  }
}

/** What is left of `buffers` after their first `bytes`. */
function skipBytes(buffers: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const left: Uint8Array[] = []
  let skip = bytes
  for (const buffer of buffers) {
    if (skip < buffer.length) left.push(buffer.subarray(skip))
    skip = Math.max(0, skip - buffer.length)
  }
  return left
}
