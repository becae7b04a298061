import {
  type Hold,
  isStoreOperator,
  PlacementIndex,
  type PlannedOperator,
  type PlanSettings,
  type Shard,
  type ShardId,
  type ShardMap,
  type ShardStatistics,
  type StoreInfo,
} from '../../shard-map/index.ts'
import { type PlacementMachine, rangesMadeBy, shardsOf } from '../machine/index.ts'
import type { Liveness } from './liveness.ts'

/**
 * Keeps the planners' index up to date with what the placement driver's leader knows: the map, heartbeats, and running operators. Only what has changed
 * is taken in, so that a large cluster costs no more than what happens in it. It decides nothing.
 */

/** A shard whose operator failed is left alone for so long, so that nobody tries the same again at once. */
const HOLD_MS = 30_000

/** What balance and people moved lately. A new leader learns it from the last operators only; to move something a little early costs no more than that. */
interface Past {
  lastMoveMs: number | undefined
  lastTransferMs: number | undefined
}

const NO_PAST: Past = { lastMoveMs: undefined, lastTransferMs: undefined }

/** What one look needs; times on two clocks: `nowMs` measures, `wallMs` is what operators were noted with. */
export interface Picture {
  readonly map: ShardMap
  readonly operators: PlacementMachine['operators']
  readonly liveness: Liveness
  readonly settings: PlanSettings
  readonly downAfterMs: number
  readonly nowMs: number
  /** The placement shard is led here. */
  readonly self: string
  /** Is told of shards that were merged away. */
  readonly ended: (shard: ShardId) => void
}

export class DriverIndex {
  #index: PlacementIndex | undefined
  #map: ShardMap | undefined
  #shards = new Map<ShardId, Shard>()
  #stores = new Set<string>()
  readonly #begun = new Map<number, PlannedOperator>()
  readonly #past = new Map<ShardId, Past>()
  readonly #seen = new Set<number>()
  readonly #held = new Map<ShardId, { readonly hold: Hold; readonly untilMs: number }>()
  #learners: PlacementMachine['operators']['wantedLearners'] = []

  /** Everything is taken in anew at the next look. */
  forgetAll(): void {
    this.#index = undefined
    this.#map = undefined
    this.#shards.clear()
    this.#stores.clear()
    this.#begun.clear()
    this.#past.clear()
    this.#seen.clear()
    this.#held.clear()
    this.#learners = []
  }

