/**
 * Feeds one decoder with inputs and judges what it does: no error but the documented ones, no input that takes long, no memory beyond what the
 * input's size explains. What it finds comes back as data with the input, so that it can be tried again.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Random } from '../../src/base/index.ts'
import type { Decoder } from './decoder.ts'
import { InputSource } from './mutation.ts'

/** Far beyond what any input here needs, also on a machine that is busy with something else. */
const INPUT_MS_MAX = 5000
/** What any call may cost: small objects, messages of errors, and what the runtime itself does meanwhile. */
const FREE_BYTES = 2 * 1024 * 1024
const BYTES_PER_BYTE_MAX = 400
/** Memory is measured by whole pages and the collector runs when it likes, so that one reading proves nothing; these are taken after a collection. */
const READINGS = 3

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

export interface Finding {
  readonly decoder: string
  readonly what: string
  /** base64. */
  readonly input: string
}

export interface FuzzCount {
  readonly tried: number
  readonly accepted: number
}

export class DecoderFuzzer {
  tried = 0
  accepted = 0
  readonly #decoder: Decoder
  readonly #inputs: InputSource
  readonly #random: Random

  constructor(decoder: Decoder, random: Random) {
    this.#decoder = decoder
    this.#random = random
    this.#inputs = new InputSource(random, decoder.seeds)
  }

  get name(): string {
    return this.#decoder.name
  }

  /** Each seed must be accepted as it is, or else the inputs made of it reach nothing. */
  checkSeeds(): Finding | undefined {
    for (const seed of this.#decoder.seeds) {
      const outcome = this.#call(Buffer.from(seed))
      if (outcome !== true) return this.#finding(`a valid input is not accepted (${String(outcome)})`, seed)
    }
    return undefined
  }

  /** The next input. `announce` is told before the call, for somebody who watches from outside whether it ends. */
  step(announce: (input: Uint8Array) => void = () => {}): Finding | undefined {
    const input = this.#inputs.next()
    if (this.#decoder.repair !== undefined && this.#random.below(2) === 0) this.#decoder.repair(input)
    announce(input)
    return this.tryInput(input)
  }

  tryInput(input: Uint8Array): Finding | undefined {
    this.tried++
    // Decoders may keep parts of what they read, but must not write to it.
    const before = Buffer.from(input)
    // Processor time: the machine may stand still for as long as it likes.
    const started = process.cpuUsage()
    const usedBytes = usedMemory()
    const outcome = this.#call(input)
    const grownBytes = usedMemory() - usedBytes
    const { user, system } = process.cpuUsage(started)
    const tookMs = (user + system) / 1000
    if (outcome === true) {
      this.accepted++
      this.#inputs.keep(before)
    } else if (outcome !== false) {
      return this.#finding(
        `throws ${outcome instanceof Error ? (outcome.stack ?? outcome.message) : String(outcome)}`,
        before,
      )
    }
    if (!before.equals(input)) return this.#finding('changes its input', before)
    if (tookMs > INPUT_MS_MAX) return this.#finding(`takes ${Math.round(tookMs)} ms`, before)
    const allowed = this.#allowedBytes(before)
    if (grownBytes > allowed && this.#leastGrowth(before) > allowed)
      return this.#finding(`takes ${grownBytes} bytes for ${before.length} bytes of input`, before)
    return undefined
  }

  #allowedBytes({ length }: Uint8Array): number {
    const { bytesPerByteMax = BYTES_PER_BYTE_MAX, reservedBytes = 0 } = this.#decoder
    return FREE_BYTES + reservedBytes + length * bytesPerByteMax
  }

  #leastGrowth(input: Uint8Array): number {
    let least = Number.POSITIVE_INFINITY
    for (let reading = 0; reading < READINGS; reading++) {
      collectGarbage()
      const usedBytes = usedMemory()
      this.#call(Buffer.from(input))
      least = Math.min(least, usedMemory() - usedBytes)
    }
    return least
  }

  /** True when accepted, false when refused in a documented way, else the error. */
  #call(input: Uint8Array): unknown {
    try {
      return this.#decoder.decode(input)
    } catch (error) {
      // Which errors are allowed is the question that is asked here; all others are handed out.
      return this.#decoder.allows?.(error) === true ? false : error
    }
  }

  #finding(what: string, input: Uint8Array): Finding {
    return { decoder: this.#decoder.name, what, input: Buffer.from(input).toString('base64') }
  }
}

function usedMemory(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}
