/**
 * Plays one random history of a group: loss, duplication, reordering, partitions, late disks, crashes, membership changes,
 * transfers, snapshots and reads, then heals everything and demands that the group gets on. One seed, one history.
 */
import { assert, EMPTY_BYTES, utf8Encode } from '../../../src/base/index.ts'
import {
  EMPTY_MEMBERSHIP,
  isJoint,
  type MembershipOperation,
  type Message,
  type RaftOptions,
  type SnapshotMeta,
} from '../../../src/raft/index.ts'
import { GroupOracle } from './group-oracle.ts'
import { RandomReplica } from './random-replica.ts'
import { SeededRandom } from './seeded-random.ts'

/** Ids of one digit and of more: order and texts must not depend on it. */
const IDS = [1, 2, 3, 10, 17]
const VOTERS = [1, 2, 10]
const VOUCHERS_MAX = 12

export interface RandomModes {
  readonly asyncStorage: boolean
  readonly preVote: boolean
  readonly checkQuorum: boolean
  readonly batchAppends: boolean
  readonly quietCommits: boolean
}

export class RandomGroup {
  readonly #random: SeededRandom
  readonly #oracle = new GroupOracle()
  readonly #replicas: RandomReplica[] = []
  #network: Message[] = []
  /** A replica nobody reaches at present; 0 for none. */
  #isolated = 0
  #proposals = 0
  readonly #modes: RandomModes
  /** Words that voters gave with reads: they may come to any replica, at any time, more than once. */
  readonly #vouchers: { readonly voter: number; readonly term: number; readonly floor: number }[] = []

  constructor(seed: number, modes: RandomModes) {
    this.#random = new SeededRandom(seed)
    this.#modes = modes
    const bootstrap: SnapshotMeta = { index: 5, term: 1, membership: { ...EMPTY_MEMBERSHIP, voters: VOTERS } }
    this.#oracle.bootstrapped(bootstrap)
    for (const id of IDS) {
      const options = this.#optionsOf(id)
      const start = VOTERS.includes(id) ? bootstrap : undefined
      this.#replicas.push(new RandomReplica(options, start, this.#oracle, (message) => this.#network.push(message)))
    }
  }

