import type { Shard, StoreId } from '../../shard-map/index.ts'
import { assert, type Clock, type EventSink } from '../base/index.ts'
import { encodeSnapshotItem, type SnapshotItem } from '../protocol/index.ts'
import type { Message } from '../raft/index.ts'
import { type DataStore, DataStoreError, type KeyRange, type SnapshotImport } from '../storage/index.ts'
import type { Transport } from '../transport/index.ts'
import type { ByteBudget } from './byte-budget.ts'
import { dataRange } from './initial-state.ts'
import { hull, rangesOverlap } from './ranges.ts'
import type { Replica } from './replica.ts'
import { decodeStateRecord, encodeDescriptor, encodeStateRecord, type StateRecord } from './state-record.ts'

/**
 * Receives snapshots: chunks go to a staging area as they come; when all are there and sound, the Raft core is asked whether it wants
 * them; only then is the replica's state replaced. A transfer that breaks off leaves nothing behind. Each acknowledgement of a chunk is credit for another: it
 * comes when the chunk is stored and the store's budget allows for it. Only a few transfers run at once; others are told to come later.
 */
const INCOMING_MAX = 2

interface Incoming {
  readonly store: StoreId
  readonly transfer: number
  readonly replica: Replica
  readonly from: number
  readonly term: number
  readonly sink: SnapshotImport
  expected: number
  /** Chunks are written one after the other. */
  work: Promise<void>
}

/** A complete snapshot that waits for the core's decision. */
export interface ReceivedSnapshot {
  readonly record: StateRecord
  readonly from: number
  readonly term: number
  /** Replaces the replica's data; resolves when that is durable. */
  install(): Promise<void>
  /** Tells the sender that it is in place. */
  confirm(): void
  discard(): void
}

export class SnapshotReceiver {
  readonly #data: DataStore
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #budget: ByteBudget
  readonly #events: EventSink
  readonly #findReplica: (group: number) => Replica | undefined
  readonly #received: (replica: Replica, snapshot: ReceivedSnapshot) => void
  readonly #receive: (replica: Replica, message: Message) => void
  readonly #refuseShard: (replica: Replica, record: StateRecord) => string | undefined
  readonly #displace: (replica: Replica, covered: KeyRange) => Promise<() => void>
  readonly #incoming = new Map<number, Incoming>()
  /** Whole snapshots that were accepted here and are not in place yet: no other group may have keys of their ranges meanwhile. */
  readonly #promised = new Map<number, KeyRange>()

  constructor(
    data: DataStore,
    transport: Transport,
    events: EventSink,
    findReplica: (group: number) => Replica | undefined,
    received: (replica: Replica, snapshot: ReceivedSnapshot) => void,
    receive: (replica: Replica, message: Message) => void,
    refuseShard: (replica: Replica, record: StateRecord) => string | undefined,
    displace: (replica: Replica, covered: KeyRange) => Promise<() => void>,
    clock: Clock,
    budget: ByteBudget,
  ) {
    this.#clock = clock
    this.#budget = budget
    this.#data = data
    this.#transport = transport
    this.#events = events
    this.#findReplica = findReplica
    this.#received = received
    this.#receive = receive
    this.#refuseShard = refuseShard
    this.#displace = displace
  }

  /** Snapshots on their way in. */
  get active(): number {
    return this.#incoming.size
  }

