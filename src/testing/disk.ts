/**
 * One store's disk: the files of the log and the ordered engine of the data, with the faults of real ones. It outlives processes; each
 * process gets its own view of it with `attach`, which ends with that process. The models of what survives are those of `MemoryFiles`
 * (unsynced bytes are lost, kept, torn or replaced by zeros, sector by sector) and `MemoryDisk` (writes are atomic and ordered); this file
 * adds time, chance and errors.
 */
import { crc32 } from 'node:zlib'
import { assert } from '../base/index.ts'
import {
  DataStoreError,
  type FaultyOperation,
  type File,
  type FileSystem,
  MemoryDisk,
  MemoryFiles,
} from '../storage/index.ts'
import type { FaultCounts } from './fault-counts.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimulatedProcess } from './simulated-process.ts'

export interface DiskSpeed {
  readonly syncUsMin: number
  readonly syncUsMax: number
  /** Syncs of a thousand that take up to `stallUsMax`. */
  readonly stallPerMille: number
  readonly stallUsMax: number
}

export const FAST_DISK: DiskSpeed = { syncUsMin: 120, syncUsMax: 400, stallPerMille: 0, stallUsMax: 0 }

/** What a broken disk answers. */
export type DiskError = 'EIO' | 'ENOSPC'

const SECTOR_BYTES = 512

export class SimulatedDisk {
  speed: DiskSpeed = FAST_DISK
  /** Bytes were changed behind the store's back: what it says of its data is excused from here on. */
  isDamaged = false
  /** Errors that the present process was given and may end with. */
  errorsGiven = 0
  readonly #random: SeededRandom
  readonly #counts: FaultCounts
  #files: MemoryFiles
  #data: MemoryDisk
  #incarnation: string
  #process: SimulatedProcess | undefined
  /** Writes of the log under way. */
  #writing = 0
  /** Writes of the data engine under way, in order. */
  #committing: (() => void)[] = []
  #dataError: DiskError | undefined

  constructor(random: SeededRandom, counts: FaultCounts) {
    this.#random = random
    this.#counts = counts
    this.#files = this.#newFiles()
    this.#data = this.#newData()
    this.#incarnation = this.#newIncarnation()
  }

  get incarnation(): string {
    return this.#incarnation
  }

  /** Whether a write of the log is under way. */
  get isWriting(): boolean {
    return this.#writing > 0
  }

  get data(): MemoryDisk {
    return this.#data
  }

  get usedBytes(): number {
    return this.#files.usedBytes
  }

