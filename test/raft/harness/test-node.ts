/**
 * One replica under a microscope: a RaftNode with storage in memory, whose other members are played by the test. Drained, it
 * does everything its Readys ask for at once; in asynchronous mode a test may do it piece by piece instead.
 */
import { assert, EMPTY_BYTES, utf8Encode } from '../../../src/base/index.ts'
import {
  type AppendWork,
  type AsyncReady,
  decodeMembershipChange,
  EMPTY_MEMBERSHIP,
  type Entry,
  type HardState,
  type MembershipChange,
  type MembershipOperation,
  type MembershipState,
  type Message,
  type MessageType,
  RaftNode,
  type RaftOptions,
  type ReadState,
  type SyncReady,
} from '../../../src/raft/index.ts'
import { MemoryLog } from './memory-log.ts'

export interface TestSetup {
  readonly id?: number
  readonly voters?: readonly number[]
  readonly membership?: Partial<MembershipState>
  /** Terms of the stored entries 1, 2, ... */
  readonly terms?: readonly number[]
  readonly hardState?: Partial<HardState>
  readonly appliedIndex?: number
  readonly options?: Partial<RaftOptions>
}

export const ELECTION_TICKS = 10

const DEFAULTS: Omit<RaftOptions, 'id'> = {
  electionTicks: ELECTION_TICKS,
  heartbeatTicks: 1,
  preVote: false,
  checkQuorum: false,
  readMode: 'safe',
  asyncStorage: false,
  maxMessageBytes: Number.POSITIVE_INFINITY,
  maxInflightMessages: 256,
  maxInflightBytes: Number.POSITIVE_INFINITY,
  maxUncommittedBytes: Number.POSITIVE_INFINITY,
  maxCommittedBytesPerReady: Number.POSITIVE_INFINITY,
  forwardProposals: false,
  forwardReads: false,
  validateMembership: true,
  stepDownOnRemoval: false,
  batchAppends: false,
  quietCommits: false,
  random: { below: () => 0 },
}

export class TestNode {
  readonly raft: RaftNode
  readonly storage: MemoryLog
  readonly applied: Entry[] = []
  readonly reads: ReadState[] = []
  /** Everything handed out to be persisted or sent, Ready by Ready, newest last. */
  readonly readies: (SyncReady | AsyncReady)[] = []

  constructor(setup: TestSetup = {}, storage: MemoryLog = new MemoryLog()) {
    this.storage = storage
    const { terms = [], hardState, appliedIndex = 0 } = setup
    storage.append(terms.map((term, i) => entry(i + 1, term)))
    if (hardState !== undefined) storage.hardState = { ...storage.hardState, ...hardState }
    const membership = { ...EMPTY_MEMBERSHIP, voters: setup.voters ?? [1, 2, 3], ...setup.membership }
    const options = { ...DEFAULTS, id: setup.id ?? 1, ...setup.options }
    this.raft = new RaftNode(options, storage, { hardState: storage.hardState, membership, appliedIndex })
  }

  get term(): number {
    return this.raft.term
  }

  /** (term/index) of the node's whole log, unstable entries included. */
  get log(): string {
    const { firstIndex, lastIndex } = this.raft.status()
    const parts: string[] = []
    for (let index = firstIndex; index <= lastIndex; index++) parts.push(`${this.raft.termOf(index)}/${index}`)
    return parts.join(' ')
  }

  /** Does all there is to do and returns the messages for others. */
  drain(): Message[] {
    const messages: Message[] = []
    for (let i = 0; this.raft.hasReady(); i++) {
      assert(i < 100, 'the node never runs out of work')
      messages.push(...this.handleReady())
    }
    return messages
  }

  /** One Ready, completely. */
  handleReady(): Message[] {
    const ready = this.raft.ready()
    this.readies.push(ready)
    this.reads.push(...ready.readStates)
    if (ready.mode === 'sync') {
      this.persist(ready)
      for (const one of ready.committedEntries) this.apply(one)
      this.raft.advance()
      return [...ready.messages]
    }
    const messages = [...ready.messages]
    if (ready.append !== undefined) messages.push(...this.finishWrite(ready.append))
    if (ready.apply !== undefined) this.finishApplying(ready.apply.entries)
    return messages
  }

  /** Asynchronous mode: takes a Ready and does nothing about it. */
  takeReady(): AsyncReady {
    const ready = this.raft.ready()
    assert(ready.mode === 'async', 'only asynchronous storage can wait')
    this.readies.push(ready)
    this.reads.push(...ready.readStates)
    return ready
  }

  persist(work: Pick<AppendWork, 'hardState' | 'entries' | 'snapshot'>): void {
    if (work.hardState !== undefined) this.storage.hardState = work.hardState
    if (work.snapshot !== undefined) this.storage.applySnapshot(work.snapshot)
    this.storage.append(work.entries)
  }

  finishWrite(work: AppendWork): Message[] {
    this.persist(work)
    const messages: Message[] = []
    for (const message of work.responses) {
      if (message.to === this.raft.id) this.raft.step(message)
      else messages.push(message)
    }
    if (work.ack !== undefined) this.raft.appended(work.ack)
    return messages
  }

