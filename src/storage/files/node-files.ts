import { Buffer } from 'node:buffer'
import fs from 'node:fs'
import path from 'node:path'
import { assert } from '../../base/index.ts'
import type { File, FileSystem } from '../file-system.ts'

/**
 * The real file system. Everything but `appendAndSync` is synchronous: it happens at opening, when a segment is full, or
 * when old entries are read.
 */
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
    return new NodeFile(fs.openSync(this.#absolute(name), mode === 'append' ? 'a+' : 'r'))
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
  #size: number
  #open = true
  #buffers: readonly Uint8Array[] = []
  #remaining = 0
  #done: ((error: NodeJS.ErrnoException | undefined) => void) | undefined

  constructor(fd: number) {
    this.#fd = fd
    this.#size = fs.fstatSync(fd).size
  }

  get size(): number {
    return this.#size
  }

  readSync(offset: number, length: number): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(length)
    let read = 0
    while (read < length) {
      const count = fs.readSync(this.#fd, bytes, read, length - read, offset + read)
      if (count === 0) break
      read += count
    }
    return bytes.subarray(0, read)
  }

  appendAndSync(buffers: readonly Uint8Array[], done: (error: NodeJS.ErrnoException | undefined) => void): void {
    assert(this.#done === undefined, 'one append at a time')
    assert(this.#open, 'the file is closed')
    this.#done = done
    this.#buffers = buffers
    this.#remaining = buffers.reduce((bytes, buffer) => bytes + buffer.length, 0)
    this.#write()
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    fs.closeSync(this.#fd)
  }

  #write(): void {
    const only = this.#buffers[0]
    if (only !== undefined && this.#buffers.length === 1)
      fs.write(this.#fd, only, 0, only.length, null, this.#onWritten)
    else fs.writev(this.#fd, this.#buffers, this.#onWritten)
  }

  readonly #onWritten = (error: NodeJS.ErrnoException | null, written: number): void => {
    if (error !== null) {
      this.#finish(error)
      return
    }
    this.#size += written
    this.#remaining -= written
    if (this.#remaining > 0) {
      this.#buffers = skipBytes(this.#buffers, written)
      this.#write()
    } else fs.fdatasync(this.#fd, this.#onSynced)
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