  /** From now on the disk serves this process; the files it answers are dead when the process is. */
  attach(process: SimulatedProcess): FileSystem {
    this.#process = process
    this.#writing = 0
    // A disk that nobody made room on is still full, and what broke since the last process ended is still broken.
    const isSound = !this.#files.isFaulty && this.#dataError === undefined
    this.errorsGiven = isSound ? 0 : 1
    return new ProcessFiles(this.#files, process)
  }

  /** The process is gone; the machine, and with it what the page cache holds, is still there. */
  kill(): void {
    this.#settleSome()
    this.#files.kill()
    this.#data.kill()
    this.#dataError = undefined
    this.#process = undefined
  }

  /** The power went: what was not synced may be lost, in part or whole. */
  losePower(): void {
    this.#settleSome()
    this.#files.crash()
    this.#data.crash()
    this.#dataError = undefined
    this.#process = undefined
  }

  /** An empty disk in its place. */
  wipe(): void {
    assert(this.#process === undefined, 'a disk is replaced while no process uses it')
    this.#files = this.#newFiles()
    this.#data = this.#newData()
    this.#incarnation = this.#newIncarnation()
    this.isDamaged = false
  }

  /** The log's next `operation` fails, and every later one until the process has ended. */
  breakLog(operation: FaultyOperation, error: DiskError): void {
    this.errorsGiven++
    this.#counts.add(`disk-${operation}-${error}`)
    this.#files.break(operation, error)
  }

  /** The log's disk has room for so many bytes more. */
  fill(freeBytes: number): void {
    this.errorsGiven++
    this.#counts.add('disk-full')
    this.#files.capacityBytes = this.#files.usedBytes + freeBytes
  }

  /** The data engine's next write fails, and every later one until the process has ended. */
  breakData(error: DiskError): void {
    this.errorsGiven++
    this.#counts.add(`data-write-${error}`)
    this.#dataError = error
  }

  /** Ends everything that was broken, except what was damaged for good. */
  heal(): void {
    this.#files.heal()
    this.#dataError = undefined
    this.speed = FAST_DISK
  }

  /** Flips a bit of the log. False when there is nothing to damage. */
  flipBit(): boolean {
    const place = this.#anyPlace(1)
    if (place === undefined) return false
    this.#files.flipBit(place.path, place.offset, this.#random.below(8))
    this.isDamaged = true
    this.#counts.add('disk-bit-flip')
    return true
  }

  /** Writes one sector of the log over another one. */
  misdirectWrite(): boolean {
    const from = this.#anyPlace(SECTOR_BYTES)
    const to = this.#anyPlace(SECTOR_BYTES)
    if (from === undefined || to === undefined) return false
    const sector = this.#files.read(from.path).subarray(from.offset, from.offset + SECTOR_BYTES)
    this.#files.overwrite(to.path, to.offset, sector)
    this.isDamaged = true
    this.#counts.add('disk-misdirected-write')
    return true
  }

  /** A fingerprint of all files' bytes. */
  fingerprint(): number {
    let sum = 0
    for (const path of this.#files.paths()) sum = crc32(this.#files.read(path), sum)
    return sum
  }

  #anyPlace(bytes: number): { path: string; offset: number } | undefined {
    const path = this.#random.pick(this.#files.paths())
    if (path === undefined) return undefined
    const { length } = this.#files.read(path)
    if (length < bytes) return undefined
    const offset = this.#random.below(length - bytes + 1)
    return { path, offset: bytes === 1 ? offset : offset - (offset % SECTOR_BYTES) }
  }

  /** Writes of the data engine that were under way: the first few of them had reached the disk. */
  #settleSome(): void {
    const committing = this.#committing
    this.#committing = []
    const survive = this.#random.below(committing.length + 1)
    for (const commit of committing.slice(0, survive)) commit()
  }

  #latencyUs(): number {
    const { syncUsMin, syncUsMax, stallPerMille, stallUsMax } = this.speed
    const latencyUs = this.#random.between(syncUsMin, syncUsMax)
    if (!this.#random.chance(stallPerMille)) return latencyUs
    this.#counts.add('disk-stall')
    return latencyUs + this.#random.below(stallUsMax)
  }

  #newFiles(): MemoryFiles {
    const report = (run: () => void): void => {
      this.#writing++
      this.#process?.arrival(this.#latencyUs(), () => {
        this.#writing--
        run()
      })
    }
    const clock = {
      soon: report,
      after: (_delayMs: number, run: () => void) => {
        report(run)
        return { cancel: () => {} }
      },
    }
    return new MemoryFiles({ random: this.#random, clock, sectorBytes: SECTOR_BYTES })
  }

  #newData(): MemoryDisk {
    return new MemoryDisk({
      schedule: (commit) => {
        const process = this.#process
        if (process?.effect() !== true) return
        this.#committing.push(commit)
        process.arrival(this.#latencyUs(), () => this.#committing.shift()?.())
      },
      fault: () =>
        this.#dataError === undefined
          ? undefined
          : new DataStoreError(this.#dataError === 'ENOSPC' ? 'DISK_FULL' : 'IO_ERROR', `simulated ${this.#dataError}`),
    })
  }

  #newIncarnation(): string {
    return `disk-${this.#random.bits().toString(36)}`
  }
}

/** The files as one process sees them: nothing it does after its death reaches the disk. */
class ProcessFiles implements FileSystem {
  readonly #files: MemoryFiles
  readonly #process: SimulatedProcess

  constructor(files: MemoryFiles, process: SimulatedProcess) {
    this.#files = files
    this.#process = process
  }

  get root(): string {
    return this.#files.root
  }

  list(directory: string): string[] {
    return this.#files.list(directory)
  }

  makeDirectory(): void {
    if (this.#process.effect()) this.#files.makeDirectory()
  }

  open(path: string, mode: 'append' | 'read'): File {
    if (mode === 'append' && !this.#process.effect()) return new DeadFile()
    return new ProcessFile(this.#files.open(path, mode), this.#process)
  }

  remove(path: string): void {
    if (this.#process.effect()) this.#files.remove(path)
  }

  rename(from: string, to: string): void {
    if (this.#process.effect()) this.#files.rename(from, to)
  }

  truncate(path: string, bytes: number): void {
    if (this.#process.effect()) this.#files.truncate(path, bytes)
  }

  syncDirectory(directory: string): void {
    if (this.#process.effect()) this.#files.syncDirectory(directory)
  }
}

class ProcessFile implements File {
  readonly #file: File
  readonly #process: SimulatedProcess

  constructor(file: File, process: SimulatedProcess) {
    this.#file = file
    this.#process = process
  }

  get size(): number {
    return this.#file.size
  }

  readSync(offset: number, length: number): Uint8Array {
    return this.#file.readSync(offset, length)
  }

  appendAndSync(buffers: readonly Uint8Array[], done: (error: NodeJS.ErrnoException | undefined) => void): void {
    if (this.#process.effect()) this.#file.appendAndSync(buffers, done)
  }

  close(): void {
    this.#file.close()
  }
}

/** What a process opens after its death. */
class DeadFile implements File {
  readonly size = 0

  readSync(): Uint8Array {
    return new Uint8Array(0)
  }

  appendAndSync(): void {
    // Nobody waits for the report any more.
  }

  close(): void {
    // Nothing is open.
  }
}
