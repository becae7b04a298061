import type { ShardId } from '../../shard-map/index.ts'
import { assert, type Clock, type EventSink } from '../base/index.ts'
import type { DataStore, KeyRange, LogStore } from '../storage/index.ts'
import type { Graves } from './graves.ts'
import { dataRange } from './initial-state.ts'
import { rangesOverlap } from './ranges.ts'
import type { Replica } from './replica.ts'
import { encodeTombstone } from './tombstone.ts'

/**
 * Ends replicas that do not belong here any more: their data is deleted in slices, a tombstone takes the place of their state, their log goes last.
 * It does not decide who must go; the store does, from an applied membership or from the group's word.
 *
 * A crash, step by step: before the tombstone is durable, the replica comes back at the next start and is found superfluous again. After it, the
 * data store finishes deleting before it opens, and the log without a state is destroyed at the start.
 */
export interface BurialOptions {
  readonly clock: Clock
  readonly events: EventSink
  readonly data: DataStore
  readonly log: LogStore
  readonly graves: Graves
  readonly replicas: Map<number, Replica>
  /** Nobody may wait for this replica any more. */
  readonly gone: (replica: Replica, reason: string) => void
  /** The log has something to write. */
  readonly writeSoon: () => void
}

export class Burials {
  readonly #options: BurialOptions
  readonly #running = new Map<number, KeyRange>()
  #work: Promise<unknown> = Promise.resolve()

  constructor(options: BurialOptions) {
    this.#options = options
  }

  /** Whether the group's replica here is being deleted: until that ends, no other may begin. */
  isRunning(group: number): boolean {
    return this.#running.has(group)
  }

  /** Whether keys of this range are being deleted. */
  overlaps(range: KeyRange): boolean {
    for (const running of this.#running.values()) if (rangesOverlap(running, range)) return true
    return false
  }

  /** Takes the replica out of service now and deletes what it has. A replica that is being installed is left alone; ask again later. */
  bury(replica: Replica, membership: number, reason: string): void {
    const { group } = replica
    if (replica.installing || this.#options.replicas.get(group) !== replica) return
    const range = dataRange(replica.shard)
    this.#running.set(group, range)
    this.#options.replicas.delete(group)
    replica.retire()
    this.#options.events.emit({ type: 'replica_removed', level: 'info', group, data: { replica: replica.id, reason } })
    this.#options.gone(replica, reason)
    // The turn that found out may still be applying entries of this replica.
    this.#work = Promise.all([this.#work, this.#soon().then(() => this.#delete(replica, membership, range))])
  }

  /**
   * Another group's replica has taken this one's data in, and the data store has a tombstone in the place of its state already: only the log is
   * left to go, once the state of both is durable.
   */
  forgetMerged(replica: Replica, into: ShardId): void {
    const { group } = replica
    const { data, log, graves, replicas, writeSoon } = this.#options
    assert(replicas.get(group) === replica, `group ${group} was merged and is not here`)
    this.#running.set(group, { start: '', end: '' })
    replicas.delete(group)
    replica.retire()
    graves.add(group, { replica: replica.id, membership: replica.shard.epoch.membership, mergedInto: into })
    this.#options.gone(replica, `it was merged into shard ${into}`)
    const forget = async (): Promise<void> => {
      await this.#soon()
      replica.queue.clear()
      await data.flush()
      log.destroy(group)
      writeSoon()
      this.#running.delete(group)
    }
    this.#work = Promise.all([this.#work, this.#contain(forget())])
  }

  /** Resolves when nothing is being deleted any more. */
  settled(): Promise<unknown> {
    return this.#work
  }

  async #delete(replica: Replica, membership: number, range: KeyRange): Promise<void> {
    const { data, log, graves, writeSoon } = this.#options
    const { group } = replica
    replica.queue.clear()
    const tombstone = { replica: replica.id, membership, mergedInto: undefined }
    const deleted = data.destroyGroup(group, range, encodeTombstone(tombstone)).then(() => {
      graves.add(group, tombstone)
      log.destroy(group)
      writeSoon()
      this.#running.delete(group)
    })
    await this.#contain(deleted)
  }

  #contain(work: Promise<void>): Promise<void> {
    return work.catch(() => {
      // The data store has told its owner that durability is lost; the process ends, and the next start goes on from the tombstone.
    })
  }

  #soon(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.soon(resolve)
    })
  }
}
