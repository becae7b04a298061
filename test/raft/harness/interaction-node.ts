/** One node of the interaction harness: a RaftNode with its storage, its history of snapshots and its two storage threads. */
import { assert, utf8Encode } from '../../../src/base/index.ts'
import {
  type AppendWork,
  decodeMembershipChange,
  EMPTY_MEMBERSHIP,
  type Entry,
  type MembershipState,
  RaftNode,
  type RaftOptions,
  type SnapshotMeta,
} from '../../../src/raft/index.ts'
import type { Arguments } from './data-file.ts'
import { configurationText, hex } from './format.ts'
import { MemoryLog, NO_SNAPSHOT } from './memory-log.ts'
import type { Output } from './output.ts'

export const ELECTION_TICKS = 3
export const HEARTBEAT_TICKS = 1
const INFLIGHT_MAX = 2 ** 31 - 1

export class InteractionNode {
  readonly id: number
  readonly isAsync: boolean
  readonly storage = new MemoryLog()
  readonly history: SnapshotMeta[]
  readonly appendWork: AppendWork[] = []
  readonly applyWork: (readonly Entry[])[] = []
  readonly raft: RaftNode

  constructor(id: number, args: Arguments, output: Output) {
    this.id = id
    this.isAsync = args.boolean('async-storage-writes') ?? false
    const bootstrap = bootstrapSnapshot(args)
    if (bootstrap !== undefined) this.storage.applySnapshot(bootstrap)
    this.history = [bootstrap ?? NO_SNAPSHOT]
    this.storage.offer = () => this.newestSnapshot
    const options: RaftOptions = {
      id,
      electionTicks: ELECTION_TICKS,
      heartbeatTicks: HEARTBEAT_TICKS,
      preVote: args.boolean('prevote') ?? false,
      checkQuorum: args.boolean('checkquorum') ?? false,
      readMode: args.value('read-only') === 'lease-based' ? 'lease' : 'safe',
      asyncStorage: this.isAsync,
      maxMessageBytes: Number.POSITIVE_INFINITY,
      maxInflightMessages: args.number('inflight') ?? INFLIGHT_MAX,
      maxInflightBytes: Number.POSITIVE_INFINITY,
      maxUncommittedBytes: Number.POSITIVE_INFINITY,
      maxCommittedBytesPerReady: args.number('max-committed-size-per-ready') ?? Number.POSITIVE_INFINITY,
      forwardProposals: true,
      forwardReads: true,
      validateMembership: !(args.boolean('disable-conf-change-validation') ?? false),
      stepDownOnRemoval: args.boolean('step-down-on-removal') ?? false,
      batchAppends: false,
      quietCommits: false,
      // Any source passes: the files let time pass only on leaders, or after fixing the timeout.
      random: { below: (bound) => Math.min(id, bound - 1) },
      trace: (event) => {
        if (event.kind === 'membership-switched') {
          output.info(`${hex(id)} switched to configuration ${configurationText(event.membership)}`)
        }
      },
    }
    this.raft = new RaftNode(options, this.storage, {
      hardState: this.storage.hardState,
      membership: this.storage.snapshotStored.membership,
      appliedIndex: this.storage.snapshotStored.index,
    })
  }

  get newestSnapshot(): SnapshotMeta {
    return this.history[this.history.length - 1] as SnapshotMeta
  }

  persist(work: Pick<AppendWork, 'hardState' | 'entries' | 'snapshot'>): void {
    if (work.hardState !== undefined) this.storage.hardState = work.hardState
    if (work.snapshot === undefined) {
      this.storage.append(work.entries)
      return
    }
    assert(work.entries.length === 0, "can't apply snapshot and entries at the same time")
    this.storage.applySnapshot(work.snapshot)
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const membership = entry.type === 'normal' ? undefined : this.#applyMembership(entry)
      this.history.push({
        index: entry.index,
        term: entry.term,
        membership: membership ?? this.newestSnapshot.membership,
      })
    }
  }

  #applyMembership(entry: Entry): MembershipState {
    const decoded = decodeMembershipChange(entry.data)
    assert(decoded.ok, `membership entry ${entry.index} cannot be read`)
    return this.raft.applyMembership(decoded.value)
  }

  /** (index, term) of everything in the node's own view of its log, from the one before the first entry on. */
  logView(): readonly string[] {
    const { firstIndex, lastIndex } = this.raft.status()
    const view: string[] = []
    for (let index = firstIndex - 1; index <= lastIndex; index++) view.push(`${this.raft.termOf(index)}/${index}`)
    return view
  }
}

function bootstrapSnapshot(args: Arguments): SnapshotMeta | undefined {
  const voters = args.numbers('voters')
  const learners = args.numbers('learners')
  const index = args.number('index')
  if (voters === undefined && learners === undefined && index === undefined) return undefined
  assert(index !== undefined && index > 1, 'index must be specified as > 1 due to bootstrap')
  return {
    index,
    term: 1,
    membership: { ...EMPTY_MEMBERSHIP, voters: voters ?? [], learners: learners ?? [] },
  }
}

export function bytesOf(text: string): Uint8Array {
  return utf8Encode(text)
}
