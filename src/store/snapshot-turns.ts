import type { StoreId } from '../../shard-map/index.ts'

/**
 * Whose snapshot a receiver is offered next, after it refused one. It sends nothing and knows no transfer; `snapshot-sender.ts` asks it before each one and
 * tells it of each refusal.
 *
 * A receiver that refused is left in peace for a while, because each attempt reads a part of the data for nothing. Replicas that want to send to it meanwhile
 * ask again and again, and take their turns in the order in which they first asked. Without that order: 1. the replica here of a shard that was split refuses
 * the shard's child until it has caught up itself; 2. the child asks first whenever the pause ends, and is refused again; 3. the parent is never offered.
 */
const REFUSED_PAUSE_MS = 500
/** Whoever has not asked for so long does not want to send any more, and holds nobody up; several slow heartbeats fit into it. */
const WAITER_FORGOTTEN_MS = 3_000

interface Line<Waiter> {
  pausedUntilMs: number
  /** In the order of their turns, with the time of their last question. */
  readonly waiting: Map<Waiter, number>
}

export class SnapshotTurns<Waiter> {
  readonly #lines = new Map<StoreId, Line<Waiter>>()

  /** Whether it is this one's turn at that receiver; one that has to wait keeps its place for as long as it goes on asking. */
  isTurnOf(store: StoreId, waiter: Waiter, nowMs: number): boolean {
    const line = this.#lines.get(store)
    if (line === undefined) return true
    line.waiting.set(waiter, nowMs)
    if (nowMs < line.pausedUntilMs) return false
    for (const [first, askedMs] of line.waiting) {
      if (first === waiter) return true
      if (nowMs - askedMs < WAITER_FORGOTTEN_MS) return false
      line.waiting.delete(first)
    }
    return true
  }

  /** It takes its turn; should it be refused, it waits behind the others. */
  begins(store: StoreId, waiter: Waiter): void {
    const line = this.#lines.get(store)
    if (line === undefined) return
    line.waiting.delete(waiter)
    if (line.waiting.size === 0) this.#lines.delete(store)
  }

  refused(store: StoreId, nowMs: number): void {
    const line = this.#lines.get(store) ?? { pausedUntilMs: 0, waiting: new Map() }
    line.pausedUntilMs = nowMs + REFUSED_PAUSE_MS
    this.#lines.set(store, line)
  }

  /** It has nothing to send any more. */
  leaves(waiter: Waiter): void {
    for (const line of this.#lines.values()) line.waiting.delete(waiter)
  }
}
