/**
 * Bounds the memory of recently appended entries, which all groups share, so that replication and applying never read
 * files. It holds no entries itself: each group keeps the newest of its own, and is told here which to drop. The oldest
 * appended go first. Entries that are not durable yet cannot be read back from a file, so they stay whatever the bound.
 *
 * Entries are kept as they were handed in. Their data should not be small slices of large, otherwise dead buffers.
 */
export interface CachedLog {
  /** Grows whenever indexes are used anew, for other entries. */
  readonly cacheEpoch: number
  /**
   * Drops the cached entries up to and including `index`, as far as they are those that were added in `epoch`: newer
   * ones under the same indexes may not be durable yet.
   */
  evict(index: number, epoch: number): void
}

/** What an entry costs besides its data: the objects that hold it. */
const ENTRY_OVERHEAD_BYTES = 160

interface Chunk {
  readonly log: CachedLog
  readonly lastIndex: number
  readonly epoch: number
  readonly bytes: number
}

export class EntryCache {
  readonly #bytesMax: number
  #bytes = 0
  #chunks: Chunk[] = []
  #head = 0
  /** Chunks before this one are durable. */
  #durable = 0
  /** Chunks before this one are being written. */
  #writing = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  add(log: CachedLog, lastIndex: number, entries: number, dataBytes: number): void {
    const bytes = entries * ENTRY_OVERHEAD_BYTES + dataBytes
    this.#chunks.push({ log, lastIndex, epoch: log.cacheEpoch, bytes })
    this.#bytes += bytes
  }

  /** What was added so far is being written now. */
  writing(): void {
    this.#writing = this.#chunks.length
  }

  /** What was being written is durable: from now on it may be dropped. */
  written(): void {
    this.#durable = this.#writing
    while (this.#bytes > this.#bytesMax && this.#head < this.#durable) {
      const chunk = this.#chunks[this.#head++] as Chunk
      this.#bytes -= chunk.bytes
      chunk.log.evict(chunk.lastIndex, chunk.epoch)
    }
    if (this.#head > 1024 && this.#head * 2 > this.#chunks.length) this.#forgetDropped()
  }

  #forgetDropped(): void {
    this.#chunks.splice(0, this.#head)
    this.#durable -= this.#head
    this.#writing -= this.#head
    this.#head = 0
  }
}
