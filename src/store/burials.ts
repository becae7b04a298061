import type { ReplicaId, Shard, ShardId } from '../../shard-map/index.ts'
import { assert, type Clock, type EventSink } from '../base/index.ts'
import type { DataStore, KeyRange, LogStore } from '../storage/index.ts'
import type { Graves } from './graves.ts'
import { dataRange } from './initial-state.ts'
import { rangesOverlap } from './ranges.ts'
import type { Replica } from './replica.ts'
import { encodeTombstone, type Tombstone } from './tombstone.ts'

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

const NO_KEYS: KeyRange = { start: '', end: '' }

export class Burials {
  readonly #options: BurialOptions
  readonly #running = new Set<{ readonly group: number; readonly range: KeyRange }>()
  #work: Promise<unknown> = Promise.resolve()

  constructor(options: BurialOptions) {
    this.#options = options
  }

  /** Whether the group's replica here is being deleted: until that ends, no other may begin. */
  isRunning(group: number): boolean {
    for (const running of this.#running) if (running.group === group) return true
    return false
  }

  /** Whether keys of this range are being deleted. */
  overlaps(range: KeyRange): boolean {
    for (const running of this.#running) if (rangesOverlap(running.range, range)) return true
    return false
  }

  /** Takes the replica out of service now and deletes what it has. A replica that is being installed is left alone; ask again later. */
  bury(replica: Replica, membership: number, reason: string): void {
    const { group } = replica
    if (replica.installing || this.#options.replicas.get(group) !== replica) return
    const range = dataRange(replica.shard)
    this.#options.replicas.delete(group)
    replica.retire()
    this.#options.events.emit({ type: 'replica_removed', group, data: { replica: replica.id, reason } })
    this.#options.gone(replica, reason)
    // The turn that found out may still be applying entries of this replica.
    const over = this.#soon().then(() => replica.queue.clear())
    this.#run(group, range, async () => {
      await over
      await this.#delete(group, range, { replica: replica.id, membership, mergedInto: undefined })
      this.#options.log.destroy(group)
    })
  }

  /**
   * A shard was split off here whose replica had been removed before: its part of the data goes. The parent's state, which must be in the data store
   * by now, becomes durable first, or a crash would bring back a parent with a hole.
   */
  dispose(shard: Shard, replica: ReplicaId): void {
    const { id: group } = shard
    const range = dataRange(shard)
    this.#run(group, range, async () => {
      await this.#options.data.flush()
      const tombstone = { replica, membership: shard.epoch.membership, mergedInto: undefined }
      const known = this.#options.graves.of(group)
      await this.#delete(group, range, known !== undefined && known.replica >= replica ? known : tombstone)
    })
  }

  /**
   * Another group's replica has taken this one's data in, and the data store has a tombstone in the place of its state already: only the log is
   * left to go, once the state of both is durable.
   */
  forgetMerged(replica: Replica, into: ShardId): void {
    const { group } = replica
    const { data, log, graves, replicas } = this.#options
    assert(replicas.get(group) === replica, `group ${group} was merged and is not here`)
    replicas.delete(group)
    replica.retire()
    replica.queue.clear()
    graves.add(group, { replica: replica.id, membership: replica.shard.epoch.membership, mergedInto: into })
    this.#options.gone(replica, `it was merged into shard ${into}`)
    this.#run(group, NO_KEYS, async () => {
      await data.flush()
      log.destroy(group)
    })
  }

  /** Resolves when nothing is being deleted any more. */
  settled(): Promise<unknown> {
    return this.#work
  }

  /** One after the other: deletion is for later anyway, and a group may have to be deleted here twice. */
  #run(group: number, range: KeyRange, work: () => Promise<void>): void {
    const running = { group, range }
    this.#running.add(running)
    this.#work = this.#work.then(work).then(
      () => {
        this.#options.writeSoon()
        this.#running.delete(running)
      },
      () => {
        // The data store or the log has told its owner that durability is lost, or is closing: the next start goes on from the tombstone.
      },
    )
  }

  async #delete(group: number, range: KeyRange, tombstone: Tombstone): Promise<void> {
    await this.#options.data.destroyGroup(group, range, encodeTombstone(tombstone))
    this.#options.graves.add(group, tombstone)
  }

  #soon(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.soon(resolve)
    })
  }
}