  #optionsOf(id: number): RaftOptions {
    return {
      id,
      electionTicks: 6,
      heartbeatTicks: 2,
      preVote: this.#modes.preVote,
      checkQuorum: this.#modes.checkQuorum,
      readMode: 'safe',
      asyncStorage: this.#modes.asyncStorage,
      // Small enough that every limit is met all the time.
      maxMessageBytes: 80,
      maxInflightMessages: 3,
      maxInflightBytes: 200,
      maxUncommittedBytes: 500,
      maxCommittedBytesPerReady: 70,
      forwardProposals: true,
      forwardReads: true,
      validateMembership: true,
      stepDownOnRemoval: true,
      batchAppends: this.#modes.batchAppends,
      quietCommits: this.#modes.quietCommits,
      random: this.#random,
    }
  }

  /** What happened, for a test that wants to know that enough did. */
  get summary(): { committed: number; leaders: number; reads: number; vouched: number } {
    const { committedMax: committed, leadersSeen: leaders, readsAnswered: reads, readsVouched: vouched } = this.#oracle
    return { committed, leaders, reads, vouched }
  }

  /** The wild part. */
  run(steps: number): void {
    for (let i = 0; i < steps; i++) this.#event()
  }

  #event(): void {
    const replica = this.#random.pick(this.#replicas) as RandomReplica
    const dice = this.#random.below(1000)
    if (dice < 405) this.#deliver()
    else if (dice < 420) this.#vouch()
    else if (dice < 640) replica.handleReady(this.#random.chance(0.005))
    else if (dice < 780) replica.finishWrite()
    else if (dice < 870) replica.apply(1 + this.#random.below(4))
    else if (dice < 910) replica.raft.tick()
    else if (dice < 950) this.#propose(replica)
    else if (dice < 970) this.#read(replica)
    else if (dice < 980) this.#changeMembership(replica)
    else this.#disturb(replica)
    replica.observe()
  }

  #disturb(replica: RandomReplica): void {
    const dice = this.#random.below(100)
    if (dice < 20) replica.raft.transferLeader(this.#random.pick(IDS) as number)
    else if (dice < 45) replica.compact(this.#random.below(6))
    else if (dice < 60) replica.crash(this.#random.chance(0.5))
    else if (dice < 75) this.#isolateOrHeal()
    else if (dice < 80) replica.raft.forgetLeader()
    else if (dice < 95) replica.raft.reportUnreachable(this.#random.pick(IDS) as number)
    else replica.raft.campaign()
  }

  /** Long enough, often, for the others to elect and commit, while whoever led goes on believing that it does. */
  #isolateOrHeal(): void {
    if (this.#isolated !== 0) {
      if (this.#random.chance(0.3)) this.#isolated = 0
    } else if (this.#random.chance(0.4)) {
      const leader = this.#random.chance(0.5) ? this.#replicas.find(({ raft }) => raft.isLeader) : undefined
      this.#isolated = leader?.id ?? (this.#random.pick(IDS) as number)
    }
  }

  #deliver(): void {
    if (this.#network.length === 0) return
    const at = this.#random.below(this.#network.length)
    const message = this.#network[at] as Message
    const isCut = this.#isolated !== 0 && (message.from === this.#isolated || message.to === this.#isolated)
    const isLost = isCut || this.#random.chance(0.08)
    const isRepeated = !isLost && this.#random.chance(0.08)
    if (!isRepeated) {
      this.#network[at] = this.#network[this.#network.length - 1] as Message
      this.#network.pop()
    }
    // A network that forgets nothing would fill up with the messages of long ago; some of them must stay, though.
    if (this.#network.length > 60) this.#network.splice(this.#random.below(40), 20)
    if (message.type === 'InstallSnapshot') this.#replica(message.from).raft.reportSnapshot(message.to, !isLost)
    if (!isLost) this.#step(message)
  }

  #replica(id: number): RandomReplica {
    return this.#replicas[IDS.indexOf(id)] as RandomReplica
  }

  #step(message: Message): void {
    const receiver = this.#replica(message.to)
    receiver.raft.step(message)
    receiver.observe()
  }

  #propose(replica: RandomReplica): void {
    const count = 1 + this.#random.below(3)
    const data: Uint8Array[] = []
    for (let i = 0; i < count; i++) data.push(utf8Encode(`p${++this.#proposals}`.padEnd(this.#random.below(40), '.')))
    replica.raft.propose(data)
  }

  #read(replica: RandomReplica): void {
    const asked = replica.raft.readIndex()
    if (asked.ok) this.#oracle.readAsked(replica.id, replica.life, asked.readId)
  }

  /**
   * Somebody gives its word with a read, and all that was given comes to everybody who believes to lead: those who were deposed and do not know it, and those
   * who were elected and know little yet, are few and soon gone, so none of them is passed by.
   */
  #vouch(): void {
    const { id: voter, raft } = this.#random.pick(this.#replicas) as RandomReplica
    this.#vouchers.push({ voter, term: raft.vouchingTerm, floor: this.#oracle.committedMax })
    if (this.#vouchers.length > VOUCHERS_MAX) this.#vouchers.splice(this.#random.below(VOUCHERS_MAX), 1)
    for (const replica of this.#replicas) {
      if (!replica.raft.isLeader) continue
      for (const given of this.#vouchers) {
        const index = replica.raft.vouchedReadIndex(given.voter, given.term)
        if (index !== undefined) this.#oracle.readVouched(index, given.floor)
      }
    }
  }

  #changeMembership(replica: RandomReplica): void {
    if (!replica.raft.isLeader) return
    const leaves = isJoint(replica.raft.membership)
    const operations: MembershipOperation[] = []
    const count = leaves ? 0 : 1 + this.#random.below(3)
    for (let i = 0; i < count; i++) {
      const kind = this.#random.pick(['add-voter', 'add-voter', 'add-learner', 'remove'] as const) as 'add-voter'
      operations.push({ kind, replica: this.#random.pick(IDS) as number })
    }
    const transition = leaves
      ? 'auto'
      : (this.#random.pick(['auto', 'joint-implicit', 'joint-explicit'] as const) as 'auto')
    replica.raft.proposeMembership({ transition, operations, context: EMPTY_BYTES })
  }

  /** Heals everything; the group must elect a leader, commit, and bring all its members to the same state. */
  settle(): void {
    this.#isolated = 0
    const floor = this.#oracle.committedMax
    for (let round = 0; round < 400; round++) {
      for (const replica of this.#replicas) replica.raft.tick()
      this.#pump()
      const leader = this.#replicas.find((replica) => replica.raft.isLeader && this.#leads(replica))
      if (leader === undefined) continue
      const { membership } = leader.raft
      if (isJoint(membership) && !membership.autoLeave) {
        leader.raft.proposeMembership({ transition: 'auto', operations: [], context: EMPTY_BYTES })
      } else if (round % 20 === 0) {
        leader.raft.propose([utf8Encode(`settle ${round}`)])
      }
      this.#pump()
      if (round > 60 && leader.appliedIndex > floor && this.#isEven(leader)) return
    }
    assert(false, `the group did not settle:\n${this.#describe()}`)
  }

  /** The newest leader: an older one may linger outside of the membership. */
  #leads(replica: RandomReplica): boolean {
    return this.#replicas.every((other) => !other.raft.isLeader || other.raft.term <= replica.raft.term)
  }

  #isEven(leader: RandomReplica): boolean {
    const { voters, votersOutgoing, learners } = leader.raft.membership
    const members = [...voters, ...votersOutgoing, ...learners]
    const isEven = (id: number) => this.#replica(id).appliedIndex === leader.raft.lastIndex
    return !isJoint(leader.raft.membership) && members.every(isEven)
  }

  /** Everything that can happen without time passing, happens. */
  #pump(): void {
    for (let i = 0; i < 2000; i++) {
      for (const replica of this.#replicas) {
        replica.handleReady(false)
        while (replica.writing.length > 0) replica.finishWrite()
        while (replica.applying.length > 0) replica.apply(10)
      }
      const messages = this.#network
      this.#network = []
      for (const message of messages) {
        if (message.type === 'InstallSnapshot') this.#replica(message.from).raft.reportSnapshot(message.to, true)
        this.#step(message)
      }
      if (this.#network.length === 0 && !this.#replicas.some((replica) => replica.hasWork)) return
    }
    assert(false, `the group talks without end:\n${this.#describe()}`)
  }

  #describe(): string {
    return this.#replicas
      .map(({ raft }) => {
        const { progress, ...status } = raft.status()
        return `${JSON.stringify(status)} ${JSON.stringify([...progress])}`
      })
      .join('\n')
  }
}
