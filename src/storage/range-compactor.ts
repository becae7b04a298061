/**
 * Has the engine give back what deleted and overwritten records still take on disk, where that is most of a range. LevelDB does so by itself only when
 * something is written there, and until then its figure of a shard is that of what the shard once had: too large to be merged, or split because of what
 * nobody can read. One range at a time, in the engine's own thread. The data store owns one and says what its survey has found.
 */
import type { DataKey } from './data-store.ts'
import type { KvStore } from './kv-store.ts'
import { userRange } from './layout.ts'
import type { Walked } from './size-survey.ts'

/**
 * So much may stay: no more than what the records take, and this. Two shards that are small enough to be merged (20 MiB each) then stay below what a shard is split at (96 MiB),
 * whichever of the two figures it is judged by.
 */
const GARBAGE_BYTES_MAX = 8 * 1024 * 1024
/** A walk that has met so much goes on although nothing changes. */
const SUSPICIOUS_BYTES = 1024 * 1024
/** Ranges that nobody asks about any more are forgotten, the oldest first. */
const RANGES_MAX = 20_000

export class RangeCompactor {
  readonly #kv: KvStore
  /** What the engine had there after the last time, by the first key: something may hold on to what is deleted, such as a snapshot on its way. */
  readonly #left = new Map<DataKey, number>()
  #isRunning = false

  constructor(kv: KvStore) {
    this.#kv = kv
  }

  /** Whether there is so much garbage in the part of a range that was looked at that the rest is worth a look. */
  isSuspicious({ bytes, engineBytes }: Walked): boolean {
    return engineBytes > 2 * bytes + SUSPICIOUS_BYTES
  }

  /** Begins where it is worth while, and nothing else is being compacted; resolves when that has ended. */
  consider(walked: Walked): Promise<void> | undefined {
    const { range, bytes, engineBytes } = walked
    if (this.#isRunning || engineBytes <= 2 * bytes + GARBAGE_BYTES_MAX) return undefined
    if (engineBytes <= 2 * (this.#left.get(range.start) ?? 0)) return undefined
    this.#isRunning = true
    return this.#compact(walked).finally(() => {
      this.#isRunning = false
    })
  }

  async #compact({ range }: Walked): Promise<void> {
    const engineRange = userRange(range)
    await this.#kv.compact(engineRange)
    this.#left.delete(range.start)
    this.#left.set(range.start, await this.#kv.approximateBytes(engineRange))
    if (this.#left.size <= RANGES_MAX) return
    for (const oldest of this.#left.keys()) {
      this.#left.delete(oldest)
      break
    }
  }
}