  /** The other group whose snapshot, with keys of this range, is about to be put in place. */
  promisedTo(shard: Shard): number | undefined {
    for (const [group, range] of this.#promised) if (group !== shard.id && rangesOverlap(range, shard)) return group
    return undefined
  }

  /** The replica goes. */
  stop(replica: Replica): void {
    const incoming = this.#incoming.get(replica.group)
    if (incoming?.replica === replica) this.#drop(incoming, 'the replica is gone')
  }

  handle(store: StoreId, item: Exclude<SnapshotItem, { kind: 'acknowledged' }>): void {
    if (item.kind === 'begin') {
      this.#begin(store, item)
      return
    }
    const incoming = [...this.#incoming.values()].find(
      (candidate) => candidate.store === store && candidate.transfer === item.transfer,
    )
    if (incoming === undefined) {
      if (item.kind !== 'aborted') this.#abort(store, item.transfer, 'this transfer is not known here')
      return
    }
    switch (item.kind) {
      case 'chunk':
        if (item.sequence !== incoming.expected) {
          this.#drop(incoming, `chunk ${item.sequence} came where ${incoming.expected} was expected`)
          return
        }
        incoming.expected++
        this.#then(incoming, async () => {
          await incoming.sink.write(item.bytes)
          this.#credit(incoming, item.sequence, item.bytes.length)
        })
        return
      case 'end':
        if (item.chunks !== incoming.expected) {
          this.#drop(incoming, `the sender counts ${item.chunks} chunks, ${incoming.expected} came`)
          return
        }
        this.#then(incoming, () => this.#finish(incoming, item.chunks))
        return
      case 'aborted':
        this.#drop(incoming, `the sender gave up: ${item.reason}`, true)
    }
  }

  close(): void {
    for (const incoming of this.#incoming.values()) this.#drop(incoming, 'the store is stopping')
  }

  #begin(store: StoreId, item: Extract<SnapshotItem, { kind: 'begin' }>): void {
    const replica = this.#findReplica(item.group)
    if (replica === undefined || replica.id !== item.to) {
      this.#abort(store, item.transfer, `there is no replica ${item.to} of group ${item.group} here`)
      return
    }
    const promised = decodeStateRecord(item.state)
    if (replica.installing || item.term < replica.raft.term || item.index <= replica.raft.commitIndex) {
      if (!replica.installing && typeof promised !== 'string') this.#tellPosition(replica, item, promised)
      this.#abort(store, item.transfer, 'the snapshot is not needed')
      return
    }
    const refusal = typeof promised === 'string' ? promised : this.#refuseShard(replica, promised)
    if (refusal !== undefined) {
      this.#failed(item.group, store, refusal)
      this.#abort(store, item.transfer, refusal)
      return
    }
    const running = this.#incoming.get(item.group)
    if (running === undefined && this.#incoming.size >= INCOMING_MAX) {
      this.#abort(store, item.transfer, `${INCOMING_MAX} snapshots are arriving here already`)
      return
    }
    if (running !== undefined) this.#drop(running, 'replaced by a newer transfer')
    this.#incoming.set(item.group, {
      store,
      transfer: item.transfer,
      replica,
      from: item.from,
      term: item.term,
      sink: this.#data.importSnapshot(item.group),
      expected: 0,
      work: Promise.resolve(),
    })
  }

  /**
   * The core passes the snapshot by and answers where it is. Without that the leader would offer the same one for ever: it knows only what this
   * replica had before it was founded by the map, for example.
   */
  #tellPosition(replica: Replica, item: Extract<SnapshotItem, { kind: 'begin' }>, record: StateRecord): void {
    const { appliedTerm: term, membership } = record
    const snapshot = { index: item.index, term, membership }
    this.#receive(replica, { type: 'InstallSnapshot', from: item.from, to: replica.id, term: item.term, snapshot })
  }

  #credit(incoming: Incoming, sequence: number, bytes: number): void {
    const { store, transfer, replica } = incoming
    const give = (): void => {
      if (this.#incoming.get(replica.group) === incoming)
        this.#reply(store, { kind: 'acknowledged', transfer, sequence })
    }
    const waitMs = this.#budget.reserve(bytes)
    if (waitMs === 0) give()
    else this.#clock.after(waitMs, give)
  }

  /** Runs `step` after the steps before it; the first that fails ends the transfer. */
  #then(incoming: Incoming, step: () => Promise<void>): void {
    incoming.work = incoming.work.then(async () => {
      if (this.#incoming.get(incoming.replica.group) !== incoming) return
      try {
        await step()
      } catch (error) {
        // Damaged chunks and full disks end here; the sender hears of it and the core asks again later. The rest are bugs, which end the process.
        if (!(error instanceof DataStoreError)) throw error
        this.#drop(incoming, error.message)
      }
    })
  }

  async #finish(incoming: Incoming, chunks: number): Promise<void> {
    const { replica, sink } = incoming
    const record = decodeStateRecord(await sink.finish())
    if (this.#incoming.get(replica.group) !== incoming) return
    if (typeof record === 'string') {
      this.#drop(incoming, record)
      return
    }
    // What else lives here may have changed since the transfer began.
    const refusal = this.#refuseShard(replica, record)
    if (refusal !== undefined) {
      this.#drop(incoming, refusal)
      return
    }
    this.#incoming.delete(replica.group)
    const promised = dataRange(record.shard)
    this.#promised.set(replica.group, promised)
    const settled = (): void => {
      if (this.#promised.get(replica.group) === promised) this.#promised.delete(replica.group)
    }
    const descriptor = encodeDescriptor({ ...record, replica: replica.id })
    const state = encodeStateRecord(record.appliedIndex, record.appliedTerm, descriptor, record.machine)
    this.#received(replica, {
      record: { ...record, replica: replica.id },
      from: incoming.from,
      term: incoming.term,
      install: async () => {
        // Also what the replica had beyond the snapshot's range: nobody else here owns it.
        const covered = hull(dataRange(replica.shard), dataRange(record.shard))
        const buryDisplaced = await this.#displace(replica, covered)
        await sink.install(covered, state)
        buryDisplaced()
      },
      confirm: () => {
        settled()
        this.#events.emit({
          type: 'snapshot_installed',
          group: replica.group,
          index: record.appliedIndex,
          peer: incoming.store,
        })
        this.#reply(incoming.store, { kind: 'acknowledged', transfer: incoming.transfer, sequence: chunks })
      },
      discard: () => {
        settled()
        this.#abort(incoming.store, incoming.transfer, 'the snapshot is not needed any more')
        sink.cancel().catch(() => {
          // What a cancelled import leaves behind is swept at the next start.
        })
      },
    })
  }

  #drop(incoming: Incoming, reason: string, silent = false): void {
    if (this.#incoming.get(incoming.replica.group) !== incoming) return
    this.#incoming.delete(incoming.replica.group)
    this.#failed(incoming.replica.group, incoming.store, reason)
    if (!silent) this.#abort(incoming.store, incoming.transfer, reason)
    incoming.work
      .then(() => incoming.sink.cancel())
      .catch(() => {
        // What a cancelled import leaves behind is swept at the next start.
      })
  }

  #failed(group: number, peer: StoreId, reason: string): void {
    this.#events.emit({ type: 'snapshot_failed', group, peer, data: { reason } })
  }

  #abort(store: StoreId, transfer: number, reason: string): void {
    this.#reply(store, { kind: 'aborted', transfer, reason: reason.slice(0, 200) })
  }

  #reply(store: StoreId, item: SnapshotItem): void {
    assert(item.kind === 'acknowledged' || item.kind === 'aborted', `a receiver never sends ${item.kind}`)
    this.#transport.send(store, 'bulk', encodeSnapshotItem(item))
    this.#transport.flush()
  }
}
