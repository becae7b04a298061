/**
 * Turns the state of a replica into what its host has to do, as data. Two shapes, by the storage mode: in the synchronous one
 * the host finishes all of a Ready before it says `advance`; in the asynchronous one writing and applying run on and are
 * reported piece by piece.
 */
import { assert } from '../base/index.ts'
import type { RaftCore } from './core.ts'
import { type EntrySlice, entryBytes } from './entry.ts'
import { leaveJointIfDue } from './proposals.ts'
import { flushAppends, flushReadRound } from './replication.ts'
import { step } from './step.ts'
import type { Entry, HardState, Message, ReadState, SnapshotMeta, SoftState } from './types.ts'

/** Identifies a write to the core: everything up to this entry, or this snapshot, is durable once the write is. */
export interface AppendAck {
  /** The replica's term when the write was handed out. A write of an older term may have been overwritten since. */
  readonly term: number
  /** Last entry of the log and its term; 0 and 0 when no entry is awaited. */
  readonly lastIndex: number
  readonly lastTerm: number
  /** 0 when no snapshot is part of the write. */
  readonly snapshotIndex: number
}

/** To be stored, in the order of the Readys, all of one together or nothing of it. */
export interface AppendWork {
  readonly entries: readonly Entry[]
  readonly hardState: HardState | undefined
  /** Replaces the whole log: nothing before it is kept. Its contents must be durable before anything that follows. */
  readonly snapshot: SnapshotMeta | undefined
  /**
   * False: losing this write in a crash does no harm by itself (the commit index is learnt again), so it may wait for the next
   * fsync; `responses` may go once all earlier writes are durable.
   */
  readonly mustSync: boolean
  /** Leave once the write is durable. Those addressed to this replica are stepped by the host. */
  readonly responses: readonly Message[]
  /** Reported to `appended` once the write is durable, after the responses. */
  readonly ack: AppendAck | undefined
}

/** Committed entries for the state machine, and their weight; `applied` hears how far it came. */
export interface ApplyWork {
  readonly entries: readonly Entry[]
  readonly bytes: number
}

interface ReadyCommon {
  /** Present when leader or role changed. Together with a new term it means: reads that wait for a ReadState will get none. */
  readonly softState: SoftState | undefined
  readonly readStates: readonly ReadState[]
  /** May leave at once, in this order. */
  readonly messages: readonly Message[]
}

export interface SyncReady extends ReadyCommon {
  readonly mode: 'sync'
  /**
   * Stored with `entries` or `snapshot` before any message leaves, except that a leader may send its AppendEntries at the
   * same time (Thesis §10.2.1).
   */
  readonly hardState: HardState | undefined
  readonly entries: readonly Entry[]
  readonly snapshot: SnapshotMeta | undefined
  readonly committedEntries: readonly Entry[]
  readonly mustSync: boolean
}

export interface AsyncReady extends ReadyCommon {
  readonly mode: 'async'
  readonly append: AppendWork | undefined
  readonly apply: ApplyWork | undefined
}

export type Ready = SyncReady | AsyncReady

/** What `advance` reports in synchronous mode. */
interface Unfinished {
  readonly toSelf: readonly Message[]
  readonly ack: AppendAck | undefined
  readonly applying: EntrySlice
}

export class ReadyMaker {
  readonly #core: RaftCore
  #softState: SoftState
  #hardState: HardState
  #unfinished: Unfinished | undefined

  constructor(core: RaftCore) {
    this.#core = core
    this.#softState = { leader: 0, role: 'follower' }
    this.#hardState = { term: core.term, votedFor: core.votedFor, commitIndex: core.log.commitIndex }
  }

  hasReady(): boolean {
    const core = this.#core
    return (
      core.messages.length > 0 ||
      core.messagesAfterAppend.length > 0 ||
      core.appendsDue ||
      core.log.hasEntriesToWrite ||
      core.log.hasEntriesToApply ||
      core.reads.isRoundDue ||
      core.readStates.length > 0 ||
      this.#isHardStateNew() ||
      this.#isSoftStateNew() ||
      core.log.hasSnapshotToWrite
    )
  }

