import type { StoreId } from '../../shard-map/index.ts'
import { type Clock, type EventSink, LIMITS, type Timer } from '../base/index.ts'
import { encodeSnapshotItem, type SnapshotItem } from '../protocol/index.ts'
import type { Message, ReplicaId } from '../raft/index.ts'
import type { DataStore, KeyRange, SnapshotExport } from '../storage/index.ts'
import type { Transport } from '../transport/index.ts'
import type { ByteBudget } from './byte-budget.ts'
import { dataRange } from './initial-state.ts'
import { sameRange } from './ranges.ts'
import type { Replica } from './replica.ts'
import { SnapshotTurns } from './snapshot-turns.ts'
import { decodeStateRecord } from './state-record.ts'

/**
 * Sends snapshots to replicas that fell behind the log. The Raft core only says that one is needed; the contents are read by a worker
 * from one moment of the data store and leave in chunks on the bulk lane, no faster than the store's budget, and never more than a few that the receiver has
 * not acknowledged: its acknowledgements are its credit. A transfer that makes no progress is given up and reported to the core, which asks
 * again later: it restarts from the beginning. One whose receiver has left the group ends at once.
 */
const CHUNKS_UNACKNOWLEDGED_MAX = 16
/**
 * Between two chunks of a transfer others have their turn. How late the pause ends tells how busy they keep the loop: the next ones are longer by several
 * times that, so that a transfer makes way where it would disturb, and never so long that it stands still.
 */
const CHUNK_PAUSE_MS = 1
const CHUNK_PAUSE_MS_MAX = 20
const LATENESS_FACTOR = 4
/** The part of the newest pause in what counts as their usual lateness. */
const LATENESS_NEWEST = 1 / 4
const PROGRESS_TIMEOUT_MS = 15_000
const TRANSFERS_MAX = 2

type InstallSnapshot = Extract<Message, { type: 'InstallSnapshot' }>

interface Transfer {
  readonly id: number
  readonly replica: Replica
  readonly to: ReplicaId
  readonly store: StoreId
  readonly source: SnapshotExport
  readonly range: KeyRange
  /**
   * The log keeps everything after this while the transfer lasts. It is where the core believes the snapshot ends; the snapshot itself may reach further, but
   * the core goes on from here when it has arrived, and would need another one if that were gone.
   */
  readonly holdIndex: number
  acknowledged: number
  sent: number
  ended: boolean
  wakeUp: (() => void) | undefined
  timer: Timer | undefined
}

export class SnapshotSender {
  readonly #data: DataStore
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #events: EventSink
  readonly #wake: (replica: Replica) => void
  readonly #transfers = new Map<number, Transfer>()
  readonly #budget: ByteBudget
  readonly #turns = new SnapshotTurns<Replica>()
  #lastId: number

  /** `firstId`: by chance, because two stores that send to each other tell transfers apart by their ids alone. */
  constructor(
    data: DataStore,
    transport: Transport,
    clock: Clock,
    events: EventSink,
    wake: (replica: Replica) => void,
    budget: ByteBudget,
    firstId: number,
  ) {
    this.#budget = budget
    this.#lastId = firstId
    this.#data = data
    this.#transport = transport
    this.#clock = clock
    this.#events = events
    this.#wake = wake
  }

  get active(): number {
    return this.#transfers.size
  }

  /** The index that compaction must not pass while a follower of this replica is being sent a snapshot. */
  holdIndex(replica: Replica): number {
    let index = Number.MAX_SAFE_INTEGER
    for (const transfer of this.#transfers.values()) {
      if (transfer.replica === replica) index = Math.min(index, transfer.holdIndex)
    }
    return index
  }

