/**
 * Inputs for decoders from one seed: bytes of no meaning, and valid inputs with damage. It knows nothing of formats; what was accepted is kept, so that
 * damage adds up over many rounds.
 */
import type { Random } from '../../src/base/index.ts'

/** Numbers that lengths, counts and kinds are often compared with. */
const EDGES = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe,
  0xffff_ffff,
]
const POOL_MAX = 200
const INPUT_BYTES_MAX = 64 * 1024
const RANDOM_BYTES_MAX = 300
const CHANGES_MAX = 6

export class InputSource {
  readonly #random: Random
  readonly #pool: Uint8Array[]
  readonly #seeds: number

  constructor(random: Random, seeds: readonly Uint8Array[]) {
    this.#random = random
    this.#pool = seeds.map((seed) => Buffer.from(seed))
    this.#seeds = seeds.length
  }

  /** One in four has no meaning from the start. */
  next(): Uint8Array {
    if (this.#pool.length === 0 || this.#random.below(4) === 0) return this.#noise(this.#random.below(RANDOM_BYTES_MAX))
    let input: Uint8Array = Buffer.from(this.#pick())
    for (let left = 1 + this.#random.below(CHANGES_MAX); left > 0; left--) input = this.#change(input)
    return input.length > INPUT_BYTES_MAX ? input.subarray(0, INPUT_BYTES_MAX) : input
  }

  /** The seeds stay; the others make room for new ones. */
  keep(input: Uint8Array): void {
    if (this.#pool.length < POOL_MAX) this.#pool.push(input)
    else this.#pool[this.#seeds + this.#random.below(POOL_MAX - this.#seeds)] = input
  }

  #pick(): Uint8Array {
    return this.#pool[this.#random.below(this.#pool.length)] ?? new Uint8Array(0)
  }

  #noise(length: number): Uint8Array {
    const bytes = Buffer.alloc(length)
    // Small numbers look like kinds and lengths more often than large ones do.
    const below = this.#random.below(2) === 0 ? 256 : 8
    for (let i = 0; i < length; i++) bytes[i] = this.#random.below(below)
    return bytes
  }

  #change(input: Uint8Array): Uint8Array {
    const at = this.#random.below(input.length + 1)
    const length = this.#random.below(9)
    switch (this.#random.below(9)) {
      case 0:
        if (at < input.length) input[at] = (input[at] as number) ^ (1 << this.#random.below(8))
        return input
      case 1:
        if (at < input.length) input[at] = this.#random.below(256)
        return input
      case 2:
        return this.#overwriteNumber(input, at)
      case 3:
        return input.subarray(0, at)
      case 4:
        return Buffer.concat([input.subarray(0, at), this.#noise(length), input.subarray(at)])
      case 5:
        return Buffer.concat([input.subarray(0, at), input.subarray(at + length)])
      case 6:
        return Buffer.concat([input.subarray(0, at), input.subarray(Math.max(0, at - length * 4))])
      case 7: {
        const other = this.#pick()
        return Buffer.concat([input.subarray(0, at), other.subarray(this.#random.below(other.length + 1))])
      }
      default: {
        const from = this.#random.below(input.length + 1)
        Buffer.from(input.buffer, input.byteOffset, input.length).copyWithin(at, from, from + length)
        return input
      }
    }
  }

  #overwriteNumber(input: Uint8Array, at: number): Uint8Array {
    const width = [1, 2, 4, 8][this.#random.below(4)] as number
    if (at + width > input.length) return input
    const view = new DataView(input.buffer, input.byteOffset, input.length)
    const edge = this.#random.below(3) === 0 ? input.length - at : (EDGES[this.#random.below(EDGES.length)] as number)
    const isLittle = this.#random.below(2) === 0
    if (width === 1) view.setUint8(at, edge & 0xff)
    else if (width === 2) view.setUint16(at, edge & 0xffff, isLittle)
    else if (width === 4) view.setUint32(at, edge >>> 0, isLittle)
    else view.setBigUint64(at, this.#random.below(2) === 0 ? BigInt(edge) : 2n ** 64n - 1n - BigInt(edge), isLittle)
    return input
  }
}