  #isHardStateNew(): boolean {
    const core = this.#core
    const known = this.#hardState
    return known.commitIndex !== core.log.commitIndex || known.term !== core.term || known.votedFor !== core.votedFor
  }

  #isSoftStateNew(): boolean {
    return this.#softState.leader !== this.#core.leader || this.#softState.role !== this.#core.role
  }

  make(): Ready {
    const core = this.#core
    assert(this.#unfinished === undefined, 'the last Ready was not advanced')
    flushReadRound(core)
    flushAppends(core)
    const entries = core.log.entriesToWrite()
    const snapshot = core.log.snapshotToWrite()
    const applying = core.log.entriesToApply()
    const hardState = this.#takeHardState(entries.length > 0)
    const softState = this.#takeSoftState()
    const { readStates, messages, messagesAfterAppend: responses } = core.takeOutboxes()
    const ack = this.#acknowledgement(snapshot)
    core.log.acceptWrites()
    this.#acceptApplying(applying)
    if (core.options.asyncStorage) {
      const isAppend =
        entries.length > 0 || hardState.state !== undefined || snapshot !== undefined || responses.length > 0
      return {
        mode: 'async',
        softState,
        readStates,
        messages,
        append: isAppend
          ? { entries, hardState: hardState.state, snapshot, mustSync: hardState.mustSync, responses, ack }
          : undefined,
        apply: applying.entries.length > 0 ? applying : undefined,
      }
    }
    const toSelf = responses.filter((message) => message.to === core.id)
    const toOthers = responses.length > 0 ? responses.filter((message) => message.to !== core.id) : responses
    this.#unfinished = { toSelf, ack, applying }
    return {
      mode: 'sync',
      softState,
      readStates,
      messages: messages.concat(toOthers),
      hardState: hardState.state,
      entries,
      snapshot,
      committedEntries: applying.entries,
      mustSync: hardState.mustSync,
    }
  }

  /** Synchronous mode: all of the last Ready is stored, sent and applied. */
  advance(): void {
    const unfinished = this.#unfinished
    assert(unfinished !== undefined, 'advance without a Ready')
    this.#unfinished = undefined
    for (const message of unfinished.toSelf) step(this.#core, message)
    if (unfinished.ack !== undefined) acknowledgeAppend(this.#core, unfinished.ack)
    const last = unfinished.applying.entries[unfinished.applying.entries.length - 1]
    if (last !== undefined) acknowledgeApply(this.#core, last.index)
  }

  #takeHardState(hasEntries: boolean): { state: HardState | undefined; mustSync: boolean } {
    if (!this.#isHardStateNew()) return { state: undefined, mustSync: hasEntries }
    const core = this.#core
    const before = this.#hardState
    const state = { term: core.term, votedFor: core.votedFor, commitIndex: core.log.commitIndex }
    this.#hardState = state
    // Raft, Figure 2: term, vote and entries are persistent state. The commit index is not; it is stored to restart faster.
    return { state, mustSync: hasEntries || state.term !== before.term || state.votedFor !== before.votedFor }
  }

  #takeSoftState(): SoftState | undefined {
    if (!this.#isSoftStateNew()) return undefined
    this.#softState = { leader: this.#core.leader, role: this.#core.role }
    return this.#softState
  }

  /**
   * Asked for as long as anything is not known to be durable, also when nothing new is written: an earlier answer may be
   * void because the term changed, and then this one releases what it would have.
   */
  #acknowledgement(snapshot: SnapshotMeta | undefined): AppendAck | undefined {
    const { log, term } = this.#core
    const awaitsEntries = log.hasUnstableEntries
    if (!awaitsEntries && snapshot === undefined) return undefined
    return {
      term,
      lastIndex: awaitsEntries ? log.lastIndex : 0,
      lastTerm: awaitsEntries ? log.lastTerm : 0,
      snapshotIndex: snapshot?.index ?? 0,
    }
  }

  #acceptApplying(applying: EntrySlice): void {
    const core = this.#core
    core.log.acceptApplying(applying)
    if (core.role !== 'leader' || core.uncommittedBytes === 0) return
    // Entries of its term are exactly those it appended as leader, each counted when it was.
    let bytes = 0
    for (const entry of applying.entries) if (entry.term === core.term) bytes += entryBytes(entry)
    core.uncommittedBytes -= bytes
    if (core.uncommittedBytes < 0) assert(false, `uncommitted bytes fell to ${core.uncommittedBytes}`)
  }
}

/** A write is durable. Nothing is taken for granted about it: see RaftLog.stableTo. */
export function acknowledgeAppend(core: RaftCore, ack: AppendAck): void {
  if (ack.lastIndex !== 0) {
    // A write of an older term may have been overwritten by a leader since; the write that followed it asks again.
    const isCurrent = ack.term === core.term && core.log.stableTo(ack.lastIndex, ack.lastTerm)
    // One that is known to be durable is reported again when what followed it had no entries of its own.
    const isLost = !isCurrent && !core.log.isStable(ack.lastIndex, ack.lastTerm)
    if (isLost) core.options.trace?.({ kind: 'write-superseded', index: ack.lastIndex, term: ack.lastTerm })
  }
  if (ack.snapshotIndex !== 0) {
    core.log.snapshotStableTo(ack.snapshotIndex)
    acknowledgeApply(core, ack.snapshotIndex)
  }
}

export function acknowledgeApply(core: RaftCore, index: number): void {
  core.log.appliedTo(index)
  leaveJointIfDue(core)
}
