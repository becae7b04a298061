/**
 * A host for one replica in a random run: storage whose writes finish late, in order, and are lost in a crash; a state machine
 * that applies late; restarts from what was durable.
 */
import { assert } from '../../../src/base/index.ts'
import {
  type AppendWork,
  decodeMembershipChange,
  EMPTY_MEMBERSHIP,
  type Entry,
  type HardState,
  type MembershipState,
  type Message,
  RaftNode,
  type RaftOptions,
  type SnapshotMeta,
} from '../../../src/raft/index.ts'
import type { GroupOracle } from './group-oracle.ts'
import { MemoryLog } from './memory-log.ts'

export class RandomReplica {
  readonly id: number
  readonly #options: RaftOptions
  readonly #oracle: GroupOracle
  readonly #send: (message: Message) => void
  readonly storage = new MemoryLog()
  raft: RaftNode
  /** Handed out and not durable yet, oldest first. */
  writing: AppendWork[] = []
  /** Handed out and not applied yet. */
  applying: Entry[] = []
  #appliedIndex = 0
  /** Membership after each applied index at which it changed; what a real state machine keeps with its data. */
  #memberships: { index: number; membership: MembershipState }[] = [{ index: 0, membership: EMPTY_MEMBERSHIP }]
  /** The hard state as of the last write that had to be synced. */
  #syncedHardState: HardState
  #committedSeen = 0
  /** Grows with every restart. */
  life = 0

  constructor(
    options: RaftOptions,
    bootstrap: SnapshotMeta | undefined,
    oracle: GroupOracle,
    send: (message: Message) => void,
  ) {
    this.id = options.id
    this.#options = options
    this.#oracle = oracle
    this.#send = send
    if (bootstrap !== undefined) this.#adoptSnapshot(bootstrap)
    this.storage.offer = () => this.#describe(this.#appliedIndex)
    this.#syncedHardState = this.storage.hardState
    this.raft = this.#start(this.#appliedIndex)
  }

  get hasWork(): boolean {
    return this.raft.hasReady() || this.writing.length > 0 || this.applying.length > 0
  }

  get appliedIndex(): number {
    return this.#appliedIndex
  }

  #describe(index: number): SnapshotMeta {
    const term = this.storage.term(index)
    assert(typeof term === 'number', `${this.id}: term of applied index ${index} is ${term}`)
    return { index, term, membership: this.#membershipAt(index) }
  }

  #membershipAt(index: number): MembershipState {
    const known = this.#memberships.filter((one) => one.index <= index)
    return (known[known.length - 1] as { membership: MembershipState }).membership
  }

  #adoptSnapshot(snapshot: SnapshotMeta): void {
    this.storage.applySnapshot(snapshot)
    this.#appliedIndex = snapshot.index
    this.#memberships = [{ index: 0, membership: snapshot.membership }]
    this.applying = []
  }

  #start(appliedIndex: number): RaftNode {
    return new RaftNode(this.#options, this.storage, {
      hardState: this.storage.hardState,
      membership: this.#membershipAt(appliedIndex),
      appliedIndex,
    })
  }

  /** Loses what was not durable; the state machine may fall back as far as the log reaches. */
  crash(keepApplied: boolean): void {
    this.writing = []
    this.applying = []
    this.storage.hardState = this.#syncedHardState
    if (!keepApplied) this.#appliedIndex = Math.max(this.storage.firstIndex() - 1, this.#appliedIndex - 5)
    this.#memberships = this.#memberships.filter((one) => one.index <= this.#appliedIndex)
    this.#committedSeen = 0
    this.life += 1
    this.raft = this.#start(this.#appliedIndex)
    this.observe()
  }

  observe(): void {
    this.#oracle.observe(this.raft, this.#committedSeen)
    this.#committedSeen = this.raft.commitIndex
  }

  /** `crashBefore`: a synchronous host dies with the Ready in its hands. */
  handleReady(crashBefore: boolean): void {
    if (!this.raft.hasReady()) return
    const ready = this.raft.ready()
    for (const read of ready.readStates) this.#oracle.readAnswered(this.id, this.life, read.readId, read.index)
    if (ready.mode === 'sync') {
      if (crashBefore) {
        this.crash(true)
        return
      }
      this.#persist({ ...ready, responses: [], ack: undefined })
      for (const message of ready.messages) this.#emit(message)
      for (const entry of ready.committedEntries) this.#applyEntry(entry)
      this.raft.advance()
    } else {
      for (const message of ready.messages) this.#emit(message)
      if (ready.append !== undefined) this.writing.push(ready.append)
      if (ready.apply !== undefined) this.applying.push(...ready.apply.entries)
    }
    this.observe()
  }

  #emit(message: Message): void {
    this.#oracle.sent(message)
    this.#send(message)
  }

  /** The oldest write becomes durable. */
  finishWrite(): void {
    const work = this.writing.shift()
    if (work === undefined) return
    this.#persist(work)
    for (const message of work.responses) {
      if (message.to === this.id) this.raft.step(message)
      else this.#emit(message)
    }
    if (work.ack !== undefined) this.raft.appended(work.ack)
    this.observe()
  }

  #persist(work: AppendWork): void {
    if (work.hardState !== undefined) this.storage.hardState = work.hardState
    if (work.snapshot !== undefined) this.#adoptSnapshot(work.snapshot)
    const first = work.entries[0]
    if (first !== undefined) {
      const before = this.storage.term(first.index - 1)
      assert(typeof before === 'number', `${this.id}: stores entry ${first.index} behind a gap`)
      this.#oracle.stored(work.entries, before)
      this.storage.append(work.entries)
    }
    if (work.mustSync || work.snapshot !== undefined) this.#syncedHardState = this.storage.hardState
  }

  /** Applies up to `count` entries. */
  apply(count: number): void {
    const batch = this.applying.splice(0, count)
    const last = batch[batch.length - 1]
    if (last === undefined) return
    for (const entry of batch) this.#applyEntry(entry)
    this.raft.applied(last.index)
    this.observe()
  }

  #applyEntry(entry: Entry): void {
    assert(entry.index === this.#appliedIndex + 1, `${this.id}: applies ${entry.index} after ${this.#appliedIndex}`)
    const stored = this.storage.term(entry.index)
    assert(stored === entry.term, `${this.id}: applies ${entry.index} of term ${entry.term}, stored is ${stored}`)
    this.#oracle.applied(this.id, entry)
    this.#appliedIndex = entry.index
    if (entry.type === 'normal') return
    const decoded = decodeMembershipChange(entry.data)
    assert(decoded.ok, `${this.id}: membership entry ${entry.index} cannot be read`)
    this.#memberships.push({ index: entry.index, membership: this.raft.applyMembership(decoded.value) })
  }

  compact(keep: number): void {
    const index = this.#appliedIndex - keep
    if (index < this.storage.firstIndex() || this.writing.some((work) => work.snapshot !== undefined)) return
    this.storage.compact(index)
  }
}
