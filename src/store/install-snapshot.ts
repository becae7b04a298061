import type { StateMachine } from '../machine/index.ts'
import type { SnapshotMeta } from '../raft/index.ts'
import { answerError } from './call.ts'
import { notLeader, outcomeUnknown } from './refusals.ts'
import type { Replica } from './replica.ts'
import type { StateRecord } from './state-record.ts'

/**
 * What happens to a replica around the installation of a snapshot, which the data store performs in between. The loop calls both steps; neither
 * waits nor writes data.
 */

/** From here on nothing is applied, and nobody waits any more for what the snapshot skips. */
export function beginInstall(replica: Replica): void {
  replica.installing = true
  replica.dataGeneration++
  replica.queue.clear()
  for (const { call, proposed } of replica.writes.remove(() => true)) {
    // The snapshot may or may not contain a proposed write: nobody here can tell any more.
    answerError(call, proposed ? outcomeUnknown(replica.group) : notLeader(replica.group, replica.leaderStore))
  }
}

/** The data is in place: the log begins after it, and the replica is where the snapshot was. */
export function adoptSnapshot(replica: Replica, record: StateRecord, meta: SnapshotMeta, machine: StateMachine): void {
  replica.log.log.reset(meta.index, meta.term)
  replica.machine = machine
  replica.restored(record)
  replica.log.flushedTo(meta.index, meta.term, meta.membership)
}
