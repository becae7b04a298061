/**
 * Knows everything that ever happened in a random run and says whether Raft's five properties held (Raft, Figure 3), across
 * restarts: election safety, leader append-only and log matching, leader completeness, state machine safety; and that reads
 * are linearizable.
 */
import { assert, bytesToLatin1 } from '../../../src/base/index.ts'
import type { Entry, Message, RaftNode, SnapshotMeta } from '../../../src/raft/index.ts'

export class GroupOracle {
  readonly #leaderOfTerm = new Map<number, number>()
  /** Voter and term -> candidate. */
  readonly #votes = new Map<string, number>()
  /** Index and term -> contents and the term before it: equal keys with equal contents and predecessors are log matching. */
  readonly #entries = new Map<string, string>()
  /** Term of each committed index. */
  readonly #committed = new Map<number, number>()
  #committedMax = 0
  readonly #applied = new Map<number, string>()
  readonly #readFloor = new Map<string, number>()
  /** Counts what happened, so that a run that proves nothing is noticed. */
  readsAnswered = 0
  readsVouched = 0

  get leadersSeen(): number {
    return this.#leaderOfTerm.size
  }

  get committedMax(): number {
    return this.#committedMax
  }

  bootstrapped(snapshot: SnapshotMeta): void {
    this.#committed.set(snapshot.index, snapshot.term)
    this.#committedMax = snapshot.index
  }

  /** After each event of a replica; `committedBefore` is where it was looked at last. */
  observe(raft: RaftNode, committedBefore: number): void {
    for (let index = Math.max(committedBefore, raft.commitIndex - 200) + 1; index <= raft.commitIndex; index++) {
      const term = raft.termOf(index)
      if (term === undefined) continue
      const known = this.#committed.get(index)
      assert(
        known === undefined || known === term,
        `entry ${index} was committed in term ${known}, now in term ${term}`,
      )
      this.#committed.set(index, term)
    }
    this.#committedMax = Math.max(this.#committedMax, raft.commitIndex)
    if (raft.isLeader) this.#observeLeader(raft)
  }

  #observeLeader(raft: RaftNode): void {
    const known = this.#leaderOfTerm.get(raft.term)
    if (known !== undefined) {
      assert(known === raft.id, `term ${raft.term} has two leaders: ${known} and ${raft.id}`)
      return
    }
    this.#leaderOfTerm.set(raft.term, raft.id)
    for (const [index, term] of this.#committed) {
      if (term > raft.term) continue
      const own = raft.termOf(index)
      if (own === undefined && index < raft.commitIndex) continue
      assert(
        own === term,
        `leader ${raft.id} of term ${raft.term} has ${own} where entry ${index} of term ${term} is committed`,
      )
    }
  }

  /** A message leaves a replica. */
  sent(message: Message): void {
    if (message.type === 'RequestVoteReply' && message.granted) {
      const key = `${message.from}/${message.term}`
      const candidate = this.#votes.get(key) ?? message.to
      assert(
        candidate === message.to,
        `${message.from} voted for ${candidate} and ${message.to} in term ${message.term}`,
      )
      this.#votes.set(key, candidate)
    }
    if (message.type === 'AppendEntries') this.#entriesSeen(message.entries, message.prevLogTerm)
  }

  /** Entries became durable somewhere. */
  stored(entries: readonly Entry[], termBefore: number): void {
    this.#entriesSeen(entries, termBefore)
  }

  #entriesSeen(entries: readonly Entry[], termBefore: number): void {
    let before = termBefore
    for (const entry of entries) {
      const key = `${entry.index}/${entry.term}`
      const contents = `after term ${before}: ${entry.type} ${bytesToLatin1(entry.data)}`
      const known = this.#entries.get(key) ?? contents
      assert(known === contents, `entry ${key} is both [${known}] and [${contents}]`)
      this.#entries.set(key, contents)
      before = entry.term
    }
  }

  applied(id: number, entry: Entry): void {
    const contents = `${entry.term} ${entry.type} ${bytesToLatin1(entry.data)}`
    const known = this.#applied.get(entry.index) ?? contents
    assert(known === contents, `${id} applied [${contents}] at ${entry.index} where [${known}] was applied`)
    this.#applied.set(entry.index, contents)
  }

  /** `life` tells the replica's lives between restarts apart. */
  readAsked(id: number, life: number, readId: number): void {
    const key = `${id}/${life}/${readId}`
    assert(!this.#readFloor.has(key), `read ${key} was asked for twice`)
    this.#readFloor.set(key, this.#committedMax)
  }

  /** A read that was asked for when `floor` was committed may run at `index`, by the word of a voter. */
  readVouched(index: number, floor: number): void {
    this.readsVouched += 1
    assert(index >= floor, `a vouched read may run at ${index}, but ${floor} was committed before it was asked for`)
  }

  readAnswered(id: number, life: number, readId: number, index: number): void {
    const floor = this.#readFloor.get(`${id}/${life}/${readId}`)
    // A late answer to a read of a former life: nobody waits for it any more.
    if (floor === undefined) return
    this.readsAnswered += 1
    assert(
      index >= floor,
      `read ${readId} of ${id} may run at ${index}, but ${floor} was committed before it was asked for`,
    )
  }
}
