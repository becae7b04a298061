import { assert, type Clock, present, type Random } from '../../base/index.ts'
import type { File, FileSystem } from '../file-system.ts'

/**
 * Files in memory that behave like a disk behind a page cache, and fail on request: for tests and for the simulator. Bytes
 * and names count as written at once and as durable once synced; `crash` decides, by the given random source, what of the
 * rest survives. Everything that takes time on a real disk is reported through the given clock.
 *
 * The model of a crash: a file keeps its synced bytes; it may have grown to any length it was written to; each sector in
 * between holds what was written or zeros, and more zeros may follow, which a file system wrote ahead. Each change of names since the directory was synced happened or did not. A
 * truncation is durable at once, as the port says.
 */
export interface MemoryFilesOptions {
  readonly random: Random
  readonly clock: Pick<Clock, 'soon' | 'after'>
  /** What a disk writes whole or not at all. Default 512. */
  readonly sectorBytes?: number
}

export type FaultyOperation = 'open' | 'read' | 'write' | 'sync' | 'remove' | 'truncate'

interface Fault {
  readonly operation: FaultyOperation
  readonly code: string
  /** Operations of this kind that still succeed. */
  after: number
}

class Contents {
  bytes = new Uint8Array(1024)
  length = 0
  syncedLength = 0

  append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + bytes.length))
      grown.set(this.bytes.subarray(0, this.length))
      this.bytes = grown
    }
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  cut(length: number): void {
    this.length = Math.min(this.length, length)
    this.syncedLength = this.length
    this.bytes.fill(0, this.length)
  }

  clone(): Contents {
    const copy = new Contents()
    copy.append(this.bytes.subarray(0, this.length))
    copy.syncedLength = this.length
    return copy
  }
}

type NameChange =
  | { readonly kind: 'link'; readonly path: string; readonly contents: Contents }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string; readonly contents: Contents }

export class MemoryFiles implements FileSystem {
  readonly root = 'memory:'
  readonly #random: Random
  readonly #clock: Pick<Clock, 'soon' | 'after'>
  readonly #sectorBytes: number
  #names = new Map<string, Contents>()
  #durableNames = new Map<string, Contents>()
  #changes: NameChange[] = []
  #faults: Fault[] = []
  /** Handles of an earlier epoch belong to a process that crashed. */
  #epoch = 0
  /** What the whole disk holds; appending beyond it is ENOSPC. */
  capacityBytes = Number.POSITIVE_INFINITY
  /** How long each sync takes. */
  syncDelayMs = 0

  constructor(options: MemoryFilesOptions) {
    this.#random = options.random
    this.#clock = options.clock
    this.#sectorBytes = options.sectorBytes ?? 512
  }

