/**
 * One replica as the checks see it, and what was last shown of it: reads the living replica, keeps a handful of numbers, and makes entries only
 * when they are asked for. Cheap enough to be asked after every event.
 */
import { crc32 } from 'node:zlib'
import type { Replica } from '../store/index.ts'
import type { EntryView, EpochView, HardStateView, RangeView, ReplicaView } from './check/index.ts'
import type { StateWatch } from './state-watch.ts'

const ROLES = {
  follower: 'follower',
  'pre-candidate': 'preCandidate',
  candidate: 'candidate',
  leader: 'leader',
} as const

export class ReplicaWatch implements ReplicaView {
  readonly replicaSeen: Replica
  readonly store: string
  /** Whether a write of this store's log is under way, in which case nobody knows what is durable. */
  readonly #isWriting: () => boolean
  /** Undefined where nobody stands before the machine. */
  readonly #state: StateWatch | undefined
  #term = -1
  #role = ''
  #commitIndex = -1
  #appliedIndex = -1
  #lastIndex = -1
  #lastTerm = -1

  constructor(store: string, replica: Replica, isWriting: () => boolean, state?: StateWatch) {
    this.store = store
    this.replicaSeen = replica
    this.#isWriting = isWriting
    this.#state = state
  }

  /** To be called after every event, before `hasChanged`. */
  lookAtState(): void {
    this.#state?.look()
  }

  /** Whether anything is new since the last call that answered true. */
  hasChanged(): boolean {
    const { raft, appliedIndex, log } = this.replicaSeen
    const { term, role, commitIndex } = raft
    const lastIndex = log.lastIndex()
    // The core has entries that the log is about to get: not before then is it of one piece.
    if (raft.lastIndex > lastIndex && commitIndex > lastIndex) return false
    const lastTerm = raft.termOf(lastIndex) ?? 0
    if (
      term === this.#term &&
      role === this.#role &&
      commitIndex === this.#commitIndex &&
      appliedIndex === this.#appliedIndex &&
      lastIndex === this.#lastIndex &&
      lastTerm === this.#lastTerm
    )
      return false
    this.#term = term
    this.#role = role
    this.#commitIndex = commitIndex
    this.#appliedIndex = appliedIndex
    this.#lastIndex = lastIndex
    this.#lastTerm = lastTerm
    return true
  }

  get group(): number {
    return this.replicaSeen.group
  }

  get replica(): number {
    return this.replicaSeen.id
  }

  get role(): ReplicaView['role'] {
    return ROLES[this.replicaSeen.raft.role]
  }

  get term(): number {
    return this.replicaSeen.raft.term
  }

  get votedFor(): number {
    return this.replicaSeen.raft.status().votedFor
  }

  get commitIndex(): number {
    return this.replicaSeen.raft.commitIndex
  }

  get appliedIndex(): number {
    return this.replicaSeen.appliedIndex
  }

  get firstIndex(): number {
    return this.replicaSeen.log.firstIndex()
  }

  get lastIndex(): number {
    return this.replicaSeen.log.lastIndex()
  }

  entry(index: number): EntryView | undefined {
    const { log } = this.replicaSeen
    if (index < log.firstIndex() || index > log.lastIndex()) return undefined
    try {
      const entries = log.entries(index, index + 1, 1)
      const entry = typeof entries === 'string' ? undefined : entries[0]
      if (entry === undefined) return undefined
      return { term: entry.term, hash: crc32(entry.data, entry.type.length) }
    } catch {
      // A disk that was told to fail, or whose bytes were damaged: this copy of the entry cannot be looked at.
      return undefined
    }
  }

  get durable(): HardStateView | undefined {
    return this.#isWriting() ? undefined : this.replicaSeen.log.log.hardState
  }

  get epoch(): EpochView {
    return this.replicaSeen.shard.epoch
  }

  get range(): RangeView {
    return this.replicaSeen.shard
  }

  get voters(): readonly number[] {
    return this.replicaSeen.membership.voters
  }

  get stateHash(): number | undefined {
    return this.#state?.hash
  }
}
