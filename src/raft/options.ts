/** How one replica is configured. Checked once, when the replica is made; constant afterwards. */
import { assert, type Random } from '../base/index.ts'
import type { TraceEvent } from './trace.ts'
import { NO_REPLICA, type ReplicaId } from './types.ts'

export interface RaftOptions {
  readonly id: ReplicaId
  /** Ticks without a leader after which a replica campaigns: drawn anew from [electionTicks, 2 * electionTicks). */
  readonly electionTicks: number
  readonly heartbeatTicks: number
  /** Asks whether an election could be won before it disturbs anybody (Thesis §9.6). */
  readonly preVote: boolean
  /** A leader that hears from no quorum steps down; voters ignore candidates while their leader is alive (Thesis §6.2, §4.2.3). */
  readonly checkQuorum: boolean
  /**
   * `safe`: a round of heartbeats confirms leadership before each batch of reads (Thesis §6.4). `lease`: a recent round is
   * enough, as long as clocks advance at the same rate and a restarted replica grants no vote for one election timeout; needs
   * checkQuorum.
   */
  readonly readMode: 'safe' | 'lease'
  /** `true`: writes and applying are reported by `appended` and `applied`. `false`: `advance` says that all of a Ready is done. */
  readonly asyncStorage: boolean
  /** Weight of the entries in one AppendEntries; a single larger entry still travels alone. */
  readonly maxMessageBytes: number
  /** AppendEntries on their way to one peer. */
  readonly maxInflightMessages: number
  readonly maxInflightBytes: number
  /** Proposed and not yet handed out for applying; beyond it proposals are refused as `overloaded`. */
  readonly maxUncommittedBytes: number
  /** Handed out for applying and not yet applied. */
  readonly maxCommittedBytesPerReady: number
  /** A follower sends proposals on to its leader instead of refusing them. */
  readonly forwardProposals: boolean
  /** A follower asks its leader for a ReadIndex instead of refusing it. */
  readonly forwardReads: boolean
  /** Refuses membership changes that cannot be applied now. Only tests turn this off. */
  readonly validateMembership: boolean
  /** A leader that removed or demoted itself becomes a follower once it applies that. */
  readonly stepDownOnRemoval: boolean
  /** Peers get what is new once per Ready instead of once per call; acknowledgements are merged likewise. */
  readonly batchAppends: boolean
  /** An advance of the commit index alone sends nothing; the next append or heartbeat carries it. */
  readonly quietCommits: boolean
  readonly random: Random
  readonly trace?: ((event: TraceEvent) => void) | undefined
}

export function checkOptions(options: RaftOptions): void {
  assert(
    Number.isSafeInteger(options.id) && options.id > NO_REPLICA,
    `replica id ${options.id} is not a positive integer`,
  )
  assert(options.heartbeatTicks >= 1, `heartbeatTicks ${options.heartbeatTicks} is below 1`)
  assert(
    options.electionTicks > options.heartbeatTicks,
    `electionTicks ${options.electionTicks} is not above heartbeatTicks ${options.heartbeatTicks}`,
  )
  assert(options.readMode === 'safe' || options.checkQuorum, 'reads by lease need checkQuorum')
  for (const [name, limit] of [
    ['maxMessageBytes', options.maxMessageBytes],
    ['maxInflightMessages', options.maxInflightMessages],
    ['maxInflightBytes', options.maxInflightBytes],
    ['maxUncommittedBytes', options.maxUncommittedBytes],
    ['maxCommittedBytesPerReady', options.maxCommittedBytesPerReady],
  ] as const) {
    assert(limit > 0, `${name} ${limit} is not positive`)
  }
}