  list(directory: string): string[] {
    const prefix = `${directory}/`
    return [...this.#names.keys()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length))
  }

  makeDirectory(): void {
    // Directories exist as soon as a file names them.
  }

  open(path: string, mode: 'append' | 'read'): File {
    this.#fail('open')
    let contents = this.#names.get(path)
    if (contents === undefined) {
      if (mode === 'read') throw fileError('ENOENT', 'open', path)
      contents = new Contents()
      this.#names.set(path, contents)
      this.#changes.push({ kind: 'link', path, contents })
    }
    return new MemoryFile(this, contents, path, mode)
  }

  remove(path: string): void {
    this.#fail('remove')
    if (!this.#names.delete(path)) throw fileError('ENOENT', 'unlink', path)
    this.#changes.push({ kind: 'unlink', path })
  }

  rename(from: string, to: string): void {
    const contents = this.#contents(from)
    this.#names.delete(from)
    this.#names.set(to, contents)
    this.#changes.push({ kind: 'rename', path: from, to, contents })
  }

  truncate(path: string, bytes: number): void {
    this.#fail('truncate')
    const contents = this.#contents(path)
    contents.cut(bytes)
  }

  syncDirectory(directory: string): void {
    const inside = (path: string): boolean => path.startsWith(`${directory}/`)
    for (const change of this.#changes) if (inside(change.path)) applyChange(this.#durableNames, change)
    this.#changes = this.#changes.filter((change) => !inside(change.path))
  }

  /** Loses what was not synced, wholly or in part, and every handle and report that is still outstanding. */
  crash(): void {
    this.#epoch++
    this.#faults = []
    for (const change of this.#changes) if (this.#random.below(2) === 0) applyChange(this.#durableNames, change)
    this.#changes = []
    this.#names = new Map(this.#durableNames)
    for (const contents of new Set(this.#names.values())) this.#tear(contents)
  }

  /** The process is gone, the machine goes on: handles and reports are lost, what was written stays as it is, synced or not. */
  kill(): void {
    this.#epoch++
    this.#faults = []
  }

  /** What another process would see now: all that was written, synced or not. */
  copy(): MemoryFiles {
    const copy = new MemoryFiles({ random: this.#random, clock: this.#clock, sectorBytes: this.#sectorBytes })
    for (const [path, contents] of this.#names) copy.#names.set(path, contents.clone())
    copy.#durableNames = new Map(copy.#names)
    return copy
  }

  /** From now on, after `after` successes, every `operation` fails with `code` (such as EIO or ENOSPC) until `heal`. */
  break(operation: FaultyOperation, code: string, after = 0): void {
    this.#faults.push({ operation, code, after })
  }

  /** Whether an operation will fail, or writes will once there is no room. */
  get isFaulty(): boolean {
    return this.#faults.length > 0 || this.capacityBytes !== Number.POSITIVE_INFINITY
  }

  heal(): void {
    this.#faults = []
    this.capacityBytes = Number.POSITIVE_INFINITY
  }

  flipBit(path: string, offset: number, bit: number): void {
    const { bytes, length } = this.#contents(path)
    assert(offset < length, `flip at ${offset} of ${length} bytes`)
    bytes[offset] = (bytes[offset] as number) ^ (1 << bit)
  }

  /** Puts bytes where they do not belong, as a misdirected write of somebody else would. They must fit into the file. */
  overwrite(path: string, offset: number, bytes: Uint8Array): void {
    const contents = this.#contents(path)
    assert(offset + bytes.length <= contents.length, `overwrite at ${offset} of ${contents.length} bytes`)
    contents.bytes.set(bytes, offset)
  }

  /** All files, in order of their names. */
  paths(): string[] {
    return [...this.#names.keys()].sort()
  }

  get usedBytes(): number {
    let bytes = 0
    for (const contents of new Set(this.#names.values())) bytes += contents.length
    return bytes
  }

  /** A copy of the file's bytes. */
  read(path: string): Uint8Array {
    const { bytes, length } = this.#contents(path)
    return bytes.slice(0, length)
  }

  /** Replaces the file, durably. */
  write(path: string, bytes: Uint8Array): void {
    const contents = new Contents()
    contents.append(bytes)
    contents.syncedLength = contents.length
    this.#names.set(path, contents)
    this.#durableNames.set(path, contents)
  }

  // What follows is for MemoryFile only.

  get epoch(): number {
    return this.#epoch
  }

  checkRead(): void {
    this.#fail('read')
  }

  append(contents: Contents, path: string, buffers: readonly Uint8Array[], done: AppendDone): void {
    const error = this.#write(contents, path, buffers)
    const { length } = contents
    const epoch = this.#epoch
    const report = (): void => {
      if (epoch !== this.#epoch) return
      if (error !== undefined) {
        done(error)
        return
      }
      const syncError = this.#fault('sync')
      if (syncError !== undefined) {
        done(fileError(syncError, 'fdatasync', path))
        return
      }
      contents.syncedLength = Math.max(contents.syncedLength, length)
      done(undefined)
    }
    if (this.syncDelayMs > 0) this.#clock.after(this.syncDelayMs, report)
    else this.#clock.soon(report)
  }

  #write(contents: Contents, path: string, buffers: readonly Uint8Array[]): NodeJS.ErrnoException | undefined {
    const total = buffers.reduce((bytes, buffer) => bytes + buffer.length, 0)
    const isEndless = this.capacityBytes === Number.POSITIVE_INFINITY
    const free = isEndless ? total : this.capacityBytes - this.usedBytes
    const code = this.#fault('write') ?? (total > free ? 'ENOSPC' : undefined)
    // A write that fails may have put down some of its bytes.
    let room = code === undefined ? total : Math.min(total, Math.max(0, free), this.#random.below(total + 1))
    for (const buffer of buffers) {
      contents.append(buffer.subarray(0, room))
      room -= Math.min(room, buffer.length)
    }
    return code === undefined ? undefined : fileError(code, 'write', path)
  }

  #tear(contents: Contents): void {
    const { syncedLength } = contents
    const unsynced = contents.length - syncedLength
    if (unsynced > 0) {
      const grown = [0, unsynced, this.#random.below(unsynced + 1)][this.#random.below(3)] as number
      const holes = this.#random.below(2) === 1
      const end = syncedLength + grown
      const sector = this.#sectorBytes
      for (let at = syncedLength; holes && at < end; at = at - (at % sector) + sector) {
        if (this.#random.below(2) === 1) contents.bytes.fill(0, at, Math.min(end, at - (at % sector) + sector))
      }
      contents.cut(end)
    }
    if (this.#random.below(4) === 0) contents.append(new Uint8Array(this.#random.below(4 * this.#sectorBytes)))
    contents.syncedLength = contents.length
  }

  #contents(path: string): Contents {
    const contents = this.#names.get(path)
    if (contents === undefined) throw fileError('ENOENT', 'open', path)
    return contents
  }

  #fault(operation: FaultyOperation): string | undefined {
    for (const fault of this.#faults) {
      if (fault.operation !== operation) continue
      if (fault.after === 0) return fault.code
      fault.after--
    }
    return undefined
  }

  #fail(operation: FaultyOperation): void {
    const code = this.#fault(operation)
    if (code !== undefined) throw fileError(code, operation, this.root)
  }
}

type AppendDone = (error: NodeJS.ErrnoException | undefined) => void

class MemoryFile implements File {
  readonly #files: MemoryFiles
  readonly #contents: Contents
  readonly #path: string
  readonly #mode: 'append' | 'read'
  readonly #epoch: number
  #appending = false
  #open = true

  constructor(files: MemoryFiles, contents: Contents, path: string, mode: 'append' | 'read') {
    this.#files = files
    this.#contents = contents
    this.#path = path
    this.#mode = mode
    this.#epoch = files.epoch
  }

  get size(): number {
    return this.#contents.length
  }

  readSync(offset: number, length: number): Uint8Array {
    this.#checkAlive()
    this.#files.checkRead()
    const { bytes } = this.#contents
    return bytes.slice(Math.min(offset, this.size), Math.min(offset + length, this.size))
  }

  appendAndSync(buffers: readonly Uint8Array[], done: AppendDone): void {
    this.#checkAlive()
    assert(!this.#appending, 'one append at a time')
    assert(this.#mode === 'append', `${this.#path} is open for reading`)
    this.#appending = true
    this.#files.append(this.#contents, this.#path, buffers, (error) => {
      this.#appending = false
      done(error)
    })
  }

  close(): void {
    this.#open = false
  }

  #checkAlive(): void {
    assert(this.#open, `${this.#path} is closed`)
    assert(this.#epoch === this.#files.epoch, `${this.#path} was opened before the crash`)
  }
}

function applyChange(names: Map<string, Contents>, change: NameChange): void {
  switch (change.kind) {
    case 'link':
      names.set(change.path, change.contents)
      return
    case 'unlink':
      names.delete(change.path)
      return
    case 'rename':
      names.delete(change.path)
      names.set(change.to, present(change.contents, 'the renamed file'))
      return
  }
}

function fileError(code: string, syscall: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall, path })
}
