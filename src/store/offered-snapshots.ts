import { assert } from '../base/index.ts'
import type { Message, SnapshotMeta } from '../raft/index.ts'
import type { Replica } from './replica.ts'
import type { ReceivedSnapshot } from './snapshot-receiver.ts'

/**
 * Whole snapshots that were received and that the Raft cores have not judged yet, at most one per replica. A core takes one, or passes it by; then it is
 * thrown away. The loop owns the only instance; installing is the loop's affair.
 */
export class OfferedSnapshots {
  readonly #waiting = new Map<Replica, ReceivedSnapshot>()

  /** Keeps the snapshot and returns the message that asks the core whether it is wanted. A snapshot that waited already is discarded. */
  offer(replica: Replica, snapshot: ReceivedSnapshot): Message {
    this.#waiting.get(replica)?.discard()
    this.#waiting.set(replica, snapshot)
    const { appliedIndex: index, appliedTerm: term, membership } = snapshot.record
    return {
      type: 'InstallSnapshot',
      from: snapshot.from,
      to: replica.id,
      term: snapshot.term,
      snapshot: { index, term, membership },
    }
  }

  /** The snapshot that the core accepted. */
  take(replica: Replica, meta: SnapshotMeta): ReceivedSnapshot {
    const snapshot = this.#waiting.get(replica)
    assert(
      snapshot !== undefined && snapshot.record.appliedIndex === meta.index,
      `group ${replica.group}: a snapshot at ${meta.index} that nobody holds`,
    )
    this.#waiting.delete(replica)
    return snapshot
  }

  /** The replica is gone: whatever waits for it is thrown away. */
  drop(replica: Replica): void {
    this.#waiting.get(replica)?.discard()
    this.#waiting.delete(replica)
  }

  /** Throws away what the core has passed by. */
  discardUnwanted(replica: Replica): void {
    const snapshot = this.#waiting.get(replica)
    if (snapshot === undefined || replica.installing) return
    if (replica.raft.commitIndex < snapshot.record.appliedIndex) return
    this.#waiting.delete(replica)
    snapshot.discard()
  }
}
