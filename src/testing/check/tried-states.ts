/**
 * The memory of a search for an order: the states from which it went on, and with which unknown writes already used up. A state that was tried with
 * no more of them used need not be tried again: every order that works from here works from there too, because an unknown write may also never
 * happen. Filled and asked by `register-search.ts`, which says what a state is; knows nothing of operations.
 *
 * Without this, two orders that differ only in which lost writes they used would be two different states, and there are exponentially many of those.
 */
export class TriedStates {
  /** Of each state the smallest sets, none of which holds another. */
  readonly #usedBy = new Map<string, readonly bigint[]>()

  /** Whether `state` was tried with `used` or with some of them; if not, it counts as tried from now on. */
  wasTried(state: string, used: bigint): boolean {
    const known = this.#usedBy.get(state)
    if (known === undefined) {
      this.#usedBy.set(state, [used])
      return false
    }
    if (known.some((before) => (before & used) === before)) return true
    this.#usedBy.set(state, [...known.filter((before) => (before & used) !== used), used])
    return false
  }
}