  /** Starts the transfer that the core asks for. One that cannot start now is reported as failed; the core tries again. */
  start(replica: Replica, message: InstallSnapshot): void {
    const store = replica.storeOf(message.to)
    for (const transfer of this.#transfers.values()) {
      // The core waits for the newer one by now: a word about this one would make it ask again, and so end that one too, for ever.
      if (transfer.replica === replica && transfer.to === message.to)
        this.#stop(transfer, 'replaced by a newer transfer')
    }
    const isTurn = store !== undefined && this.#turns.isTurnOf(store, replica, this.#clock.nowMs())
    if (!isTurn || this.#transfers.size >= TRANSFERS_MAX) {
      this.#report(replica, message.to, false)
      return
    }
    this.#turns.begins(store, replica)
    const range = dataRange(replica.shard)
    const transfer: Transfer = {
      id: ++this.#lastId,
      replica,
      to: message.to,
      store,
      source: this.#data.exportSnapshot(replica.group, range),
      range,
      holdIndex: message.snapshot.index,
      acknowledged: 0,
      sent: 0,
      ended: false,
      wakeUp: undefined,
      timer: undefined,
    }
    this.#transfers.set(transfer.id, transfer)
    this.#expectProgress(transfer)
    const { group } = replica
    this.#events.emit({ type: 'snapshot_created', group, index: message.snapshot.index, peer: store })
    this.#run(transfer, message).catch((error: unknown) => {
      // Reading the snapshot failed (the database is closing, or a worker died): the transfer is over, the replica is not.
      this.#end(transfer, error instanceof Error ? error.message : String(error))
    })
  }

  /** The receiver has stored a chunk, or, with the number of all chunks, put the whole snapshot in place. */
  acknowledged(store: StoreId, id: number, sequence: number): void {
    const transfer = this.#transfers.get(id)
    if (transfer === undefined || transfer.store !== store) return
    this.#expectProgress(transfer)
    transfer.acknowledged = Math.max(transfer.acknowledged, sequence + 1)
    if (transfer.ended && transfer.acknowledged > transfer.sent) {
      this.#end(transfer, undefined)
    } else {
      transfer.wakeUp?.()
    }
  }

  aborted(store: StoreId, id: number, reason: string): void {
    const transfer = this.#transfers.get(id)
    if (transfer === undefined || transfer.store !== store) return
    this.#turns.refused(store, this.#clock.nowMs())
    this.#end(transfer, `refused by the receiver: ${reason}`)
  }

  /** The group's members are others now: nobody is sent a snapshot who is none any more, because somebody cancelled what was to bring it there. */
  membersChanged(replica: Replica): void {
    for (const transfer of this.#transfers.values()) {
      if (transfer.replica === replica && replica.storeOf(transfer.to) === undefined)
        this.#end(transfer, `replica ${transfer.to} has left the group`)
    }
  }

  /** The replica stepped down or goes away. */
  stop(replica: Replica): void {
    this.#turns.leaves(replica)
    for (const transfer of this.#transfers.values()) {
      if (transfer.replica === replica) this.#end(transfer, 'the replica no longer leads')
    }
  }

  close(): void {
    for (const transfer of this.#transfers.values()) this.#end(transfer, 'the store is stopping')
  }

  async #run(transfer: Transfer, message: InstallSnapshot): Promise<void> {
    const state = await transfer.source.state
    const record = decodeStateRecord(state)
    if (typeof record === 'string') throw new Error(record)
    if (!this.#transfers.has(transfer.id)) return
    // The state is read later than the range was asked for: a split or a merge in between would leave records out, or carry too many.
    if (!sameRange(dataRange(record.shard), transfer.range)) throw new Error('the shard changed its range meanwhile')
    this.#events.emit({
      type: 'snapshot_sending',
      group: transfer.replica.group,
      index: record.appliedIndex,
      peer: transfer.store,
    })
    this.#send(transfer, {
      kind: 'begin',
      transfer: transfer.id,
      group: transfer.replica.group,
      from: message.from,
      to: message.to,
      term: message.term,
      index: record.appliedIndex,
      indexTerm: record.appliedTerm,
      state,
    })
    let lateMs = 0
    while (this.#transfers.has(transfer.id)) {
      const bytes = await transfer.source.next()
      if (!this.#transfers.has(transfer.id)) return
      if (bytes === undefined) {
        transfer.ended = true
        this.#send(transfer, { kind: 'end', transfer: transfer.id, chunks: transfer.sent })
        return
      }
      const pauseMs = Math.min(CHUNK_PAUSE_MS_MAX, CHUNK_PAUSE_MS + LATENESS_FACTOR * lateMs)
      const dueMs = this.#clock.nowMs() + Math.max(pauseMs, this.#budget.reserve(bytes.length))
      await this.#until(transfer, dueMs, () => this.#clock.nowMs() >= dueMs)
      if (!this.#transfers.has(transfer.id)) return
      lateMs += (this.#clock.nowMs() - dueMs - lateMs) * LATENESS_NEWEST
      this.#send(transfer, { kind: 'chunk', transfer: transfer.id, sequence: transfer.sent++, bytes })
      await this.#until(transfer, undefined, () => transfer.sent - transfer.acknowledged < CHUNKS_UNACKNOWLEDGED_MAX)
    }
  }

  /** Waits until `isSo`, which is looked at after each acknowledgement and at `dueMs`, or until the transfer is over. */
  async #until(transfer: Transfer, dueMs: number | undefined, isSo: () => boolean): Promise<void> {
    while (!isSo() && this.#transfers.has(transfer.id)) {
      await new Promise<void>((resolve) => {
        transfer.wakeUp = resolve
        if (dueMs !== undefined) this.#clock.after(Math.max(0, dueMs - this.#clock.nowMs()), resolve)
      })
      transfer.wakeUp = undefined
    }
  }

  #send(transfer: Transfer, item: SnapshotItem): void {
    if (!this.#transport.send(transfer.store, 'bulk', encodeSnapshotItem(item)))
      throw new Error('the connection to the receiver is gone')
    this.#transport.flush()
  }

  #expectProgress(transfer: Transfer): void {
    transfer.timer?.cancel()
    // What a slow budget holds back, here and at the receiver, is no lack of progress.
    const heldBytes = 2 * TRANSFERS_MAX * CHUNKS_UNACKNOWLEDGED_MAX * LIMITS.snapshotChunkBytes
    const patienceMs = PROGRESS_TIMEOUT_MS + (heldBytes * 1000) / this.#budget.bytesPerSecond
    transfer.timer = this.#clock.after(patienceMs, () => this.#end(transfer, 'no progress'))
  }

  /** Ends the transfer and tells everybody, the core too; without a `failure` it has arrived. */
  #end(transfer: Transfer, failure: string | undefined): void {
    if (this.#stop(transfer, failure)) this.#report(transfer.replica, transfer.to, failure === undefined)
  }

  /** The same without a word to the core. False when it had ended before. */
  #stop(transfer: Transfer, failure: string | undefined): boolean {
    if (!this.#transfers.delete(transfer.id)) return false
    transfer.timer?.cancel()
    transfer.source.cancel()
    transfer.wakeUp?.()
    if (failure !== undefined) {
      const aborted: SnapshotItem = { kind: 'aborted', transfer: transfer.id, reason: failure.slice(0, 200) }
      this.#transport.send(transfer.store, 'bulk', encodeSnapshotItem(aborted))
    }
    this.#events.emit({
      type: failure === undefined ? 'snapshot_sent' : 'snapshot_failed',
      group: transfer.replica.group,
      peer: transfer.store,
      data: { chunks: transfer.sent, ...(failure === undefined ? {} : { reason: failure }) },
    })
    return true
  }

  #report(replica: Replica, to: ReplicaId, ok: boolean): void {
    // The core is in the middle of handing out a Ready when a transfer fails to start; it hears of it in the next turn.
    this.#clock.soon(() => {
      replica.raft.reportSnapshot(to, ok)
      this.#wake(replica)
    })
  }
}
