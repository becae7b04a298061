import type { Key } from '../../shard-map/index.ts'
import type { Random } from '../base/index.ts'
import { commandKeys } from '../machine/index.ts'
import type { Load } from '../protocol/index.ts'
import { KeySampler } from './key-sampler.ts'

/**
 * Reads and writes per second of one shard, smoothed over about ten seconds, and a sample of its keys while it is busy. Counting is one addition and,
 * for a busy shard, one more; `roll` is called by the store about once a second.
 */

const SAMPLED_FROM_LEAST = 10
/** Shards of one store that are sampled at the same time: more would be told to nobody, and their keys cost memory. */
const SAMPLED_SHARDS_MAX = 64

/** From how many requests a second a shard is sampled, and until it has less than half of that: more while too many shards are. */
export class SamplingThreshold {
  #requestsPerSecond = SAMPLED_FROM_LEAST

  get requestsPerSecond(): number {
    return this.#requestsPerSecond
  }

  /** `sampled`: how many shards are sampled now. Called once a second. */
  adapt(sampled: number): void {
    if (sampled > SAMPLED_SHARDS_MAX) this.#requestsPerSecond *= 2
    else if (sampled < SAMPLED_SHARDS_MAX / 4)
      this.#requestsPerSecond = Math.max(SAMPLED_FROM_LEAST, this.#requestsPerSecond / 2)
  }
}

export class LoadMeter {
  readonly #random: Random
  #reads = 0
  #writes = 0
  #readsPerSecond = 0
  #writesPerSecond = 0
  #sampler: KeySampler | undefined

  constructor(random: Random) {
    this.#random = random
  }

  /** Undefined while the shard is not busy enough to be sampled. */
  get sampler(): KeySampler | undefined {
    return this.#sampler
  }

  read(keys: readonly Key[]): void {
    this.#reads++
    if (this.#sampler?.isDue() !== true) return
    const key = this.#sampler.anyOf(keys)
    if (key !== undefined) this.#sampler.take(key, 'read')
  }

  scanned(start: Key): void {
    this.#reads++
    if (this.#sampler?.isDue() === true) this.#sampler.take(start, 'scan')
  }

  wrote(command: Uint8Array): void {
    this.#writes++
    if (this.#sampler?.isDue() !== true) return
    const key = this.#sampler.anyOf(commandKeys(command))
    if (key !== undefined) this.#sampler.take(key, 'write')
  }

  /** Folds what was counted in the last `elapsedMs` into the rates. The shard is sampled from so many requests a second on. */
  roll(elapsedMs: number, sampledFrom = SAMPLED_FROM_LEAST): void {
    if (elapsedMs <= 0) return
    const weight = Math.min(1, elapsedMs / 5000)
    const reads = (this.#reads * 1000) / elapsedMs
    const writes = (this.#writes * 1000) / elapsedMs
    this.#readsPerSecond += weight * (reads - this.#readsPerSecond)
    this.#writesPerSecond += weight * (writes - this.#writesPerSecond)
    this.#reads = 0
    this.#writes = 0
    const smoothed = this.#readsPerSecond + this.#writesPerSecond
    if (this.#sampler === undefined && smoothed >= sampledFrom) this.#sampler = new KeySampler(this.#random)
    else if (smoothed < sampledFrom / 2) this.#sampler = undefined
    this.#sampler?.expect(Math.max(reads + writes, smoothed))
  }

  /** Whole requests: what only fades away counts as nothing. */
  get rates(): Load {
    return { readsPerSecond: Math.round(this.#readsPerSecond), writesPerSecond: Math.round(this.#writesPerSecond) }
  }

  /**
   * The shard is cut at these keys. This meter goes on with the left part's share of the load, and the meters of the others are returned, in
   * order: without that, what was one busy shard would look like one as busy and several idle ones, and be cut again for nothing.
   */
  divide(cuts: readonly Key[]): LoadMeter[] {
    const samplers = this.#sampler?.divided(cuts)
    const samples = this.#sampler?.size ?? 0
    const share = (place: number): number =>
      samples === 0 ? 1 / (cuts.length + 1) : (samplers?.[place]?.size ?? 0) / samples
    const others = cuts.map((_, i) => this.#part(share(i + 1), samplers?.[i + 1]))
    const { readsPerSecond, writesPerSecond } = this.#scaled(share(0))
    this.#readsPerSecond = readsPerSecond
    this.#writesPerSecond = writesPerSecond
    this.#sampler = samplers?.[0]
    return others
  }

  #part(share: number, sampler: KeySampler | undefined): LoadMeter {
    const part = new LoadMeter(this.#random)
    const { readsPerSecond, writesPerSecond } = this.#scaled(share)
    part.#readsPerSecond = readsPerSecond
    part.#writesPerSecond = writesPerSecond
    part.#sampler = sampler
    return part
  }

  #scaled(share: number): Load {
    return { readsPerSecond: this.#readsPerSecond * share, writesPerSecond: this.#writesPerSecond * share }
  }
}
