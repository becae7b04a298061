/**
 * Reads and writes per second of one shard, smoothed over about ten seconds. Counting is one addition; `roll` is called by the
 * store about once a second.
 */
export class LoadMeter {
  reads = 0
  writes = 0
  #readsPerSecond = 0
  #writesPerSecond = 0

  /** Folds what was counted in the last `elapsedMs` into the rates. */
  roll(elapsedMs: number): void {
    if (elapsedMs <= 0) return
    const weight = Math.min(1, elapsedMs / 5000)
    this.#readsPerSecond += weight * ((this.reads * 1000) / elapsedMs - this.#readsPerSecond)
    this.#writesPerSecond += weight * ((this.writes * 1000) / elapsedMs - this.#writesPerSecond)
    this.reads = 0
    this.writes = 0
  }

  get rates(): { readsPerSecond: number; writesPerSecond: number } {
    return { readsPerSecond: Math.round(this.#readsPerSecond), writesPerSecond: Math.round(this.#writesPerSecond) }
  }
}
