/**
 * The AppendEntries messages on their way to one peer: a ring of (last index, bytes), limited by count and by bytes.
 * Only `progress.ts` uses it.
 */
export class InflightWindow {
  readonly #countMax: number
  readonly #bytesMax: number
  #indexes: number[] = []
  #sizes: number[] = []
  #head = 0
  #count = 0
  #bytes = 0

  /** Either limit may be Infinity. */
  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax
    this.#bytesMax = bytesMax
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  get isFull(): boolean {
    return this.#count >= this.#countMax || this.#bytes >= this.#bytesMax
  }

  /** A message whose last entry is `index` left. Indexes never decrease. */
  add(index: number, bytes: number): void {
    if (this.#count === this.#indexes.length) this.#grow()
    const slot = (this.#head + this.#count) % this.#indexes.length
    this.#indexes[slot] = index
    this.#sizes[slot] = bytes
    this.#count += 1
    this.#bytes += bytes
  }

  /** Everything up to and including `index` arrived. */
  freeTo(index: number): void {
    while (this.#count > 0 && (this.#indexes[this.#head] as number) <= index) {
      this.#bytes -= this.#sizes[this.#head] as number
      this.#head = (this.#head + 1) % this.#indexes.length
      this.#count -= 1
    }
  }

  reset(): void {
    this.#head = 0
    this.#count = 0
    this.#bytes = 0
  }

  /** Doubles the ring: the limit may be in the thousands while most groups never have more than a few in flight. */
  #grow(): void {
    const length = this.#indexes.length
    const indexes: number[] = new Array<number>(Math.max(4, length * 2)).fill(0)
    const sizes: number[] = new Array<number>(indexes.length).fill(0)
    for (let i = 0; i < this.#count; i++) {
      const slot = (this.#head + i) % length
      indexes[i] = this.#indexes[slot] as number
      sizes[i] = this.#sizes[slot] as number
    }
    this.#indexes = indexes
    this.#sizes = sizes
    this.#head = 0
  }
}
