/**
 * The fingerprint of a run: 64 bits over a sequence of numbers, two multiplicative hashes side by side. For telling runs apart, not for secrets.
 */
export class TraceHash {
  #low = 0x811c9dc5
  #high = 0x9e3779b9

  /** Any whole number below 2^53. */
  add(value: number): void {
    this.#mix(value | 0)
    if (value > 0xffffffff) this.#mix(Math.floor(value / 2 ** 32))
  }

  get text(): string {
    return `${(this.#high >>> 0).toString(16).padStart(8, '0')}${(this.#low >>> 0).toString(16).padStart(8, '0')}`
  }

  #mix(bits: number): void {
    this.#low = Math.imul(this.#low ^ bits, 0x01000193)
    this.#low ^= this.#low >>> 15
    this.#high = Math.imul((this.#high ^ bits) + 0x7f4a7c15, 0x85ebca6b)
    this.#high ^= this.#high >>> 13
  }
}
