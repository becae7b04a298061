import type { Shard } from '../../shard-map/index.ts'
import { assert, type Clock, LIMITS } from '../base/index.ts'
import type { MachineData, Needs, StateMachine } from '../machine/index.ts'
import type { Reply } from '../protocol/index.ts'
import { decodeMembershipChange, type Entry } from '../raft/index.ts'
import type { DataKey, DataStore } from '../storage/index.ts'
import type { Call } from './call.ts'
import { answerError } from './call.ts'
import type { Fetcher } from './fetcher.ts'
import { notLeader } from './refusals.ts'
import type { Replica } from './replica.ts'
import { shardWithMembership } from './shard-membership.ts'
import type { TracedWrites } from './traced-writes.ts'

/**
 * Takes committed entries through the state machine, in order and once. What a command must read first is fetched for as many entries
 * as possible in one go; a command that reads a range waits at the head of its queue, because it must see exactly what came before it.
 * A command that only another release knows ends the replica here. The loop calls `run`; a fetch that ends calls back through `wake`.
 */
export class Applier {
  readonly #data: DataStore
  readonly #clock: Clock
  readonly #fetcher: Fetcher
  readonly #wake: (replica: Replica) => void
  readonly #membershipChanged: (replica: Replica, before: Shard) => void
  readonly #changeShard: (replica: Replica, entry: Entry) => Reply | undefined
  readonly #stuck: (replica: Replica, reason: string) => void
  readonly #needs: { keys: DataKey[]; range: Needs['range'] } = { keys: [], range: undefined }
  readonly #view: AppliedView
  readonly #traces: TracedWrites

  constructor(
    data: DataStore,
    clock: Clock,
    fetcher: Fetcher,
    wake: (replica: Replica) => void,
    membershipChanged: (replica: Replica, before: Shard) => void,
    changeShard: (replica: Replica, entry: Entry) => Reply | undefined,
    stuck: (replica: Replica, reason: string) => void,
    traces: TracedWrites,
  ) {
    this.#traces = traces
    this.#data = data
    this.#clock = clock
    this.#fetcher = fetcher
    this.#wake = wake
    this.#membershipChanged = membershipChanged
    this.#changeShard = changeShard
    this.#stuck = stuck
    this.#view = new AppliedView(data)
  }

