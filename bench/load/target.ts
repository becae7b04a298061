/**
 * The port between the load driver and what it loads. A target opens lanes; a lane carries one operation at a time. Results come back
 * through one observer with three methods rather than promises, because the driver shares its two cores with the servers it measures.
 * Adapters: `http/` for everything that speaks HTTP, `targets/` for native clients.
 */
import type { WriteOutcome } from './ledger.ts'

export interface Lane {
  /** Starts a write. `value` belongs to the lane until the operation has settled. */
  put(key: string, value: Buffer): void
  /** Starts a linearizable read. */
  get(key: string): void
  /**
   * Gives up on the operation in flight; the observer hears of it once, as `TIMEOUT`, before this returns, and nothing of that operation
   * afterwards.
   */
  abandon(): void
}

/** Exactly one call per operation, never from within `put` or `get`. */
export interface LaneObserver {
  putDone(lane: number): void
  /** `value` is only valid during the call; undefined says that the key does not exist. */
  getDone(lane: number, value: Uint8Array | undefined): void
  /** `code` is stable and comes from a small set, since errors are counted by it. For reads the outcome is `none`. */
  failed(lane: number, code: string, outcome: WriteOutcome): void
}

export interface Target {
  readonly name: string
  /** Connects `lanes` lanes, numbered from 0, spread round-robin over the endpoints. Rejects when a lane cannot connect. */
  open(lanes: number, observer: LaneObserver): Promise<readonly Lane[]>
  /** Lanes must be idle or abandoned. */
  close(): Promise<void>
}
