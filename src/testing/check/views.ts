/**
 * What the checks of a running cluster look at: plain data about one replica, one map or one store at one moment. Whoever runs a cluster in one
 * thread (the simulator) makes these and hands them to `ClusterChecks`; nothing in this folder knows how a replica is built.
 *
 * When to hand over what:
 * - a `ReplicaView` after every event in which the replica may have changed: after each turn of its store for the replicas that were dirty, and
 *   of all replicas once a store has started. Skipping moments is allowed (less is seen), inventing them is not.
 * - `crashed` when a process ends in whatever way, before its successor is observed; `wiped` too when its disk was emptied.
 * - a `MapView` whenever the placement driver's machine has applied something, and of any store that adopted a newer map.
 * - `applied` for each entry that goes through a state machine, where the host can intercept that; the views alone find most of it too.
 */

export type StoreName = string

export interface EntryView {
  readonly term: number
  /** Of the entry's type and bytes; equal for equal entries and hardly ever for others. */
  readonly hash: number
}

export interface HardStateView {
  readonly term: number
  /** 0 for nobody. */
  readonly votedFor: number
}

export interface EpochView {
  readonly membership: number
  readonly range: number
}

export interface RangeView {
  readonly start: string
  /** Exclusive; undefined is the end of the key space. */
  readonly end: string | undefined
}

export interface ReplicaView {
  readonly group: number
  readonly store: StoreName
  readonly replica: number
  readonly role: 'follower' | 'preCandidate' | 'candidate' | 'leader'
  readonly term: number
  readonly votedFor: number
  readonly commitIndex: number
  readonly appliedIndex: number
  /** Of the log as the core sees it, durable or not. */
  readonly firstIndex: number
  readonly lastIndex: number
  /** Undefined where the index is not in the log (compacted, or beyond the end). Asked only for what is new. */
  entry(index: number): EntryView | undefined
  /** The hard state that is known to be durable, undefined while a write of one is under way. */
  readonly durable: HardStateView | undefined
  /** As applied here. */
  readonly epoch: EpochView
  readonly range: RangeView
  readonly voters: readonly number[]
  /** Of data, machine state and descriptor at `appliedIndex`; undefined where nobody computed it, which is always allowed. */
  readonly stateHash: number | undefined
}

export interface ShardView extends RangeView {
  readonly id: number
  readonly epoch: EpochView
}

export interface MapView {
  readonly version: number
  /** Data shards only, in any order. */
  readonly shards: readonly ShardView[]
}

/** Something that must stay bounded: a queue, the bytes of a log, an overlay, calls that wait. */
export interface ResourceView {
  readonly store: StoreName
  readonly name: string
  readonly value: number
  readonly valueMax: number
}

/** A sentence that says what does not hold, undefined when nothing is wrong. */
export type Problem = string | undefined

/** One replica of one group on one store. Another one that takes its place there later has promised nothing yet. */
export function placeOf({ group, replica, store }: Pick<ReplicaView, 'group' | 'replica' | 'store'>): string {
  return `${group}/${replica}/${store}`
}
