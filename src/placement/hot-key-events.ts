import type { Decision, ShardId } from '../../shard-map/index.ts'
import type { EventSink } from '../base/index.ts'

/** Tells, now and then, of shards that are busy because of a single key: no operator follows from that, so that people would not notice. */
const REPEAT_MS = 600_000

export class HotKeyEvents {
  readonly #events: EventSink
  readonly #toldMs = new Map<ShardId, number>()

  constructor(events: EventSink) {
    this.#events = events
  }

  forgetAll(): void {
    this.#toldMs.clear()
  }

  note(decisions: readonly Decision[], nowMs: number): void {
    for (const [shard, toldMs] of this.#toldMs) if (nowMs - toldMs >= REPEAT_MS) this.#toldMs.delete(shard)
    for (const { shard, refusal, numbers } of decisions) {
      if (refusal !== 'single-hot-key' || shard === undefined || this.#toldMs.has(shard)) continue
      this.#toldMs.set(shard, nowMs)
      const { hottestKeyShare: keyShare = 0, opsPerSecond = 0 } = numbers
      this.#events.emit({ type: 'hot_key_found', group: shard, data: { keyShare, opsPerSecond } })
    }
  }
}
