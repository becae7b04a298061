/**
 * ReadIndex attempts that wait for a quorum to confirm that their leader still is one (Thesis §6.4). Each attempt gets a
 * new id, and ids only grow, so one confirmed id settles all attempts before it. `read-index.ts` holds the rules.
 */
import { NO_REPLICA, type ReplicaId } from './types.ts'

export interface PendingRead {
  readonly readId: number
  /** The commit index when the read was asked for. */
  readonly index: number
  /** The follower that asked, and its own id of the attempt; 0 when the read was asked for here. */
  readonly from: ReplicaId
  readonly remoteReadId: number
}

export class PendingReads {
  #pending: PendingRead[] = []
  /** The newest id given out. Never reset, so a confirmation of an earlier leadership cannot meet its id again. */
  newestId = 0
  /** An attempt came that no heartbeat has carried yet. */
  isRoundDue = false
  /** Ticks of this leadership; only differences mean something. */
  ticks = 0
  /** The round whose confirmation renews the lease, and when it was sent; 0 when none is under way. */
  leaseRoundId = 0
  leaseRoundSentTicks = 0
  /** Nobody else can be elected before this tick; -1 for no lease. */
  leaseUntilTicks = -1
  /** A TimeoutNow left in this term: its receiver may be elected in spite of leases (Thesis §6.4.1). */
  isLeaseBroken = false

  /** The id a heartbeat has to carry for all that wait; 0 for none. */
  get newestPendingId(): number {
    return this.#pending[this.#pending.length - 1]?.readId ?? 0
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0
  }

  nextId(): number {
    this.newestId += 1
    return this.newestId
  }

  add(read: PendingRead): void {
    this.#pending.push(read)
  }

  /** Removes and returns all attempts up to `confirmedId`, oldest first. */
  take(confirmedId: number): readonly PendingRead[] {
    let count = 0
    while (count < this.#pending.length && (this.#pending[count] as PendingRead).readId <= confirmedId) count += 1
    if (count === 0) return []
    return this.#pending.splice(0, count)
  }

  /** Leadership begins or ends: whoever waited has to ask again. */
  reset(): void {
    this.#pending = []
    this.isRoundDue = false
    this.ticks = 0
    this.leaseRoundId = 0
    this.leaseRoundSentTicks = 0
    this.leaseUntilTicks = -1
    this.isLeaseBroken = false
  }
}

/** Marks a read that was asked for by this replica itself. */
export const ASKED_HERE: Pick<PendingRead, 'from' | 'remoteReadId'> = { from: NO_REPLICA, remoteReadId: 0 }
