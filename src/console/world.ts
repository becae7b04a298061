/**
 * What the console needs of a browser beside its document: time, timers, what is remembered. Handed to whoever needs it, so that all else can be tried
 * with others.
 */

interface Memory {
  getItem(name: string): string | null
  setItem(name: string, value: string): void
  removeItem(name: string): void
}

export interface World {
  nowMs(): number
  /** Calls back once; the answer cancels it. */
  after(delayMs: number, run: () => void): () => void
  /** Once before the next frame is painted. */
  beforePaint(run: () => void): void
  /** Remembered until the tab closes. */
  readonly session: Memory
  /** Remembered for good. */
  readonly memory: Memory
}
