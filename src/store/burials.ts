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
  readonly damaged: ReadonlyMap<number, string>
  /** Nobody may wait for this replica any more. */
  readonly gone: (replica: Replica, reason: string) => void
  /** The log has something to write. */
  readonly writeSoon: () => void
}

const NO_KEYS: KeyRange = { start: '', end: '' }

/** Keys of a group's former replica that are being deleted, or will be. */
interface Burial {
  readonly group: number
  readonly range: KeyRange
  /** Ends with the deletion; undefined as long as it has yet to be asked for. */
  work: Promise<unknown> | undefined
}

export class Burials {
  readonly #options: BurialOptions
  readonly #running = new Set<Burial>()
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
    this.#bury(replica, { replica: replica.id, membership, mergedInto: undefined }, reason)
  }

  /** The group is gone everywhere, and nobody here needs this replica to follow. */
  buryMerged(replica: Replica, into: ShardId): void {
    const { membership } = replica.shard.epoch
    this.#bury(
      replica,
      { replica: replica.id, membership, mergedInto: into },
      `its shard was merged into shard ${into}`,
    )
  }

  #bury(replica: Replica, tombstone: Tombstone, reason: string): void {
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
      await this.#delete(group, range, tombstone)
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

  /** What is left of a replica that does not run because it was damaged. `done` is called when another may begin. */
  buryRemains(group: ShardId, shard: Shard | undefined, tombstone: Tombstone, hasLog: boolean, done: () => void): void {
    const range = shard === undefined ? NO_KEYS : dataRange(shard)
    this.#run(group, range, async () => {
      await this.#delete(group, range, tombstone)
      if (hasLog) this.#options.log.destroy(group)
      const { replica } = tombstone
      this.#options.events.emit({ type: 'replica_removed', group, data: { replica, reason: 'it was damaged' } })
      done()
    })
  }

  /**
   * Another group's replica has taken this one's data in, and the data store has a tombstone in the place of its state already: only the log is
   * left to go, once the state of both is durable.
   */
  forgetMerged(replica: Replica, into: ShardId): void {
    const { group } = replica
    const { data, log } = this.#options
    data.setState(group, encodeTombstone(this.#takenIn(replica, into)))
    this.#run(group, NO_KEYS, async () => {
      await data.flush()
      log.destroy(group)
    })
  }

  /**
   * A snapshot of the shard that took these in is about to be put in place here, over the data of `covered`. They stop at once; what they wrote becomes
   * durable, so that a crash before the snapshot is in place finds them whole. The answer is to be called once it is: it buries what is left.
   *
   * What they had beyond `covered` counts as being deleted from the start. Story: 1. the replica here of a shard that was split elsewhere has the keys of
   * both halves; 2. a snapshot of the shard that took in the left half displaces it; 3. meanwhile a snapshot of the right half finds its range free and is
   * put in place; 4. what was left to bury would be that one's data.
   *
   * That a replica here is damaged is durable before others get its keys, too: it would come back to life with what is theirs.
   *
   * What is being deleted already under the snapshot is gone when the promise resolves: its replica may have been found not to belong here after the
   * snapshot had been accepted.
   */
  async displace(replicas: readonly Replica[], into: ShardId, covered: KeyRange): Promise<() => void> {
    const { data, log, damaged } = this.#options
    const displaced = replicas.map((replica) => {
      const { group, shard } = replica
      // What it had beyond, it had given away without knowing, and whoever has that gets it whole.
      const rest = covered.end === undefined ? NO_KEYS : { start: covered.end, end: shard.end }
      return { burial: this.#begin(group, rest), tombstone: encodeTombstone(this.#takenIn(replica, into)) }
    })
    if (displaced.length > 0 || damaged.size > 0) await data.flush()
    await this.#whenFree(covered)
    return () => {
      for (const { burial, tombstone } of displaced) {
        this.#perform(burial, async () => {
          await data.destroyGroup(burial.group, burial.range, tombstone)
          log.destroy(burial.group)
        })
      }
    }
  }

  /** At the start: the process died after a snapshot was put in place and before those that it displaced had their tombstones. */
  settleMerges(): void {
    for (const taker of [...this.#options.replicas.values()]) {
      for (const { shard } of taker.absorbed) {
        const replica = this.#options.replicas.get(shard)
        if (replica !== undefined && (!replica.isInitialised || rangesOverlap(replica.shard, taker.shard)))
          this.forgetMerged(replica, taker.group)
      }
    }
  }

  /** Ends a replica whose shard was taken in by another; the answer is what is to stand in the place of its state. */
  #takenIn(replica: Replica, into: ShardId): Tombstone {
    const { group } = replica
    const { graves, replicas } = this.#options
    assert(replicas.get(group) === replica, `group ${group} was merged and is not here`)
    const tombstone = { replica: replica.id, membership: replica.shard.epoch.membership, mergedInto: into }
    replicas.delete(group)
    replica.retire()
    replica.queue.clear()
    graves.add(group, tombstone)
    this.#options.gone(replica, `it was merged into shard ${into}`)
    return tombstone
  }

  /** Resolves when nothing is being deleted any more. */
  settled(): Promise<unknown> {
    return this.#work
  }

  #run(group: number, range: KeyRange, work: () => Promise<void>): void {
    this.#perform(this.#begin(group, range), work)
  }

  /** From here on no other replica of the group, and none with keys of the range, may begin. */
  #begin(group: number, range: KeyRange): Burial {
    const burial: Burial = { group, range, work: undefined }
    this.#running.add(burial)
    return burial
  }

  /** One after the other: deletion is for later anyway, and a group may have to be deleted here twice. */
  #perform(burial: Burial, work: () => Promise<void>): void {
    burial.work = this.#work.then(work).then(
      () => {
        this.#options.writeSoon()
        this.#running.delete(burial)
      },
      () => {
        // The data store or the log has told its owner that durability is lost, or is closing: the next start goes on from the tombstone.
      },
    )
    this.#work = burial.work
  }

  /** Resolves when no deletion that was asked for touches the range any more. */
  async #whenFree(range: KeyRange): Promise<void> {
    await Promise.all([...this.#running].filter((burial) => rangesOverlap(burial.range, range)).map(({ work }) => work))
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
