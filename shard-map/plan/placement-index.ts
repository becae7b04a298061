/**
 * Everything that planners look at, kept up to date piece by piece, so that a round never visits all shards: per store what it leads and holds
 * and what it will hold once running operators are done, and the shards that some planner may want to do something about. Who feeds it calls
 * `setStore`, `setShard`, `begin` and `end`; each costs what the shard's replicas cost, except that a store's new labels are taken in shard by
 * shard. Nothing here decides.
 */

import type { Key, Shard, ShardId, StoreId } from '../types.ts'
import { shardBytes } from '../written-size.ts'
import { IndexedSet } from './indexed-set.ts'
import { sharingOf } from './isolation.ts'
import type { PlannedOperator } from './operator.ts'
import { classesOf, type Hold, type IndexedShard, isDataShard, ShardEntry } from './shard-entry.ts'
import { opsPerSecond, type PlanSettings, type ShardStatistics, type StoreStatistics } from './statistics.ts'
import { type IndexedStore, StoreLoad } from './store-load.ts'

export class PlacementIndex {
  readonly settings: PlanSettings
  readonly #stores = new Map<StoreId, StoreLoad>()
  readonly #shards = new Map<ShardId, ShardEntry>()
  readonly #starts = new Map<Key, ShardEntry>()
  readonly #labelNumbers = new Map<string, number>()
  readonly #irregular = new IndexedSet<IndexedShard>()
  readonly #large = new IndexedSet<IndexedShard>()
  readonly #busy = new IndexedSet<IndexedShard>()
  readonly #small = new IndexedSet<IndexedShard>()
  readonly #sharing = new Map<number, IndexedSet<IndexedShard>>()
  #mapBytes = 0

  constructor(settings: PlanSettings) {
    this.settings = settings
  }

  /** Shards with too few, too many or failing replicas, learners, or unfinished membership changes. */
  get irregular(): IndexedSet<IndexedShard> {
    return this.#irregular
  }

  get large(): IndexedSet<IndexedShard> {
    return this.#large
  }

  get busy(): IndexedSet<IndexedShard> {
    return this.#busy
  }

  get small(): IndexedSet<IndexedShard> {
    return this.#small
  }

  get shardCount(): number {
    return this.#shards.size
  }

  /** Without the placement driver's own. */
  get dataShardCount(): number {
    return this.#starts.size
  }

  /** What the shards take where the whole map is written: for whoever would make it larger than others can take it in. */
  get mapBytes(): number {
    return this.#mapBytes
  }

  stores(): Iterable<IndexedStore> {
    return this.#stores.values()
  }

  store(id: StoreId): IndexedStore | undefined {
    return this.#stores.get(id)
  }

  shard(id: ShardId): IndexedShard | undefined {
    return this.#shards.get(id)
  }

  /** The shard whose first key is `key`. */
  shardFrom(key: Key): IndexedShard | undefined {
    return this.#starts.get(key)
  }

