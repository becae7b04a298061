/** How often each kind of fault really happened: a run that injected nothing proves nothing. */
export class FaultCounts {
  readonly #counts = new Map<string, number>()

  add(kind: string, count = 1): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count)
  }

  get(kind: string): number {
    return this.#counts.get(kind) ?? 0
  }

  /** By kind, in alphabetical order. */
  toObject(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}
