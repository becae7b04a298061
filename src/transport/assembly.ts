/**
 * Puts messages that were cut into fragments together again. A stream is in order and its fragments are never interleaved, so each has at
 * most one assembly; the budget, which all streams of a transport share, bounds what they take together. No clock of its own.
 */
import { LIMITS } from '../base/index.ts'
import { TRANSPORT_LIMITS } from './limits.ts'

/** Bytes that assemblies of one transport hold together, and how many were given up. */
export class AssemblyBudget {
  bytes = 0
  dropped = 0
}

export class Assembly {
  readonly #budget: AssemblyBudget
  #whole = 0
  #id = 0
  #timeoutMs = 0
  #filled = 0
  #body: Uint8Array | undefined
  #touchedMs = 0

  constructor(budget: AssemblyBudget) {
    this.#budget = budget
  }

  get isActive(): boolean {
    return this.#body !== undefined
  }

  /** Of the message under way or just completed. */
  get whole(): number {
    return this.#whole
  }

  get id(): number {
    return this.#id
  }

  get timeoutMs(): number {
    return this.#timeoutMs
  }

  /** Starts a message of `size` bytes. A message under way is given up: its end was lost. */
  begin(whole: number, id: number, timeoutMs: number, size: number, chunk: Uint8Array, nowMs: number): void {
    this.drop()
    const fits = size <= LIMITS.messageBytesMax && this.#budget.bytes + size <= TRANSPORT_LIMITS.assemblyBytesMax
    if (!fits || chunk.length === 0 || chunk.length >= size) {
      this.#budget.dropped++
      return
    }
    this.#budget.bytes += size
    this.#whole = whole
    this.#id = id
    this.#timeoutMs = timeoutMs
    this.#body = new Uint8Array(size)
    this.#body.set(chunk)
    this.#filled = chunk.length
    this.#touchedMs = nowMs
  }

  /** Takes the next fragment; answers the whole body when it was the last. One that does not continue the message ends it. */
  add(whole: number, id: number, offset: number, chunk: Uint8Array, nowMs: number): Uint8Array | undefined {
    const body = this.#body
    // Nothing is under way: the first fragment was lost, or the message was given up and counted already.
    if (body === undefined) return undefined
    const continues = whole === this.#whole && id === this.#id && offset === this.#filled && chunk.length > 0
    if (!continues || offset + chunk.length > body.length) {
      this.drop()
      return undefined
    }
    body.set(chunk, offset)
    this.#filled += chunk.length
    this.#touchedMs = nowMs
    if (this.#filled < body.length) return undefined
    this.#release(body)
    return body
  }

  isStale(nowMs: number): boolean {
    return this.#body !== undefined && nowMs - this.#touchedMs > TRANSPORT_LIMITS.assemblyStaleMs
  }

  /** Gives the message under way up. */
  drop(): void {
    if (this.#body === undefined) return
    this.#release(this.#body)
    this.#budget.dropped++
  }

  #release(body: Uint8Array): void {
    this.#budget.bytes -= body.length
    this.#body = undefined
  }
}
