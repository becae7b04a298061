import { type Epoch, epochToText, PLACEMENT_SHARD } from '../../shard-map/index.ts'
import { LIMITS, unreachable } from '../base/index.ts'
import type { ShardRequest } from '../protocol/index.ts'
import type { ProposeMembershipResult } from '../raft/index.ts'
import { answerError, type Call } from './call.ts'
import { isStepDone, judgeStep } from './membership-steps.ts'
import { judgeCommit, judgeFence, judgePrepare, judgeRollback, type MergeVerdict } from './merge-requests.ts'
import { impossible, notLeader, notYet, overloaded, staleEpoch } from './refusals.ts'
import type { Replica } from './replica.ts'
import { encodeShardCommand, type ShardCommand } from './shard-command.ts'
import { isAt, planSplit } from './split-plan.ts'

/**
 * Changes of shards, asked of their leader: checked against the shard as the leader has applied it, proposed, and answered by the applier with the shard
 * as it is then. The request handler has found the leader; nothing here waits.
 */
/** Cuts of one request: enough to split a shard that has grown in one go. */
const CUTS_MAX = 64

export interface ShardRequestsContext {
  readonly storeId: string
  readonly compactEntries: number
  readonly replicas: ReadonlyMap<number, Replica>
  readonly wake: (replica: Replica) => void
}

export class ShardRequests {
  readonly #context: ShardRequestsContext

  constructor(context: ShardRequestsContext) {
    this.#context = context
  }

  /** `replica` leads. */
  handle(replica: Replica, call: Call, request: ShardRequest): void {
    if (replica.group === PLACEMENT_SHARD && request.kind !== 'change-membership') {
      answerError(call, impossible(replica.group, 'the placement shard is neither split nor merged'))
      return
    }
    switch (request.kind) {
      case 'change-membership':
        this.#changeMembership(replica, call, request)
        return
      case 'split':
        this.#split(replica, call, request)
        return
      case 'prepare-merge': {
        const target = this.#context.replicas.get(request.target.id)
        this.#merge(replica, call, request.epoch, judgePrepare(replica, request, target, this.#context.compactEntries))
        return
      }
      case 'commit-merge': {
        const source = this.#context.replicas.get(request.source.id)
        this.#merge(replica, call, request.epoch, judgeCommit(replica, request, source))
        return
      }
      case 'fence-merge':
        this.#merge(replica, call, request.epoch, judgeFence(replica, request))
        return
      case 'rollback-merge': {
        const target = replica.merging && this.#context.replicas.get(replica.merging.target.id)
        this.#merge(replica, call, request.epoch, judgeRollback(replica, request, target))
        return
      }
      default:
        unreachable(request)
    }
  }

  #split(replica: Replica, call: Call, request: ShardRequest & { kind: 'split' }): void {
    const { shard, group } = replica
    const { epoch, cuts } = request
    if (this.#isBehind(replica, call, epoch)) return
    if (!isAt(shard, epoch)) {
      const parts = cuts.map((cut) => replica.splitOff.find(({ id }) => id === cut.shard))
      const known = parts.filter((part) => part !== undefined)
      if (known.length === cuts.length && cuts.length > 0) call.answer({ kind: 'shards', shards: [shard, ...known] })
      else answerError(call, staleEpoch(group, replica.successors))
      return
    }
    if (replica.merging !== undefined) {
      answerError(call, notYet(group, `shard ${group} is being merged into shard ${replica.merging.target.id}`))
      return
    }
    const used = cuts.find((each) => replica.absorbed.some((absorbed) => absorbed.shard === each.shard))
    if (used !== undefined) {
      answerError(call, impossible(group, `shard ${used.shard} was merged into shard ${group}, and does not come back`))
      return
    }
    const plan = planSplit(shard, cuts)
    const cut = cuts.find(
      ({ key, replicas }) => key.length > LIMITS.keyBytesMax || new Set(replicas).size < replicas.length,
    )
    if (!plan.ok || cut !== undefined || cuts.length === 0 || cuts.length > CUTS_MAX) {
      answerError(
        call,
        impossible(group, plan.ok ? `a split has 1 to ${CUTS_MAX} cuts with keys and replica ids` : plan.message),
      )
      return
    }
    this.#propose(replica, call, { kind: 'split', epoch: shard.epoch, cuts })
  }