  finishApplying(entries: readonly Entry[]): void {
    for (const one of entries) this.apply(one)
    this.raft.applied((entries[entries.length - 1] as Entry).index)
  }

  apply(one: Entry): void {
    this.applied.push(one)
    if (one.type === 'normal') return
    const decoded = decodeMembershipChange(one.data)
    assert(decoded.ok, `membership entry ${one.index} cannot be read`)
    this.raft.applyMembership(decoded.value)
  }

  step(...messages: Message[]): void {
    for (const message of messages) this.raft.step(message)
  }

  tick(count: number): void {
    for (let i = 0; i < count; i++) this.raft.tick()
  }

  /** Wins an election with the votes of `voters` and returns what the new leader sends first. */
  elect(...voters: number[]): Message[] {
    this.raft.campaign()
    this.drain()
    if (this.raft.role === 'pre-candidate') {
      this.step(...voters.map((from) => voteReply(from, this.raft.id, this.term + 1, true, 'PreVoteReply')))
      this.drain()
    }
    this.step(...voters.map((from) => voteReply(from, this.raft.id, this.term, true)))
    assert(this.raft.isLeader, `${this.raft.id} is ${this.raft.role} after its election`)
    return this.drain()
  }

  /** Elected, and its first entry acknowledged by `voters`, so that their logs match and it has committed in its term. */
  lead(...voters: number[]): this {
    this.elect(...voters)
    this.acknowledge(this.raft.lastIndex, ...voters)
    this.drain()
    return this
  }

  acknowledge(index: number, ...followers: number[]): void {
    this.step(...followers.map((from) => appendReply(from, this.raft.id, this.term, index)))
  }

  propose(...texts: string[]): ReturnType<RaftNode['propose']> {
    return this.raft.propose(texts.map((text) => utf8Encode(text)))
  }
}

export function entry(index: number, term: number, text = ''): Entry {
  return { index, term, type: 'normal', data: utf8Encode(text) }
}

/** AppendEntries whose entries follow (prevIndex, prevTerm) with the given terms. */
export function append(
  from: number,
  to: number,
  term: number,
  [prevIndex, prevTerm]: readonly [number, number],
  terms: readonly number[] = [],
  leaderCommit = 0,
): Message {
  const entries = terms.map((one, i) => entry(prevIndex + 1 + i, one))
  return {
    type: 'AppendEntries',
    from,
    to,
    term,
    prevLogIndex: prevIndex,
    prevLogTerm: prevTerm,
    entries,
    leaderCommit,
  }
}

export function appendReply(from: number, to: number, term: number, index: number): Message {
  return { type: 'AppendEntriesReply', from, to, term, index, rejected: false, hintIndex: 0, hintTerm: 0 }
}

export function rejection(
  from: number,
  to: number,
  term: number,
  index: number,
  [hintIndex, hintTerm]: readonly [number, number],
): Message {
  return { type: 'AppendEntriesReply', from, to, term, index, rejected: true, hintIndex, hintTerm }
}

export function heartbeat(from: number, to: number, term: number, commitIndex = 0, readId = 0): Message {
  return { type: 'Heartbeat', from, to, term, commitIndex, readId }
}

export function heartbeatReply(from: number, to: number, term: number, readId = 0): Message {
  return { type: 'HeartbeatReply', from, to, term, readId }
}

export function voteRequest(
  from: number,
  to: number,
  term: number,
  [lastLogIndex, lastLogTerm]: readonly [number, number],
  {
    type = 'RequestVote',
    leadershipTransfer = false,
  }: { type?: 'RequestVote' | 'PreVote'; leadershipTransfer?: boolean } = {},
): Message {
  return { type, from, to, term, lastLogIndex, lastLogTerm, leadershipTransfer }
}

export function voteReply(
  from: number,
  to: number,
  term: number,
  granted: boolean,
  type: 'RequestVoteReply' | 'PreVoteReply' = 'RequestVoteReply',
): Message {
  return { type, from, to, term, granted, commitIndex: 0, commitTerm: 0 }
}

export function change(
  operations: readonly MembershipOperation[],
  transition: MembershipChange['transition'] = 'auto',
): MembershipChange {
  return { transition, operations, context: EMPTY_BYTES }
}

/** The messages of one type, each with the fields of that type. */
export function ofType<T extends MessageType>(messages: readonly Message[], type: T): (Message & { type: T })[] {
  return messages.filter((message): message is Message & { type: T } => message.type === type)
}

/** The only message of a type. */
export function only<T extends MessageType>(messages: readonly Message[], type: T): Message & { type: T } {
  const found = ofType(messages, type)
  assert(
    found.length === 1,
    `${found.length} messages of type ${type} among ${messages.map((one) => one.type).join(', ')}`,
  )
  return found[0] as Message & { type: T }
}

/** Asks for a read where that must work, and returns its id. */
export function askedId(node: TestNode): number {
  const asked = node.raft.readIndex()
  assert(asked.ok, JSON.stringify(asked))
  return asked.readId
}
