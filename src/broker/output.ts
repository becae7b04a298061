/**
 * Bytes on their way to one client, gathered during a turn of the event loop and handed to the socket at once. Small messages are copied
 * side by side into a chunk (one copy is cheaper than one more entry in a gathered write); large payloads are kept by reference. Knows
 * nothing of sockets: the connection takes the segments and says when they are written.
 */
import { assert } from '../base/index.ts'

/** Holds any two control lines and a payload below the threshold, see `resolveBrokerLimits`. */
const CHUNK_BYTES = 64 * 1024
/** From here on a payload is referenced. It then pins at most the received chunk it lies in: 64 KiB, four times this. */
const REFERENCE_BYTES_MIN = 16 * 1024
/** Below this a loop is faster than the call that copies. */
const LOOP_COPY_BYTES_MAX = 48

/** Chunks that were written and can be filled again, shared by all connections of a broker. */
export class ChunkPool {
  readonly #free: Buffer[] = []
  readonly #freeMax: number

  constructor(freeMax = 64) {
    this.#freeMax = freeMax
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)
  }

  /** The caller promises that nothing reads the chunks any more. */
  giveBack(chunks: readonly Buffer[]): void {
    for (const chunk of chunks) {
      if (this.#free.length < this.#freeMax) this.#free.push(chunk)
    }
  }
}

/** What one write to a socket carries. */
export interface OutputBatch {
  readonly segments: readonly Uint8Array[]
  /** Chunks that the segments lie in, for the pool once the write is done. */
  readonly chunks: readonly Buffer[]
  readonly bytes: number
}

export class Output {
  readonly #pool: ChunkPool
  #segments: Uint8Array[] = []
  #chunks: Buffer[] = []
  /** The chunk being filled; `[#sealed, #used)` of it is not yet a segment. */
  #chunk: Buffer | undefined
  #sealed = 0
  #used = 0
  #bytes = 0

  constructor(pool: ChunkPool) {
    this.#pool = pool
  }

  /** Bytes gathered and not yet taken. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds latin1 text, at most a few control lines of it. */
  text(line: string): void {
    const chunk = this.#chunkFor(line.length)
    chunk.write(line, this.#used, 'latin1')
    this.#used += line.length
    this.#bytes += line.length
  }

  /** Adds a head and `bytes[start, end)` after it. `bytes` must not change until the batch that holds it is written. */
  message(head: string, bytes: Buffer, start: number, end: number): void {
    const length = end - start
    if (length >= REFERENCE_BYTES_MIN) {
      this.text(head)
      this.#seal()
      this.#segments.push(bytes.subarray(start, end))
    } else {
      const chunk = this.#chunkFor(head.length + length)
      let at = this.#used
      chunk.write(head, at, 'latin1')
      at += head.length
      if (length <= LOOP_COPY_BYTES_MAX) {
        for (let i = start; i < end; i++) chunk[at++] = bytes[i] as number
      } else {
        at += bytes.copy(chunk, at, start, end)
      }
      this.#bytes += head.length
      this.#used = at
    }
    this.#bytes += length
  }

  /** Hands over all that was gathered, in order, and starts anew. */
  take(): OutputBatch {
    this.#seal()
    const batch: OutputBatch = { segments: this.#segments, chunks: this.#chunks, bytes: this.#bytes }
    this.#segments = []
    this.#chunks = []
    this.#chunk = undefined
    this.#bytes = 0
    return batch
  }

  /** Drops all that was gathered. Whole messages only, so what follows is still a valid stream. */
  clear(): void {
    this.#pool.giveBack(this.take().chunks)
  }

  #chunkFor(bytes: number): Buffer {
    assert(bytes <= CHUNK_BYTES, `${bytes} bytes do not fit an output chunk of ${CHUNK_BYTES}`)
    if (this.#chunk !== undefined && this.#used + bytes <= CHUNK_BYTES) return this.#chunk
    this.#seal()
    const chunk = this.#pool.take()
    this.#chunks.push(chunk)
    this.#chunk = chunk
    this.#sealed = 0
    this.#used = 0
    return chunk
  }

  #seal(): void {
    if (this.#chunk === undefined || this.#used === this.#sealed) return
    this.#segments.push(this.#chunk.subarray(this.#sealed, this.#used))
    this.#sealed = this.#used
  }
}
