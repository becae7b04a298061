import type { Clock, Timer } from '../base/index.ts'
import { answerError, type Call } from './call.ts'
import { closing, replicaReplaced } from './refusals.ts'
import type { Replica } from './replica.ts'

/**
 * Reads that any replica may answer from what it has. They wait for nobody, with one exception: a replica that does not know how fresh it is, because
 * nobody read from it for a while, asks its leader first and gives that a moment. The loop calls it; data is read by `ReadServer`.
 */

/** Younger knowledge of the own freshness is good enough to answer at once. */
const KNOWN_ENOUGH_MS = 1_000
/** What the leader is given to answer: a round trip, and the next heartbeat where its commit index comes only with that. */
const WAIT_MS_MAX = 250

interface Waiting {
  readonly calls: Call[]
  timer: Timer
  dueMs: number
}

export class StaleReads {
  readonly #clock: Clock
  readonly #serve: (replica: Replica, calls: readonly Call[]) => void
  readonly #wake: (replica: Replica) => void
  readonly #waiting = new Map<Replica, Waiting>()

  constructor(
    clock: Clock,
    serve: (replica: Replica, calls: readonly Call[]) => void,
    wake: (replica: Replica) => void,
  ) {
    this.#clock = clock
    this.#serve = serve
    this.#wake = wake
  }

  submit(replica: Replica, call: Call): void {
    const nowMs = this.#clock.nowMs()
    const isAsking = this.#ask(replica, nowMs)
    if (!isAsking || nowMs - replica.freshness.asOfMs <= KNOWN_ENOUGH_MS) this.#serve(replica, [call])
    else this.#wait(replica, call, nowMs)
  }

  /** What is known of the replica's freshness has changed. */
  settled(replica: Replica): void {
    const waiting = this.#waiting.get(replica)
    if (waiting === undefined) return
    this.#waiting.delete(replica)
    waiting.timer.cancel()
    this.#serve(replica, waiting.calls)
  }

  close(): void {
    for (const { calls, timer } of this.#waiting.values()) {
      timer.cancel()
      for (const call of calls) answerError(call, closing('none'))
    }
    this.#waiting.clear()
  }

  /** Whether the leader has been asked and may answer. */
  #ask(replica: Replica, nowMs: number): boolean {
    const { freshness } = replica
    if (replica.leaderStore === undefined || replica.isRetired) return false
    if (!freshness.wantsRound(nowMs)) return true
    const round = replica.raft.readIndex()
    if (!round.ok) return false
    freshness.roundBegun(round.readId, nowMs)
    this.#wake(replica)
    return true
  }

  /** Nobody waits beyond his deadline; the others that wait for the same replica are then served with him. */
  #wait(replica: Replica, call: Call, nowMs: number): void {
    const dueMs = Math.min(nowMs + WAIT_MS_MAX, Math.max(nowMs, call.deadlineMs))
    const waiting = this.#waiting.get(replica)
    if (waiting === undefined) {
      this.#waiting.set(replica, { calls: [call], timer: this.#arm(replica, dueMs - nowMs), dueMs })
      return
    }
    waiting.calls.push(call)
    if (dueMs >= waiting.dueMs) return
    waiting.timer.cancel()
    waiting.timer = this.#arm(replica, dueMs - nowMs)
    waiting.dueMs = dueMs
  }

  #arm(replica: Replica, delayMs: number): Timer {
    return this.#clock.after(delayMs, () => this.#waited(replica))
  }

  /** No answer: they get what there is, with the age that is certain. */
  #waited(replica: Replica): void {
    const { calls = [] } = this.#waiting.get(replica) ?? {}
    this.#waiting.delete(replica)
    if (replica.isRetired) for (const call of calls) answerError(call, replicaReplaced(replica.group))
    else this.#serve(replica, calls)
  }
}
