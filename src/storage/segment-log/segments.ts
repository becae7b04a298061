import { assert, present } from '../../base/index.ts'
import type { File, FileSystem } from '../file-system.ts'
import { SEGMENT_HEADER_BYTES, segmentFileName } from './layout.ts'

/**
 * The segment files of one log: their names, sizes, open handles, and how many bytes in each are still needed. It does not
 * know what the bytes mean. Invariant: sequences are consecutive; only the newest segment grows.
 */
export const LOG_DIRECTORY = 'log'

export function segmentPath(sequence: number): string {
  return `${LOG_DIRECTORY}/${segmentFileName(sequence)}`
}

export interface Segment {
  readonly sequence: number
  readonly path: string
  /** Bytes on disk once the batches handed out so far are written. */
  bytes: number
  /** Bytes of records that some group still needs. */
  liveBytes: number
  /** Groups that may have records here; a superset. */
  readonly groups: Set<number>
}

export class Segments {
  readonly #files: FileSystem
  readonly #segments = new Map<number, Segment>()
  readonly #handles = new Map<number, File>()
  #oldest: number
  #newest: number
  #appending: { readonly sequence: number; readonly file: File } | undefined

  /** `newest` is oldest - 1 when there is no segment yet. */
  constructor(files: FileSystem, oldest: number) {
    this.#files = files
    this.#oldest = oldest
    this.#newest = oldest - 1
  }

  get oldest(): number {
    return this.#oldest
  }

  get newest(): number {
    return this.#newest
  }

  get count(): number {
    return this.#segments.size
  }

  get bytes(): number {
    let bytes = 0
    for (const segment of this.#segments.values()) bytes += segment.bytes
    return bytes
  }

  get(sequence: number): Segment {
    return present(this.#segments.get(sequence), `segment ${sequence}`)
  }

  /** Takes up the next segment. Its file is created by the first `appendHandle`. */
  add(bytes: number = SEGMENT_HEADER_BYTES): Segment {
    const sequence = ++this.#newest
    const segment = { sequence, path: segmentPath(sequence), bytes, liveBytes: 0, groups: new Set<number>() }
    this.#segments.set(sequence, segment)
    return segment
  }

  /** Says that `bytes` more of the segment are needed, by `group`. */
  retain(sequence: number, bytes: number, group: number): void {
    const segment = this.get(sequence)
    segment.liveBytes += bytes
    segment.groups.add(group)
  }

  release(sequence: number, bytes: number): void {
    const segment = this.get(sequence)
    segment.liveBytes -= bytes
    assert(segment.liveBytes >= 0, `segment ${sequence} has ${segment.liveBytes} live bytes`)
  }

  /** The handle for appending to the newest segment; creates the file, and makes its name durable, where needed. */
  appendHandle(sequence: number, exists: boolean): File {
    if (this.#appending?.sequence === sequence) return this.#appending.file
    // A handle that was opened for reading cannot write, and the full segment has no more use for room.
    this.#close(sequence)
    if (this.#appending !== undefined) this.#close(this.#appending.sequence)
    const file = this.#files.open(segmentPath(sequence), 'append')
    this.#handles.set(sequence, file)
    this.#appending = { sequence, file }
    if (!exists) this.#files.syncDirectory(LOG_DIRECTORY)
    return file
  }

  /** Reads `length` bytes at `offset`; fewer where the file ends. Throws what the file system throws. */
  read(sequence: number, offset: number, length: number): Uint8Array {
    let file = this.#handles.get(sequence)
    if (file === undefined) {
      file = this.#files.open(segmentPath(sequence), 'read')
      this.#handles.set(sequence, file)
    }
    return file.readSync(offset, length)
  }

  /** Forgets the oldest segment; its file is removed by `removeFiles` once that is durable. */
  dropOldest(): Segment {
    const segment = this.get(this.#oldest)
    assert(segment.liveBytes === 0, `segment ${segment.sequence} still has ${segment.liveBytes} live bytes`)
    assert(this.#oldest < this.#newest, 'the newest segment stays')
    this.#segments.delete(this.#oldest)
    this.#oldest++
    return segment
  }

  removeFile(segment: Segment): void {
    this.#close(segment.sequence)
    this.#files.remove(segment.path)
  }

  close(): void {
    for (const file of this.#handles.values()) file.close()
    this.#handles.clear()
  }

  #close(sequence: number): void {
    this.#handles.get(sequence)?.close()
    this.#handles.delete(sequence)
  }
}