  /** Applies what can be applied now. Returns whether anything was. */
  run(replica: Replica): boolean {
    let applied = false
    while (!replica.queue.isEmpty && !replica.queue.fetching && !replica.installing && !this.#data.overFull) {
      if (!this.#step(replica)) break
      applied = true
    }
    if (applied) {
      // One state record covers all entries of this turn.
      this.#data.setState(replica.group, replica.stateRecord())
    }
    return applied
  }

  /** Applies a run of entries that need no fetch, or starts a fetch. False when a fetch was started. */
  #step(replica: Replica): boolean {
    const { queue, machine } = replica
    const needs = this.#needs
    needs.keys.length = 0
    needs.range = undefined
    let count = 0
    let bytes = 0
    while (count < queue.length && bytes < LIMITS.applyBytesPerTurnMax) {
      const entry = queue.at(count)
      if (entry.type === 'shard') {
        // It changes the shard and the machine: first apply what stands before it.
        if (count > 0) break
        return this.#applyShardChange(replica, entry)
      }
      if (entry.type === 'normal' && entry.data.length > 0) {
        const strange = machine.unknown?.(entry.data)
        if (strange !== undefined) {
          // Whoever knows it may change data where this replica would not: it must not go on, and another release will from here.
          if (count > 0) break
          this.#stuck(replica, `the log holds at ${entry.index} what cannot be applied: ${strange}`)
          return false
        }
        const keysBefore = needs.keys.length
        machine.needs(entry.data, needs)
        if (needs.range !== undefined) {
          if (count > 0) {
            // It reads a range: first apply what stands before it.
            needs.keys.length = keysBefore
            needs.range = undefined
            break
          }
          this.#fetchRange(replica, needs.range)
          return false
        }
      }
      bytes += entry.data.length
      count++
    }
    if (needs.keys.some((key) => this.#data.peek(key) === undefined)) {
      this.#fetchKeys(replica, needs.keys.slice(), count)
      return false
    }
    this.#apply(replica, count)
    return true
  }

  #fetchKeys(replica: Replica, keys: readonly DataKey[], count: number): void {
    replica.queue.fetching = true
    const epoch = replica.queue.epoch
    this.#fetcher.fetch(keys, (values, offset) => {
      if (replica.queue.epoch !== epoch) return
      replica.queue.fetching = false
      const fetched = this.#view.fetched
      for (let i = 0; i < keys.length; i++) fetched.set(keys[i] as DataKey, values[offset + i])
      this.#applyFetched(replica, count)
    })
  }

  #fetchRange(replica: Replica, range: NonNullable<Needs['range']>): void {
    replica.queue.fetching = true
    const epoch = replica.queue.epoch
    const scan = {
      start: range.start,
      end: range.end,
      reverse: false,
      itemsMax: range.itemsMax,
      bytesMax: Number.MAX_SAFE_INTEGER,
      keysOnly: true,
    }
    this.#data.scan(scan).then(
      (page) => {
        if (replica.queue.epoch !== epoch) return
        replica.queue.fetching = false
        this.#view.rangeKeys = page.items.map((item) => item.key)
        this.#applyFetched(replica, 1)
      },
      (error: unknown) => {
        throw error
      },
    )
  }

  #applyFetched(replica: Replica, count: number): void {
    this.#apply(replica, count)
    this.#view.fetched.clear()
    this.#view.rangeKeys = []
    this.#data.setState(replica.group, replica.stateRecord())
    this.#wake(replica)
  }

  #apply(replica: Replica, count: number): void {
    const { queue } = replica
    const startedMs = this.#clock.nowMs()
    let last: Entry | undefined
    for (let position = 0; position < count; position++) {
      last = queue.at(position)
      this.#applyEntry(replica, last, startedMs)
    }
    queue.drop(count)
    assert(last !== undefined, `group ${replica.group}: applied an empty run`)
    replica.raft.applied(last.index)
  }

  #applyEntry(replica: Replica, entry: Entry, startedMs: number): void {
    replica.appliedTo(entry.index, entry.term)
    if (entry.type !== 'normal') {
      this.#applyMembership(replica, entry)
      return
    }
    if (entry.data.length === 0) {
      replica.writes.applied(entry.index, entry.term, (call) => refuseLost(call, replica))
      return
    }
    this.#view.group = replica.group
    const result = (replica.machine as StateMachine<never>).apply(entry.data, this.#view)
    const call = replica.writes.applied(entry.index, entry.term, (lost) => refuseLost(lost, replica))
    if (call === undefined) return
    replica.load.wrote(entry.data)
    const committedMs = replica.queue.committedMs
    const { request } = call
    if (request.kind === 'write' && request.trace !== undefined)
      this.#traces.applied(replica, entry.index, call, committedMs)
    call.answer({
      kind: 'write',
      result,
      timing: { raftMs: committedMs - call.arrivedMs, applyMs: Math.max(0, startedMs - committedMs) },
      epoch: replica.shard.epoch,
    })
  }

  /** False when it must wait for another replica of this store. */
  #applyShardChange(replica: Replica, entry: Entry): boolean {
    const reply = this.#changeShard(replica, entry)
    if (reply === undefined) return false
    replica.queue.drop(1)
    replica.raft.applied(entry.index)
    replica.writes.applied(entry.index, entry.term, (lost) => refuseLost(lost, replica))?.answer(reply)
    return true
  }

  #applyMembership(replica: Replica, entry: Entry): void {
    const call = replica.writes.applied(entry.index, entry.term, (lost) => refuseLost(lost, replica))
    const change = decodeMembershipChange(entry.data)
    assert(change.ok, `group ${replica.group}: the membership entry at ${entry.index} cannot be read`)
    const before = replica.shard
    const membership = replica.raft.applyMembership(change.value)
    replica.describe(shardWithMembership(replica.shard, membership, change.value), membership)
    call?.answer({ kind: 'shards', shards: [replica.shard] })
    this.#membershipChanged(replica, before)
  }
}

function refuseLost(call: Call, replica: Replica): void {
  answerError(call, notLeader(replica.group, replica.leaderStore))
}

/** The data as a machine sees it: the overlay first, then what was fetched for this run. */
class AppliedView implements MachineData {
  readonly #data: DataStore
  readonly fetched = new Map<DataKey, Uint8Array | undefined>()
  rangeKeys: readonly DataKey[] = []
  group = 0

  constructor(data: DataStore) {
    this.#data = data
  }

  get(key: DataKey): Uint8Array | undefined {
    const known = this.#data.peek(key)
    if (known !== undefined) return known ?? undefined
    assert(this.fetched.has(key), 'a machine reads a key that it did not name')
    return this.fetched.get(key)
  }

  put(key: DataKey, value: Uint8Array): void {
    this.#data.put(this.group, key, value)
  }

  delete(key: DataKey): void {
    this.#data.delete(this.group, key)
  }
}
