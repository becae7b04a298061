import { assert, present } from '../base/index.ts'
import { answerError, type Call } from './call.ts'
import { notLeader, overloaded, staleEpoch } from './refusals.ts'
import type { Replica } from './replica.ts'
import type { TracedWrites } from './traced-writes.ts'

/**
 * From those who wait to the Raft core: proposes a replica's queued writes together, begins the ReadIndex round its reads share, and sends away whom
 * a replica that does not lead cannot serve. The loop calls these in its turn; they perform no effects.
 */

/** Returns how many writes were proposed; the others were refused with the cure. */
export function proposeWrites(replica: Replica, traces: TracedWrites): number {
  if (!replica.writes.hasQueued) return 0
  const calls: Call[] = []
  const commands: Uint8Array[] = []
  for (const call of replica.writes.takeQueued()) {
    assert(call.request.kind === 'write', 'only writes are queued as writes')
    if (call.request.rangeEpoch !== replica.shard.epoch.range) {
      answerError(call, staleEpoch(replica.group, replica.successors))
      continue
    }
    calls.push(call)
    commands.push(call.request.command)
  }
  if (calls.length === 0) return 0
  const proposed = replica.raft.propose(commands)
  if (!proposed.ok) {
    const refusal =
      proposed.reason === 'overloaded'
        ? overloaded(replica.group)
        : notLeader(replica.group, replica.storeOf(proposed.leader))
    for (const call of calls) answerError(call, refusal)
    return 0
  }
  assert(!proposed.forwarded, `group ${replica.group}: a proposal was forwarded`)
  for (let i = 0; i < calls.length; i++)
    propose(replica, proposed.firstIndex + i, proposed.term, present(calls[i], 'call'), traces)
  return calls.length
}

function propose(replica: Replica, index: number, term: number, call: Call, traces: TracedWrites): void {
  replica.writes.proposed(index, term, call)
  if (call.request.kind === 'write' && call.request.trace !== undefined) traces.proposed(replica, index, term, call)
}

/** Whether the word that `call` brought with it proves that this replica leads: then it needs no round. */
export function confirmVouched(replica: Replica, call: Call): boolean {
  const { request } = call
  if ((request.kind !== 'get' && request.kind !== 'scan') || request.voucher === undefined) return false
  const index = replica.raft.vouchedReadIndex(request.voucher.replica, request.voucher.term)
  if (index === undefined) return false
  replica.reads.vouched(index, call)
  return true
}

/** False when reads must wait for something else to happen first. */
export function beginReads(replica: Replica): boolean {
  if (!replica.reads.wantsRound) return true
  if (!replica.isLeader) {
    // The core would ask the leader in our place; but whoever wants that can do so himself, with one way less.
    refuseReads(replica)
    return true
  }
  const round = replica.raft.readIndex()
  if (round.ok) {
    replica.reads.roundStarted(round.readId)
    return true
  }
  if (round.reason === 'not-leader') {
    refuseReads(replica)
    return true
  }
  // A new leader has not committed in its term yet; its first commit brings the replica back here.
  return false
}

export function refuseReads(replica: Replica): void {
  for (const call of replica.reads.takeUnconfirmed()) answerError(call, notLeader(replica.group, replica.leaderStore))
}