  #merge(replica: Replica, call: Call, epoch: Epoch, verdict: MergeVerdict): void {
    if (this.#isBehind(replica, call, epoch)) return
    switch (verdict.kind) {
      case 'done':
        call.answer({ kind: 'shards', shards: [verdict.shard] })
        return
      case 'refuse':
        answerError(call, verdict.error)
        return
      case 'propose':
        this.#propose(replica, call, verdict.command)
        return
      default:
        unreachable(verdict)
    }
  }

  /** Whether the asker knows more of the shard than this leader has applied; then it is told to come again. */
  #isBehind(replica: Replica, call: Call, epoch: Epoch): boolean {
    const { shard, group } = replica
    if (epoch.membership <= shard.epoch.membership && epoch.range <= shard.epoch.range) return false
    const asked = epochToText(epoch)
    answerError(call, notYet(group, `this leader of shard ${group} has not applied epoch ${asked} yet`))
    return true
  }

  #propose(replica: Replica, call: Call, command: ShardCommand): void {
    const { group } = replica
    const proposed = replica.raft.propose([encodeShardCommand(command)], 'shard')
    if (proposed.ok) {
      if (proposed.forwarded) answerError(call, notLeader(group, replica.storeOf(proposed.leader)))
      else replica.writes.proposed(proposed.firstIndex, proposed.term, call)
      this.#context.wake(replica)
    } else if (proposed.reason === 'overloaded') answerError(call, overloaded(group))
    else if (proposed.reason === 'transferring')
      answerError(call, notYet(group, `shard ${group} is handing over its leadership`))
    else answerError(call, notLeader(group, replica.leaderStore))
  }

  #changeMembership(replica: Replica, call: Call, request: ShardRequest & { kind: 'change-membership' }): void {
    const { shard, group } = replica
    const { step, epoch } = request
    if (this.#isBehind(replica, call, { membership: epoch.membership, range: 0 })) return
    if (epoch.membership !== shard.epoch.membership) {
      if (isStepDone(shard, step)) call.answer({ kind: 'shards', shards: [shard] })
      else answerError(call, staleEpoch(group, [shard]))
      return
    }
    if (replica.merging !== undefined) {
      answerError(call, notYet(group, `shard ${group} is being merged into shard ${replica.merging.target.id}`))
      return
    }
    const { lastIndex, progress } = replica.raft.status()
    const verdict = judgeStep(step, { shard, self: this.#context.storeId, lastIndex, progress })
    switch (verdict.kind) {
      case 'done':
        call.answer({ kind: 'shards', shards: [shard] })
        return
      case 'refuse':
        answerError(call, verdict.error)
        return
      case 'hand-over':
        replica.raft.transferLeader(verdict.to.id)
        this.#context.wake(replica)
        answerError(
          call,
          notYet(group, `the leader of shard ${group} goes, and hands over to store ${verdict.to.store} first`),
        )
        return
      case 'propose':
        this.#proposed(replica, call, replica.raft.proposeMembership(verdict.change))
        return
      default:
        unreachable(verdict)
    }
  }

  #proposed(replica: Replica, call: Call, proposed: ProposeMembershipResult): void {
    const { group } = replica
    // Also a refused change leaves an empty entry in the log.
    this.#context.wake(replica)
    if (proposed.ok) {
      if (proposed.forwarded) answerError(call, notLeader(group, replica.storeOf(proposed.leader)))
      else replica.writes.proposed(proposed.index, proposed.term, call)
      return
    }
    const { reason } = proposed
    switch (reason) {
      case 'not-leader':
      case 'removed':
        answerError(call, notLeader(group, replica.leaderStore))
        return
      case 'transferring':
        answerError(call, notYet(group, `shard ${group} is handing over its leadership`))
        return
      case 'overloaded':
        answerError(call, overloaded(group))
        return
      case 'change-pending':
        answerError(call, notYet(group, `an earlier change of the members of shard ${group} is under way`))
        return
      case 'joint':
      case 'not-joint':
      case 'illegal':
      case 'malformed':
        answerError(call, impossible(group, `the members of shard ${group} do not allow this change: ${reason}`))
        return
      default:
        unreachable(reason)
    }
  }
}