  /** The index as of now. */
  look(picture: Picture): PlacementIndex {
    if (this.#index?.settings !== picture.settings) this.#forgetAllButHeld()
    this.#index ??= new PlacementIndex(picture.settings)
    const index = this.#index
    this.#takeStores(index, picture)
    const changed = picture.liveness.takeChanged()
    this.#takeHistory(picture, changed)
    this.#takeShards(index, picture, changed)
    this.#takeOperators(index, picture)
    for (const [shard, { hold, untilMs }] of this.#held) {
      const isHeld = untilMs > picture.nowMs
      index.hold(shard, isHeld ? hold : undefined)
      if (!isHeld) this.#held.delete(shard)
    }
    return index
  }

  /** An operator of the shards ended badly. */
  hold(shards: readonly ShardId[], hold: Hold, nowMs: number): void {
    for (const shard of shards) this.#held.set(shard, { hold, untilMs: nowMs + HOLD_MS })
  }

  /** The settings have changed. */
  #forgetAllButHeld(): void {
    const kept = [...this.#held]
    this.forgetAll()
    for (const [shard, held] of kept) this.#held.set(shard, held)
  }

  #takeStores(index: PlacementIndex, { map, liveness, nowMs, downAfterMs }: Picture): void {
    const present = new Set<string>()
    for (const info of map.stores) {
      present.add(info.id)
      const picture = liveness.store(info.id)
      index.setStore({
        id: info.id,
        labels: info.labels,
        state: info.state,
        liveness: liveness.state(info.id, nowMs, downAfterMs),
        weight: weightOf(info),
        capacityBytes: picture?.capacityBytes ?? 0,
        availableBytes: picture?.availableBytes ?? 0,
        snapshots: picture?.snapshots ?? 0,
      })
    }
    for (const id of this.#stores) if (!present.has(id)) index.removeStore(id)
    this.#stores = present
  }

  #takeShards(index: PlacementIndex, picture: Picture, changed: Set<ShardId>): void {
    const { map, liveness } = picture
    if (map !== this.#map) {
      const shards = new Map<ShardId, Shard>()
      for (const shard of map.placement === undefined ? map.shards : [map.placement, ...map.shards]) {
        shards.set(shard.id, shard)
        if (this.#shards.get(shard.id) !== shard) changed.add(shard.id)
      }
      for (const id of this.#shards.keys()) {
        if (shards.has(id)) continue
        index.removeShard(id)
        this.#past.delete(id)
        picture.ended(id)
      }
      this.#shards = shards
      this.#map = map
    }
    if (picture.operators.wantedLearners !== this.#learners) {
      for (const { shard } of [...this.#learners, ...picture.operators.wantedLearners]) changed.add(shard)
      this.#learners = picture.operators.wantedLearners
    }
    for (const id of liveness.troubled) changed.add(id)
    // Its leader sends no heartbeats about it, because that is this store.
    if (map.placement !== undefined) changed.add(map.placement.id)
    for (const id of changed) {
      const shard = this.#shards.get(id)
      if (shard !== undefined) index.setShard(shard, this.#statistics(shard, picture))
    }
  }

  #statistics(shard: Shard, picture: Picture): ShardStatistics {
    const { map, operators, liveness, self, nowMs, downAfterMs } = picture
    const led = liveness.led.get(shard.id)
    const change = operators.rangeChanges.get(shard.id)
    return {
      leader: shard.id === map.placement?.id ? self : led?.leader,
      bytes: led?.bytes ?? 0,
      keys: led?.keys ?? 0,
      readsPerSecond: led?.load.readsPerSecond ?? 0,
      writesPerSecond: led?.load.writesPerSecond ?? 0,
      downReplicas: liveness.downReplicas(shard, nowMs, downAfterMs),
      lostReplicas: liveness.lostReplicas(shard, nowMs, downAfterMs),
      pendingReplicas: led?.behind ?? [],
      wantedLearners: this.#learners.filter((learner) => learner.shard === shard.id).map(({ store }) => store),
      lastSplitMs: change?.kind === 'split' ? change.atMs : undefined,
      lastMergeMs: change?.kind === 'merge' ? change.atMs : undefined,
      ...(this.#past.get(shard.id) ?? NO_PAST),
      keySamples: led?.samples ?? [],
    }
  }

  #takeHistory({ operators }: Picture, changed: Set<ShardId>): void {
    for (const [id, operator] of operators.ended) {
      if (this.#seen.has(id)) continue
      this.#seen.add(id)
      const { plan, state, endedMs } = operator
      if (isStoreOperator(plan) || state !== 'finished') continue
      for (const shard of shardsOf(plan)) {
        this.#past.set(shard, after(this.#past.get(shard) ?? NO_PAST, plan, endedMs))
        changed.add(shard)
      }
      for (const shard of rangesMadeBy(operator)) changed.add(shard)
    }
    for (const id of this.#seen) if (!operators.ended.has(id)) this.#seen.delete(id)
  }

  #takeOperators(index: PlacementIndex, { operators }: Picture): void {
    for (const [id, plan] of this.#begun) {
      if (operators.running.has(id)) continue
      index.end(plan)
      this.#begun.delete(id)
    }
    for (const [id, { plan }] of operators.running) {
      if (isStoreOperator(plan) || this.#begun.has(id)) continue
      index.begin(plan)
      this.#begun.set(id, plan)
    }
  }
}

/**
 * What balance has moved rests for a while, and so does what somebody has moved by hand: it would be undone before they see it. What was moved for another reason may be
 * balanced at once.
 */
function after(past: Past, plan: PlannedOperator, endedMs: number | undefined): Past {
  const rests = plan.scheduler === 'by-hand' || plan.scheduler.startsWith('balance-')
  switch (plan.kind) {
    case 'move':
      return rests ? { ...past, lastMoveMs: endedMs } : past
    case 'transfer-leader':
      return rests ? { ...past, lastTransferMs: endedMs } : past
    case 'add-replica':
    case 'remove-replica':
    case 'remove-learner':
    case 'promote-learner':
    case 'leave-joint':
    case 'split':
    case 'merge':
      return past
  }
}

/** A store's share of replicas and leaders compared with others, by its label `weight`; 1 where it has none. */
function weightOf({ labels }: StoreInfo): number {
  const weight = Number(labels.weight ?? 1)
  return Number.isFinite(weight) && weight >= 0 ? weight : 1
}
