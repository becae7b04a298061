/**
 * A set with places, so that a planner can look at a few members from anywhere in it: adding, removing and reading the member at a place take
 * constant time. The order is arbitrary but repeatable: the same calls give the same order.
 */
export class IndexedSet<T> {
  readonly #members: T[] = []
  readonly #places = new Map<T, number>()

  get size(): number {
    return this.#members.length
  }

  has(member: T): boolean {
    return this.#places.has(member)
  }

  add(member: T): void {
    if (this.#places.has(member)) return
    this.#places.set(member, this.#members.length)
    this.#members.push(member)
  }

  delete(member: T): void {
    const place = this.#places.get(member)
    if (place === undefined) return
    this.#places.delete(member)
    const last = this.#members.pop() as T
    if (last === member) return
    this.#members[place] = last
    this.#places.set(last, place)
  }

  /**
   * Up to `max` members from a start that differs from turn to turn, so that in time every member is seen. The set must not change meanwhile.
   */
  *some(max: number, turn: number): Generator<T> {
    const size = this.#members.length
    let place = this.#start(max, turn)
    for (let seen = 0; seen < max && seen < size; seen++) {
      yield this.#members[place] as T
      place = place + 1 === size ? 0 : place + 1
    }
  }

  /** The same for whoever looks at thousands: nothing is made for each. */
  visitSome(max: number, turn: number, visit: (member: T) => void): void {
    const size = this.#members.length
    let place = this.#start(max, turn)
    for (let seen = 0; seen < max && seen < size; seen++) {
      visit(this.#members[place] as T)
      place = place + 1 === size ? 0 : place + 1
    }
  }

  /** Neighbouring turns continue where the one before ended. */
  #start(max: number, turn: number): number {
    const size = this.#members.length
    return size <= max ? 0 : (turn * max) % size
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#members[Symbol.iterator]()
  }
}
