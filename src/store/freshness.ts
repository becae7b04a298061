/**
 * How old the data of one replica may be: it remembers the latest moment of which it is certain that everything committed by then is applied here. Certain
 * it becomes by a ReadIndex round (Raft §8, Thesis §6.4): what the leader names as committed, confirmed by a quorum, is at least what was committed when
 * the round began. Hearing the leader would not do: a message may be old, its sender deposed, and a replica that is far behind hears it all the same.
 * Rounds are begun only while somebody reads; see `StaleReads`.
 */

/** A round that brought no answer for so long is given up: its messages, or its leader, are gone. */
const ROUND_LOST_MS = 500
/** Not more often than this, however many read. */
const ROUND_INTERVAL_MS = 20

/** What is said where nothing is known: the largest number that JSON carries exactly. */
const AGE_UNKNOWN_MS = Number.MAX_SAFE_INTEGER

export class Freshness {
  #asOfMs = Number.NEGATIVE_INFINITY
  #begunMs = Number.NEGATIVE_INFINITY
  /** Of the round under way; undefined when none is. */
  #readId: number | undefined
  /** A round was answered, and `index` is not applied yet. */
  #confirmed: { readonly index: number; readonly begunMs: number } | undefined

  /** Everything that was committed at this moment, on the store's clock, is applied here; minus infinity where nothing is known. */
  get asOfMs(): number {
    return this.#asOfMs
  }

  wantsRound(nowMs: number): boolean {
    if (this.#confirmed !== undefined) return false
    return nowMs - this.#begunMs >= (this.#readId === undefined ? ROUND_INTERVAL_MS : ROUND_LOST_MS)
  }

  roundBegun(readId: number, nowMs: number): void {
    this.#readId = readId
    this.#begunMs = nowMs
  }

  /** False when the answer belongs to another round than ours. */
  roundConfirmed(readId: number, index: number): boolean {
    if (readId !== this.#readId) return false
    this.#readId = undefined
    this.#confirmed = { index, begunMs: this.#begunMs }
    return true
  }

  /** Whether more is certain now that `appliedIndex` is applied. */
  settle(appliedIndex: number): boolean {
    const confirmed = this.#confirmed
    if (confirmed === undefined || confirmed.index > appliedIndex) return false
    this.#confirmed = undefined
    this.#asOfMs = confirmed.begunMs
    return true
  }
}

/** The age, in whole milliseconds, that data as of `asOfMs` has at most. */
export function ageMs(asOfMs: number, nowMs: number): number {
  return Number.isFinite(asOfMs) ? Math.ceil(nowMs - asOfMs) : AGE_UNKNOWN_MS
}
