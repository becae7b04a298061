/**
 * What this process knows about the writes it made, and with that the judge of every read. Not a full linearizability checker: it looks at
 * one key at a time and needs constant work per operation, so it can watch every operation of a benchmark.
 *
 * Each write gets a number when it starts; numbers are times. A write is *known applied* once it was acknowledged, or once some read has
 * returned it. A read may not return a write that was known applied before another write of the key started which itself was known
 * applied before the read started (Herlihy and Wing, "Linearizability", 1990: real-time order). Writes that overlap may take effect in
 * either order, and a write with an unknown outcome may take effect at any later time.
 *
 * Per key it keeps the *floor*, the latest-started write known applied, and the writes that were in flight when the floor's write started:
 * exactly these older writes may still be read.
 */
import { assert } from '../../src/base/index.ts'
import type { ReadValue } from './value.ts'

export type WriteOutcome = 'applied' | 'none' | 'unknown'

/**
 * `stale`: an overwritten value. `lost`: no value although a write was acknowledged. `phantom`: a write reported as not applied.
 * `corrupt`: not what this process wrote, or another key's value.
 */
export type Verdict = 'ok' | 'stale' | 'lost' | 'phantom' | 'corrupt'

interface ActiveWrite {
  readonly number: number
  /** Numbers of the key's writes in flight at the start of this one; undefined when there were none, the usual case. */
  readonly overlapping: readonly number[] | undefined
}

/** Refused writes are rare; past this many the oldest are forgotten, and only the phantom check gets weaker. */
const REFUSED_WRITES_MAX = 100_000

/** What was known of the key when a read started. One per lane, reused. */
export interface ReadTicket {
  floor: number
  overlapping: readonly number[] | undefined
}

export class Ledger {
  readonly #floors: Float64Array
  readonly #overlapping: (readonly number[] | undefined)[]
  readonly #active: (ActiveWrite[] | undefined)[]
  readonly #refused = new Set<number>()
  #lastWrite = 0

  constructor(keyCount: number) {
    this.#floors = new Float64Array(keyCount)
    this.#overlapping = new Array<readonly number[] | undefined>(keyCount)
    this.#active = new Array<ActiveWrite[] | undefined>(keyCount)
  }

  /** Numbers a write that is about to be sent. */
  writeStarted(key: number): number {
    const number = ++this.#lastWrite
    const active = this.#active[key]
    if (active === undefined) {
      this.#active[key] = [{ number, overlapping: undefined }]
    } else {
      active.push({ number, overlapping: active.length === 0 ? undefined : active.map((write) => write.number) })
    }
    return number
  }

  /** A write with an unknown outcome stays open until a read returns it. */
  writeSettled(key: number, number: number, outcome: WriteOutcome): void {
    if (outcome === 'unknown') return
    const write = this.#close(key, number)
    if (outcome === 'applied') {
      // A read may have returned the value before its acknowledgement came; then nothing is left to learn.
      if (write !== undefined) this.#raiseFloor(key, write)
      return
    }
    for (const oldest of this.#refused) {
      if (this.#refused.size < REFUSED_WRITES_MAX) break
      this.#refused.delete(oldest)
    }
    this.#refused.add(number)
  }

  readStarted(key: number, ticket: ReadTicket): void {
    ticket.floor = this.#floors[key] as number
    ticket.overlapping = this.#overlapping[key]
  }

  /** Judges an answer to the read that `ticket` started; `undefined` says that the key was absent. */
  readSettled(key: number, ticket: ReadTicket, value: ReadValue | undefined): Verdict {
    if (value === undefined) return ticket.floor === 0 ? 'ok' : 'lost'
    switch (value.kind) {
      case 'corrupt':
        return 'corrupt'
      case 'foreign':
        return ticket.floor === 0 ? 'ok' : 'stale'
      case 'own':
        return this.#judge(key, ticket, value.key, value.write)
    }
  }

  #judge(key: number, ticket: ReadTicket, valueKey: number, number: number): Verdict {
    if (valueKey !== key || number < 1 || number > this.#lastWrite) return 'corrupt'
    if (number < ticket.floor && ticket.overlapping?.includes(number) !== true) return 'stale'
    if (this.#refused.has(number)) return 'phantom'
    const write = this.#close(key, number)
    if (write !== undefined) this.#raiseFloor(key, write)
    return 'ok'
  }

  #raiseFloor(key: number, write: ActiveWrite): void {
    if (write.number <= (this.#floors[key] as number)) return
    this.#floors[key] = write.number
    this.#overlapping[key] = write.overlapping
  }

  #close(key: number, number: number): ActiveWrite | undefined {
    const active = this.#active[key]
    assert(active !== undefined, `write ${number} of key ${key} was never started`)
    for (let i = 0; i < active.length; i++) {
      const write = active[i] as ActiveWrite
      if (write.number !== number) continue
      active.splice(i, 1)
      return write
    }
    return undefined
  }
}
