import type { Call } from './call.ts'

/**
 * The linearizable reads of one replica on their way through ReadIndex (Raft §8, Thesis §6.4): queued, then waiting for one
 * round that confirms leadership for all of them, then waiting until the confirmed index is applied. One round is under way at a time;
 * what arrives meanwhile shares the next one, so a busy group pays one round for many reads.
 */
interface ConfirmedReads {
  readonly index: number
  readonly calls: Call[]
}

export class WaitingReads {
  #queued: Call[] = []
  #round: { readonly readId: number; readonly calls: Call[] } | undefined
  #confirmed: ConfirmedReads[] = []

  get size(): number {
    let size = this.#queued.length + (this.#round?.calls.length ?? 0)
    for (const reads of this.#confirmed) size += reads.calls.length
    return size
  }

  /** Whether a new round should begin. */
  get wantsRound(): boolean {
    return this.#round === undefined && this.#queued.length > 0
  }

  enqueue(call: Call): void {
    this.#queued.push(call)
  }

  /** All queued reads now wait for the round `readId`. */
  roundStarted(readId: number): void {
    this.#round = { readId, calls: this.#queued }
    this.#queued = []
  }

  /** The core confirmed attempt `readId`: its reads may be served once `index` is applied. */
  roundConfirmed(readId: number, index: number): void {
    // Exactly ours: an answer to another attempt, perhaps of the time before this replica led, confirms nothing here.
    if (this.#round === undefined || this.#round.readId !== readId) return
    this.#confirmed.push({ index, calls: this.#round.calls })
    this.#round = undefined
  }

  /** It came with the word of a voter and may be served once `index` is applied. */
  vouched(index: number, call: Call): void {
    const last = this.#confirmed[this.#confirmed.length - 1]
    if (last?.index === index) last.calls.push(call)
    else this.#confirmed.push({ index, calls: [call] })
  }

  /** Takes the reads that may be served now, oldest first. */
  takeServable(appliedIndex: number): Call[] | undefined {
    const first = this.#confirmed[0]
    if (first === undefined || first.index > appliedIndex) return undefined
    if (this.#confirmed.length === 1) {
      this.#confirmed = []
      return first.calls
    }
    // A leader's commit index never goes down, but a round has the one of its beginning: what it confirms may stand behind reads that came with the
    // word of a voter and wait for more. They are served a moment later than they could be.
    const servable: Call[] = []
    while (this.#confirmed[0] !== undefined && this.#confirmed[0].index <= appliedIndex) {
      servable.push(...this.#confirmed[0].calls)
      this.#confirmed.shift()
    }
    return servable
  }

  /** Leadership is gone: everything not yet confirmed is handed back. What is confirmed stays valid and will be served. */
  takeUnconfirmed(): Call[] {
    const calls = this.#round === undefined ? this.#queued : [...this.#round.calls, ...this.#queued]
    this.#round = undefined
    this.#queued = []
    return calls
  }

  /** Takes out every call for which `take` is true. */
  remove(take: (call: Call) => boolean): Call[] {
    const removed: Call[] = []
    const keep = (call: Call): boolean => {
      if (!take(call)) return true
      removed.push(call)
      return false
    }
    this.#queued = this.#queued.filter(keep)
    if (this.#round !== undefined) this.#round = { readId: this.#round.readId, calls: this.#round.calls.filter(keep) }
    this.#confirmed = this.#confirmed.map((reads) => ({ index: reads.index, calls: reads.calls.filter(keep) }))
    return removed
  }
}