  /** Shards whose replicas share labels, in classes of equal sharing and number of replicas, the worst first. */
  sharingClasses(): readonly {
    readonly sharing: number
    readonly replicas: number
    readonly shards: IndexedSet<IndexedShard>
  }[] {
    const classes = [...this.#sharing].map(([name, shards]) => ({
      sharing: Math.floor(name / REPLICAS_MAX),
      replicas: name % REPLICAS_MAX,
      shards,
    }))
    return classes.sort((a, b) => b.sharing - a.sharing || b.replicas - a.replicas)
  }

  setStore(statistics: StoreStatistics): void {
    const store = this.#storeOf(statistics.id)
    store.statistics = statistics
    const labelValues = this.settings.isolationLabels.map((label) => this.#labelNumber(label, statistics.labels[label]))
    if (labelValues.every((value, i) => value === store.labelValues[i])) return
    store.labelValues = labelValues
    for (const set of [store.led, store.followed]) {
      for (const { shard } of set) this.#classSharing(this.#shards.get(shard.id) as ShardEntry)
    }
  }

  /** Only when no shard has a replica there; otherwise the store stays, unheard of. */
  removeStore(id: StoreId): void {
    const store = this.#stores.get(id)
    if (store === undefined) return
    if (store.led.size + store.followed.size + store.planned.replicas === 0) this.#stores.delete(id)
    else this.setStore(new StoreLoad(id).statistics)
  }

  /** A new shard, or news of a known one. */
  setShard(shard: Shard, statistics: ShardStatistics): void {
    const known = this.#shards.get(shard.id)
    const entry = known ?? new ShardEntry(shard, statistics)
    const hadShard = entry.shard
    const leader = this.#leaderOf(shard, statistics)
    const isMoved = known === undefined || hadShard.replicas !== shard.replicas || leader !== entry.leader
    this.#count(entry, -1)
    if (known !== undefined && isMoved) unlist(entry)
    if (known === undefined) this.#mapBytes += shardBytes(shard)
    else if (hadShard !== shard) this.#mapBytes += shardBytes(shard) - shardBytes(hadShard)
    entry.shard = shard
    entry.statistics = statistics
    entry.ops = exact(opsPerSecond(statistics))
    entry.writes = exact(statistics.writesPerSecond)
    if (known === undefined) this.#shards.set(shard.id, entry)
    if (known === undefined || hadShard.start !== shard.start) this.#setStart(entry, hadShard.start)
    if (isMoved) {
      entry.stores = shard.replicas.map((replica) => this.#storeOf(replica.store))
      entry.leader = leader
      list(entry)
      this.#classSharing(entry)
    }
    this.#place(entry)
    this.#count(entry, 1)
    this.#class(entry)
  }

  removeShard(id: ShardId): void {
    const entry = this.#shards.get(id)
    if (entry === undefined) return
    this.#count(entry, -1)
    unlist(entry)
    this.#mapBytes -= shardBytes(entry.shard)
    if (this.#starts.get(entry.shard.start) === entry) this.#starts.delete(entry.shard.start)
    for (const set of [this.#irregular, this.#large, this.#busy, this.#small]) set.delete(entry)
    this.#leaveSharingClass(entry)
    this.#shards.delete(id)
  }

  /** From now on the operator's shards are taken, and count where it will bring them. */
  begin(operator: PlannedOperator): void {
    this.#engage(operator, 1)
    for (const { shard } of operator.influence) this.#setOperator(shard, operator)
  }

  /** It is done, failed or cancelled; the shards count where they really are. */
  end(operator: PlannedOperator): void {
    this.#engage(operator, -1)
    for (const { shard } of operator.influence) {
      if (this.#shards.get(shard)?.operator === operator) this.#setOperator(shard, undefined)
    }
  }

  /** A held shard is left alone by planners, for instance because an operator of it has just failed. */
  hold(id: ShardId, hold: Hold | undefined): void {
    const entry = this.#shards.get(id)
    if (entry !== undefined) entry.hold = hold
  }

  #setOperator(id: ShardId, operator: PlannedOperator | undefined): void {
    const entry = this.#shards.get(id)
    if (entry === undefined) return
    this.#count(entry, -1)
    entry.operator = operator
    this.#place(entry)
    this.#count(entry, 1)
  }

  /** Where the shard counts. */
  #place(entry: ShardEntry): void {
    const influence = entry.operator?.influence.find(({ shard }) => shard === entry.shard.id)
    entry.plannedStores = influence?.replicas.map((id) => this.#storeOf(id)) ?? entry.stores
    const leader = influence?.leader
    entry.plannedLeader =
      influence === undefined ? entry.leader : leader === undefined ? undefined : this.#storeOf(leader)
    entry.plannedBytes = entry.statistics.bytes
    entry.plannedOps = entry.ops
    entry.plannedWrites = entry.writes
  }

  #count(entry: ShardEntry, sign: 1 | -1): void {
    for (const { planned } of entry.plannedStores) {
      planned.replicas += sign
      planned.bytes += sign * entry.plannedBytes
      planned.writes += sign * entry.plannedWrites
    }
    if (entry.plannedLeader === undefined) return
    const { planned } = entry.plannedLeader
    planned.leaders += sign
    planned.ops += sign * entry.plannedOps
  }

  /** What the operator asks of stores while it runs; the end takes back what the beginning gave. */
  #engage(operator: PlannedOperator, sign: 1 | -1): void {
    const bytes = sign * operator.bytesToSend
    for (const step of operator.steps) {
      switch (step.what) {
        case 'add-learner': {
          const store = this.#storeOf(step.store)
          store.replicaOperators += sign
          store.receiving += sign
          store.receivingBytes += bytes
          break
        }
        case 'remove-learner':
          this.#storeOf(step.store).replicaOperators += sign
          break
        case 'transfer-leader':
          if (operator.kind !== 'transfer-leader') break
          this.#storeOf(step.to).transfers += sign
          break
        default:
          break
      }
    }
  }

  #leaderOf(shard: Shard, { leader }: ShardStatistics): StoreLoad | undefined {
    if (leader === undefined || !shard.replicas.some(({ store }) => store === leader)) return undefined
    return this.#storeOf(leader)
  }

  #storeOf(id: StoreId): StoreLoad {
    let store = this.#stores.get(id)
    if (store === undefined) {
      store = new StoreLoad(id)
      store.labelValues = this.settings.isolationLabels.map(() => 0)
      this.#stores.set(id, store)
    }
    return store
  }

  #labelNumber(label: string, value: string | undefined): number {
    if (value === undefined) return 0
    const name = `${label}=${value}`
    let number = this.#labelNumbers.get(name)
    if (number === undefined) {
      number = this.#labelNumbers.size + 1
      this.#labelNumbers.set(name, number)
    }
    return number
  }

  #setStart(entry: ShardEntry, before: Key): void {
    if (!isDataShard(entry.shard.id)) return
    // A neighbour may have taken the old place already.
    if (this.#starts.get(before) === entry) this.#starts.delete(before)
    this.#starts.set(entry.shard.start, entry)
  }

  #class(entry: ShardEntry): void {
    const classes = classesOf(entry, this.settings)
    put(this.#irregular, entry, classes.irregular)
    put(this.#large, entry, classes.large)
    put(this.#busy, entry, classes.busy)
    put(this.#small, entry, classes.small)
  }

  #classSharing(entry: ShardEntry): void {
    const sharing = sharingOf(entry.stores)
    const name = sharing === 0 ? undefined : sharing * REPLICAS_MAX + Math.min(REPLICAS_MAX - 1, entry.stores.length)
    if (name === entry.sharingClass) return
    this.#leaveSharingClass(entry)
    entry.sharingClass = name
    if (name === undefined) return
    let shards = this.#sharing.get(name)
    if (shards === undefined) {
      shards = new IndexedSet()
      this.#sharing.set(name, shards)
    }
    shards.add(entry)
  }

  #leaveSharingClass(entry: ShardEntry): void {
    if (entry.sharingClass === undefined) return
    const shards = this.#sharing.get(entry.sharingClass)
    shards?.delete(entry)
    if (shards?.size === 0) this.#sharing.delete(entry.sharingClass)
    entry.sharingClass = undefined
  }
}

/** Classes of sharing tell numbers of replicas apart up to this. */
const REPLICAS_MAX = 32

/** A multiple of 1/1024: sums and differences of such numbers are exact, so that no sum depends on its order. */
function exact(rate: number): number {
  return Math.round(rate * 1024) / 1024
}

function put<T>(set: IndexedSet<T>, member: T, isIn: boolean): void {
  if (isIn) set.add(member)
  else set.delete(member)
}

function list(entry: ShardEntry): void {
  for (const store of entry.stores) (store === entry.leader ? store.led : store.followed).add(entry)
}

function unlist(entry: ShardEntry): void {
  for (const store of entry.stores) {
    store.led.delete(entry)
    store.followed.delete(entry)
  }
}
