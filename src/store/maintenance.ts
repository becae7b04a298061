import { PLACEMENT_SHARD } from '../../shard-map/index.ts'
import type { Timer } from '../base/index.ts'
import { DataStoreError } from '../storage/index.ts'
import { SamplingThreshold } from './load-meter.ts'
import type { Replica } from './replica.ts'
import type { SnapshotSender } from './snapshot-sender.ts'
import { appliedPosition } from './state-record.ts'
import type { Store } from './store.ts'
import { TOMBSTONE_FORMAT } from './tombstone.ts'

/**
 * What a store does now and then: flush the overlay, shorten logs up to what is flushed, estimate sizes, roll load figures. Nothing here is
 * needed for a single request to succeed; all of it is needed for the store to live long.
 */
const STEP_MS = 100
const FLUSH_AFTER_MS = 5_000
/** The overlay is flushed early from this size on, long before appliers have to wait for it. */
const FLUSH_BYTES = 4 * 1024 * 1024
const LOAD_ROLL_MS = 1_000
/** The members of each group are looked at in every so manieth of those. */
const MEMBER_ROUNDS = 5
const SIZE_ESTIMATE_MS = 5_000
/** Records counted for that each time, by all shards that have changed together (about 2 us each), and by one of many at least. */
const COUNTED_ITEMS = 8_000
const COUNTED_ITEMS_MIN = 200
/** A log with more bytes than this is shortened although it has few entries. */
const LOG_BYTES_ENOUGH = 32 * 1024 * 1024
/**
 * A follower this many times `compactEntries` behind, or as many times the bytes above, gets a snapshot instead of making the log grow for it. With one, a
 * follower that catches up while large values are written would find the log cut in front of it again and again.
 */
const LAGGARD_FACTOR = 4

export class Maintenance {
  readonly #store: Store
  readonly #sender: SnapshotSender
  #timer: Timer | undefined
  #stopped = false
  #flushing: Promise<void> | undefined
  #lastFlushMs = 0
  #lastRollMs = 0
  #round = 0
  readonly #sampling = new SamplingThreshold()
  #lastEstimateMs = 0
  #estimating: Promise<void> | undefined
  #sweep: (nowMs: number) => void = () => {}

  constructor(store: Store, sender: SnapshotSender) {
    this.#store = store
    this.#sender = sender
  }

  /** `sweep` is called at every step, with the time; it answers requests whose deadline has passed. */
  start(sweep: (nowMs: number) => void): void {
    this.#sweep = sweep
    const nowMs = this.#store.options.clock.nowMs()
    this.#lastFlushMs = nowMs
    this.#lastRollMs = nowMs
    this.#arm()
  }

