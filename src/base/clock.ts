/**
 * The ports through which time, randomness and scheduling enter the program. Real adapters live in `server`, virtual
 * ones in the simulator. Code below `server` never calls Date, Math.random, setTimeout or setImmediate itself.
 */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Monotonic milliseconds with a fraction; only differences mean something. */
  nowMs(): number
  /** Milliseconds since 1970 as this machine believes; for people's eyes and for expiry, never for ordering. */
  wallMs(): number
  /** Calls `run` once, not before `delayMs` have passed. Does not keep the process alive by itself. */
  after(delayMs: number, run: () => void): Timer
  /** Calls `run` soon, after what has already arrived from the outside world was delivered (a turn of the event loop). */
  soon(run: () => void): void
}

export interface Random {
  /** A whole number in [0, bound). */
  below(bound: number): number
}
