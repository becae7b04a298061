/**
 * Counts the records of ranges in the engine, a part at each look: LevelDB's own figure knows nothing of what its write buffer holds, which is all of
 * a small database. Counts what the engine has, not what the overlay will bring; and says what deleted and overwritten records still take there, which the
 * engine's figure has in it. The data store owns one; a store's upkeep asks it every few seconds.
 */
import type { DataKey, KeyRange } from './data-store.ts'
import type { EngineRange, KvStore } from './kv-store.ts'
import { dataKeyOf, userRange } from './layout.ts'

/** Read in one go, and in one look: small steps, because everybody's requests are served beside it. */
const STEP_ITEMS = 256
const LOOK_BYTES_MAX = 1024 * 1024
/** A range with more than this on disk is left to the engine's figure: what the write buffers add (16 MiB each) matters less. */
const COUNTED_BYTES_MAX = 64 * 1024 * 1024
/** It is walked all the same, slowly, for what is of no use in it. */
const LARGE_LOOK_BYTES_MAX = 64 * 1024
/** Ranges that nobody asks for any more are forgotten, the oldest first. */
const RANGES_MAX = 20_000

export interface Count {
  readonly bytes: number
  readonly keys: number
}

/** What is known after a look. */
export interface Survey {
  /** Of the last count of the whole range; before there is one, of what was counted so far. */
  readonly count: Count
  readonly isWhole: boolean
  /** What the caller gave when that count began. */
  readonly asOf: number | undefined
  /** Too large to go by what was counted. */
  readonly isLarge: boolean
  readonly walked: Walked
}

/** The part of a range that a walk has seen so far. */
export interface Walked {
  readonly range: KeyRange
  /** What its records take. */
  readonly bytes: number
  /** What the engine has there on disk. */
  readonly engineBytes: number
}

/** One walk through a range. Invariant: everything below `next` has been counted since `asOf`. */
interface Pass {
  readonly end: DataKey | undefined
  next: DataKey
  bytes: number
  keys: number
  asOf: number | undefined
  last: (Count & { readonly asOf: number | undefined }) | undefined
}

export class SizeSurvey {
  readonly #kv: KvStore
  readonly #passes = new Map<DataKey, Pass>()

  constructor(kv: KvStore) {
    this.#kv = kv
  }

  /**
   * Counts on, by at most `itemsMax` records. `asOf` is remembered for the walk that begins with this look, if one does. One look at a range at a time.
   */
  async look(range: KeyRange, itemsMax: number, asOf: number | undefined): Promise<Survey> {
    const isLarge = (await this.#kv.approximateBytes(userRange(range))) > COUNTED_BYTES_MAX
    const pass = this.#passOf(range, asOf)
    const isThrough = await this.#walk(pass, range, itemsMax, isLarge ? LARGE_LOOK_BYTES_MAX : LOOK_BYTES_MAX)
    if (isThrough) {
      pass.last = { bytes: pass.bytes, keys: pass.keys, asOf: pass.asOf }
      this.#passes.set(range.start, { ...begin(range, asOf), last: pass.last })
    }
    const part = { start: range.start, end: isThrough ? range.end : pass.next }
    const engineBytes = await this.#kv.approximateBytes(userRange(part))
    const walked = { range: part, bytes: pass.bytes, engineBytes }
    const { last } = pass
    if (last === undefined) return { count: pass, isWhole: false, asOf: undefined, isLarge, walked }
    // A range that has grown shows it before it has been walked through again.
    const count = { bytes: Math.max(last.bytes, pass.bytes), keys: Math.max(last.keys, pass.keys) }
    return { count, isWhole: true, asOf: last.asOf, isLarge, walked }
  }

  #passOf(range: KeyRange, asOf: number | undefined): Pass {
    const known = this.#passes.get(range.start)
    const isUsable = known !== undefined && known.end === range.end
    const pass = isUsable ? known : begin(range, asOf)
    if (pass.next === range.start) pass.asOf = asOf
    // The end of the map's order is for those asked for last.
    this.#passes.delete(range.start)
    this.#passes.set(range.start, pass)
    if (this.#passes.size > RANGES_MAX) {
      for (const oldest of this.#passes.keys()) {
        this.#passes.delete(oldest)
        break
      }
    }
    return pass
  }

  /** Whether the end was reached. */
  async #walk(pass: Pass, range: KeyRange, itemsMax: number, bytesMax: number): Promise<boolean> {
    const rest: EngineRange = userRange({ start: pass.next, end: range.end })
    const iterator = this.#kv.iterate(rest, { reverse: false, keysOnly: false, pageBytes: bytesMax })
    let items = 0
    let bytes = 0
    try {
      while (items < itemsMax && bytes < bytesMax) {
        const entries = await iterator.next(Math.min(STEP_ITEMS, itemsMax - items))
        const last = entries.at(-1)
        if (last === undefined) return true
        for (const [key, value] of entries) bytes += key.length + value.length
        items += entries.length
        // The key after this one.
        pass.next = `${dataKeyOf(last[0])}\0`
      }
      return false
    } finally {
      pass.keys += items
      pass.bytes += bytes
      await iterator.close()
    }
  }
}

function begin({ start, end }: KeyRange, asOf: number | undefined): Pass {
  return { end, next: start, bytes: 0, keys: 0, asOf, last: undefined }
}