  /** With `flush`, everything applied becomes durable first, so that the next start has little to replay. */
  async stop(flush: boolean): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#estimating
    await this.#flushing
    if (!flush) return
    this.#startFlush(this.#store.options.clock.nowMs())
    await this.#flushing
  }

  #arm(): void {
    if (this.#stopped) return
    this.#timer = this.#store.options.clock.after(STEP_MS, () => this.#step())
  }

  #step(): void {
    const { clock, data, log } = this.#store.options
    const nowMs = clock.nowMs()
    this.#sweep(nowMs)
    // Nothing is applied while the overlay is full, and it may be allowed less than is flushed early.
    if (data.overFull || data.overlayBytes > FLUSH_BYTES || nowMs - this.#lastFlushMs >= FLUSH_AFTER_MS)
      this.#startFlush(nowMs)
    if (nowMs - this.#lastRollMs >= LOAD_ROLL_MS) {
      this.#round++
      let sampled = 0
      for (const replica of this.#store.replicas.values()) {
        replica.load.roll(nowMs - this.#lastRollMs, this.#sampling.requestsPerSecond)
        if (replica.load.sampler !== undefined) sampled++
        // A part of them at a time, because a store may have thousands.
        if ((replica.group + this.#round) % MEMBER_ROUNDS === 0) replica.members.observe(replica, this.#store.id, nowMs)
      }
      this.#sampling.adapt(sampled)
      this.#lastRollMs = nowMs
      log.collectGarbage()
      this.#store.loop.writeSoon()
    }
    if (nowMs - this.#lastEstimateMs >= SIZE_ESTIMATE_MS) this.#startEstimate(nowMs)
    this.#arm()
  }

  #startFlush(nowMs: number): void {
    if (this.#flushing !== undefined || this.#store.options.data.overlayBytes === 0) return
    this.#lastFlushMs = nowMs
    this.#track(this.#flush())
  }

  #track(flush: Promise<void>): void {
    const ended = (): void => {
      this.#flushing = undefined
    }
    this.#flushing = flush.then(ended, (error: unknown) => {
      ended()
      // A failed flush has ended the store already, through the data store's `onFatal`; everything else is a bug, and ends the process.
      if (!(error instanceof DataStoreError)) throw error
    })
  }

  /**
   * What people ask for instead of waiting: makes durable what is applied now, then drops from the log of the group `compact` what is durable and no
   * live follower needs. Resolves with why the log was left as it is, if so; rejects when the flush fails.
   */
  async upkeep(compact: number | undefined): Promise<string | undefined> {
    await this.#flushing
    if (this.#stopped) return 'the store is stopping'
    const flush = this.#flush()
    this.#track(flush)
    await flush
    const replica = compact === undefined ? undefined : this.#store.replicas.get(compact)
    if (replica === undefined) return undefined
    if (replica.installing) return `the replica of shard ${compact} is receiving a snapshot`
    if (replica.merging !== undefined) return `shard ${compact} is being merged`
    this.#shorten(replica, this.#neededAfter(replica, replica.log.flushed.index, 0))
    return replica.isRetired ? `the log of shard ${compact} is damaged on this store` : undefined
  }

  async #flush(): Promise<void> {
    const { clock, data, events } = this.#store.options
    const bytes = data.overlayBytes
    const startedMs = clock.nowMs()
    await data.flush()
    const durationMs = clock.nowMs() - startedMs
    this.#store.loop.stats.flushSeconds.observe(durationMs / 1000)
    events.emit({ type: 'data_flushed', data: { bytes, durationMs: Math.round(durationMs * 1000) / 1000 } })
    for (const replica of this.#store.replicas.values()) {
      this.#noteFlushed(replica)
      this.#compact(replica)
      // Applying stops while the overlay is full, also when it became so during the flush, which made room.
      if (!replica.queue.isEmpty) this.#store.loop.wake(replica)
    }
  }

  #noteFlushed(replica: Replica): void {
    if (replica.installing) return
    const record = this.#store.options.data.durableState(replica.group)
    // A replica that was called where an earlier one of its group is buried finds that one's tombstone here.
    if (record === undefined || record[0] === TOMBSTONE_FORMAT) return
    const { index, term } = appliedPosition(record)
    if (index > replica.log.flushed.index) replica.log.flushedTo(index, term, replica.membership)
  }

  /**
   * Shortens the log once it holds twice what should be kept, up to what is flushed. Followers that are merely a bit behind, and snapshots on
   * their way, keep what they still need.
   */
  #compact(replica: Replica): void {
    // A merge carries the last entries of the shard that goes.
    if (replica.installing || replica.merging !== undefined) return
    const { compactEntries } = this.#store.options.raft
    const { log } = replica.log
    const first = log.firstIndex()
    const flushed = replica.log.flushed.index
    const kept = flushed - first + 1
    const isLarge = log.bytes > LOG_BYTES_ENOUGH
    if (kept < 2 * compactEntries && !isLarge) return
    const isTooLarge = log.bytes > LAGGARD_FACTOR * LOG_BYTES_ENOUGH
    const laggardLimit = flushed - LAGGARD_FACTOR * compactEntries
    const wanted = isLarge ? flushed : flushed - compactEntries
    this.#shorten(replica, isTooLarge ? flushed : this.#neededAfter(replica, wanted, laggardLimit))
  }

  /** The last entry up to `upTo` that no follower needs, unless it does not answer or is behind `laggardLimit`. */
  #neededAfter(replica: Replica, upTo: number, laggardLimit: number): number {
    let needed = upTo
    if (!replica.isLeader) return needed
    for (const [id, progress] of replica.raft.status().progress ?? []) {
      // What one that gets a snapshot needs is kept by its sender.
      const isServed = progress.heardLately && progress.state !== 'snapshot'
      if (id !== replica.id && isServed && progress.matchIndex > laggardLimit)
        needed = Math.min(needed, progress.matchIndex)
    }
    return needed
  }

  #shorten(replica: Replica, wanted: number): void {
    const upTo = Math.min(wanted, this.#sender.holdIndex(replica))
    if (upTo < replica.log.firstIndex()) return
    try {
      replica.log.compact(upTo)
    } catch (error) {
      // Counting what is left of a record reads it again: damage found by that is one replica's.
      this.#store.loop.contain(replica, error)
      return
    }
    this.#store.options.events.emit({ type: 'log_compacted', group: replica.group, index: upTo })
  }

  #startEstimate(nowMs: number): void {
    if (this.#estimating !== undefined) return
    this.#lastEstimateMs = nowMs
    const { logger } = this.#store.options
    this.#estimating = this.#estimate()
      .catch((error: unknown) => {
        if (!(error instanceof DataStoreError)) throw error
        // The sizes of before have to do. Whoever needs the data itself meets the same trouble, and knows what follows from it.
        logger.log('warn', 'the sizes of shards could not be estimated', { error: String(error) })
      })
      .finally(() => {
        this.#estimating = undefined
      })
  }

  async #estimate(): Promise<void> {
    const changed = [...this.#store.replicas.values()].filter(
      ({ group, estimatedIndex, appliedIndex }) => group !== PLACEMENT_SHARD && estimatedIndex !== appliedIndex,
    )
    const itemsMax = Math.max(COUNTED_ITEMS_MIN, Math.floor(COUNTED_ITEMS / changed.length))
    for (const replica of changed) {
      const { appliedIndex, shard } = replica
      if (this.#stopped) return
      const size = await this.#store.options.data.surveySize(shard, appliedIndex, itemsMax)
      // A split meanwhile has made a better guess than this.
      if (replica.shard.end !== shard.end) continue
      replica.bytes = size.bytes
      replica.keys = size.keys
      if (size.isSettled) replica.estimatedIndex = appliedIndex
    }
  }
}
