/**
 * What a leader believes of one replica, and the only place where that belief changes. It sends nothing; `replication.ts`
 * asks it what may be sent and tells it what was.
 *
 * probe:     the replica's log is not known yet; at most one message with entries at a time.
 * replicate: the logs match up to matchIndex; entries are sent ahead of their acknowledgements, up to the window.
 * snapshot:  the entries it needs are gone; it was sent a snapshot and gets nothing until that is settled.
 */
import { InflightWindow } from './inflight.ts'

export type ProgressState = 'probe' | 'replicate' | 'snapshot'

/** What is to be sent to a replica at the end of the turn: nothing, new entries if there are any, or at least the commit index. */
export type AppendDue = 0 | 1 | 2

export class Progress {
  /** Highest index known to be durable there. Invariant: matchIndex < nextIndex. */
  matchIndex = 0
  nextIndex: number
  state: ProgressState = 'probe'
  isLearner = false
  /** Grows with every answer to this leader, over all replicas: the highest spoke last. */
  heardOrder = 0
  /** Heard from since the last check for an active quorum. */
  recentlyActive = true
  /** Heard from between the last such check and the one before it. */
  #activeBefore = false
  /** Index of the snapshot it was sent; 0 outside of state `snapshot`. */
  pendingSnapshotIndex = 0
  /** Highest commit index it was told. */
  sentCommitIndex = 0
  /** Newest ReadIndex attempt it confirmed in this term. */
  confirmedReadId = 0
  appendDue: AppendDue = 0
  /** A heartbeat of the timer is unanswered, so its answer may ask for a repair. */
  repairDue = false
  readonly inflight: InflightWindow
  #flowPaused = false

  constructor(nextIndex: number, inflightCountMax: number, inflightBytesMax: number) {
    this.nextIndex = nextIndex
    this.inflight = new InflightWindow(inflightCountMax, inflightBytesMax)
  }

  /** A new term begins: nothing is known any more. */
  reset(lastIndex: number, matchIndex: number): void {
    this.#enter('probe')
    this.matchIndex = matchIndex
    this.nextIndex = lastIndex + 1
    this.recentlyActive = false
    this.#activeBefore = false
    this.heardOrder = 0
    this.sentCommitIndex = 0
    this.confirmedReadId = 0
    this.appendDue = 0
    this.repairDue = false
  }

  /** A check for an active quorum begins to count anew. */
  checked(): void {
    this.#activeBefore = this.recentlyActive
    this.recentlyActive = false
  }

  /** Heard from within the last one or two election timeouts, whenever this is asked. */
  get heardLately(): boolean {
    return this.recentlyActive || this.#activeBefore
  }

  get isPaused(): boolean {
    return this.state === 'snapshot' || this.#flowPaused
  }

  /** Lets one more message out, although earlier ones are unanswered. */
  resume(): void {
    this.#flowPaused = false
  }

  pause(): void {
    this.#flowPaused = true
  }

  becomeProbe(): void {
    const afterSnapshot = this.state === 'snapshot' ? this.pendingSnapshotIndex + 1 : 0
    this.#enter('probe')
    this.nextIndex = Math.max(this.matchIndex + 1, afterSnapshot)
    this.sentCommitIndex = Math.min(this.sentCommitIndex, this.nextIndex - 1)
  }

  becomeReplicate(): void {
    this.#enter('replicate')
    this.nextIndex = this.matchIndex + 1
  }

  becomeSnapshot(index: number): void {
    this.#enter('snapshot')
    this.pendingSnapshotIndex = index
    this.nextIndex = index + 1
    this.sentCommitIndex = index
  }

  /** The snapshot was not delivered: probing starts again where the replica is known to be. */
  snapshotFailed(): void {
    this.pendingSnapshotIndex = 0
    this.becomeProbe()
  }

  #enter(state: ProgressState): void {
    this.state = state
    this.#flowPaused = false
    this.pendingSnapshotIndex = 0
    this.inflight.reset()
  }

  /** An AppendEntries with these entries left. */
  sent(count: number, bytes: number, commitIndex: number): void {
    if (this.state === 'replicate') {
      if (count > 0) {
        this.nextIndex += count
        this.inflight.add(this.nextIndex - 1, bytes)
      }
      this.#flowPaused = this.inflight.isFull
    } else if (count > 0) {
      this.#flowPaused = true
    }
    this.sentCommitIndex = commitIndex
  }

  /** It acknowledged everything up to `index`. False when that is not news. */
  acknowledge(index: number): boolean {
    if (index <= this.matchIndex) return false
    this.matchIndex = index
    this.nextIndex = Math.max(this.nextIndex, index + 1)
    this.#flowPaused = false
    return true
  }

  /**
   * It refused entries after `rejectedIndex` and may agree at `probeIndex`. False when the refusal answers a message that
   * was overtaken: acting on it would send again what is already known to match.
   */
  backOff(rejectedIndex: number, probeIndex: number): boolean {
    if (this.state === 'replicate') {
      if (rejectedIndex <= this.matchIndex) return false
      this.nextIndex = this.matchIndex + 1
    } else {
      if (this.nextIndex - 1 !== rejectedIndex) return false
      this.nextIndex = Math.max(Math.min(rejectedIndex, probeIndex + 1), this.matchIndex + 1)
      this.#flowPaused = false
    }
    this.sentCommitIndex = Math.min(this.sentCommitIndex, this.nextIndex - 1)
    return true
  }
}
