/**
 * Hot stores: those that serve, or keep, far more requests than their share. A leader is handed to a replica on a cool store, which costs
 * nothing; only where no replica stands on a cool store a whole replica moves. The shard that is chosen is the smallest that cools the store to
 * its line at once, or else the largest that fits anywhere. A shard that is more than any store has room for stays, with the reason.
 */
import { canTakeLeader, canTakeReplica, givingLimit, isWithinLimits } from './eligibility.ts'
import { replaceVoter, transferLeader } from './expand.ts'
import { Heat, type HeatDimension } from './heat.ts'
import { sharingOf, sharingWith } from './isolation.ts'
import { type Numbers, type Plan, type PlanRefusal, refusePlan } from './operator.ts'
import type { Planning } from './planning.ts'
import { type IndexedShard, isResting } from './shard-entry.ts'
import { middleOfLoad } from './split.ts'
import { type IndexedStore, isAccepting } from './store-load.ts'
import type { StoreOrder } from './store-order.ts'
import { weighAgain, weighHotShards } from './weigh-hot-shards.ts'

const SCHEDULER = 'balance-load'
/** Hot stores that one round helps, and those that it finds beyond help before it stops looking. */
const STORES_MAX = 32
const HELPLESS_MAX = 4
/** Moves away from one store in one round: what they bring should be seen before more follow. */
const MOVES_MAX = 4

export function planLoadBalance(planning: Planning): void {
  const balance = new LoadBalance(planning)
  for (const dimension of ['ops', 'writes'] as const) {
    let helpless = 0
    for (const store of balance.hottest(dimension)) {
      for (let moves = 0; moves < MOVES_MAX && balance.isHot(store, dimension); moves++) {
        if (!planning.mayGoOn(SCHEDULER)) return
        const plan = balance.plan(store, dimension)
        const subject = plan.ok ? { shard: plan.operator.shard, store: store.id } : { store: store.id }
        if (planning.conclude(SCHEDULER, subject, plan)) continue
        helpless++
        break
      }
      if (helpless === HELPLESS_MAX) break
    }
  }
}

export class LoadBalance {
  readonly #planning: Planning
  readonly #heat: Heat
  /** The coolest first. Made for the first hot store: most rounds have none. */
  readonly #coolest: Partial<Record<HeatDimension, StoreOrder>> = {}
  /** What the store that is cooled now could give; a store may have thousands of shards, so that they are gone through once and not for each move. */
  #weighed:
    | { readonly of: IndexedStore; readonly by: HeatDimension; readonly shards: readonly IndexedShard[] }
    | undefined

  constructor(planning: Planning) {
    this.#planning = planning
    this.#heat = new Heat(planning.index)
  }

  /** As many as one round helps. */
  hottest(dimension: HeatDimension): readonly IndexedStore[] {
    return [...this.#planning.index.stores()]
      .filter((store) => isAccepting(store) && this.isHot(store, dimension))
      .sort((a, b) => this.#heat.excess(b, dimension) - this.#heat.excess(a, dimension) || (a.id < b.id ? -1 : 1))
      .slice(0, STORES_MAX)
  }

  isHot(store: IndexedStore, dimension: HeatDimension): boolean {
    return this.#heat.excess(store, dimension) > 0
  }

  /** The next move that cools a store. */
  plan(store: IndexedStore, dimension: HeatDimension): Plan {
    const heat = this.#heat
    const planning = this.#planning
    const excess = heat.excess(store, dimension)
    const numbers = {
      [dimension === 'ops' ? 'opsPerSecond' : 'writesPerSecond']: store.planned[dimension],
      idealPerSecond: heat.ideal(store, dimension),
      hotLinePerSecond: heat.line(store, dimension),
    }
    if (excess <= 0) return refusePlan('nothing-to-do', `store ${store.id} is below its hot line`, numbers)
    const shards = this.#weigh(store, dimension, excess)
    let refusal: PlanRefusal | undefined
    // Leaders first, then replicas; each first to stores that stay cool, so that nothing is handed on, then to any that is clearly cooler than this one.
    const rooms = [this.#coolRooms(dimension), this.#relativeRooms(dimension, store)]
    for (const cool of dimension === 'ops' ? [handOver, moveAway] : [moveAway]) {
      for (const room of rooms) {
        for (const entry of shards) {
          const move = { ...numbers, shard: entry[dimension] }
          const plan = cool({ planning, heat, entry, from: store, dimension, room, numbers: move })
          if (plan?.ok) return plan
          refusal ??= plan
        }
      }
    }
    const hottest = shards.reduce<IndexedShard | undefined>(
      (best, entry) => (best === undefined || entry[dimension] > best[dimension] ? entry : best),
      undefined,
    )
    if (hottest !== undefined && hottest[dimension] > excess / 2) {
      const middle = middleOfLoad(hottest.shard, hottest.statistics.keySamples, planning.settings)
      if (!middle.ok && middle.code === 'single-hot-key') {
        return refusePlan('single-hot-key', `store ${store.id} is hot: ${middle.message}`, {
          ...numbers,
          ...middle.numbers,
        })
      }
    }
    return refusePlan('no-target', refusal?.message ?? `no shard of store ${store.id} can move now`, numbers)
  }

  #weigh(store: IndexedStore, dimension: HeatDimension, excess: number): readonly IndexedShard[] {
    const before = this.#weighed
    const isAgain = before?.of === store && before.by === dimension
    const shards = isAgain
      ? weighAgain(before.shards, dimension, excess)
      : weighHotShards(store, dimension, excess, this.#planning.round)
    if (!isAgain) this.#weighed = { of: store, by: dimension, shards }
    return shards
  }

  #coolRooms(dimension: HeatDimension): Room {
    const of = (to: IndexedStore): number => this.#heat.coolRoom(to, dimension)
    return { of, ...once(() => this.#free(dimension)) }
  }

  #relativeRooms(dimension: HeatDimension, from: IndexedStore): Room {
    const of = (to: IndexedStore): number => this.#heat.relativeRoom(to, dimension, from)
    const roomiest = (): readonly IndexedStore[] => {
      const rooms: { readonly store: IndexedStore; readonly room: number }[] = []
      for (const store of this.#free(dimension)) {
        const room = of(store)
        if (room > 0) rooms.push({ store, room })
      }
      return rooms.sort((a, b) => b.room - a.room).map(({ store }) => store)
    }
    return { of, ...once(roomiest) }
  }

  /** The coolest first, without those whom operators keep busy. */
  #free(dimension: HeatDimension): readonly IndexedStore[] {
    const { index, settings } = this.#planning
    this.#coolest[dimension] ??= this.#planning.order(
      [...index.stores()].filter(isAccepting),
      (store) => -this.#heat.coolRoom(store, dimension),
    )
    return this.#coolest[dimension].ascending.filter((store) => isWithinLimits(store, settings))
  }
}

/** Load that stores may be given, by one way to look at it. */
interface Room {
  readonly of: (to: IndexedStore) => number
  /** Those that operators leave time for a replica, the one with the most room first. */
  readonly roomiest: () => readonly IndexedStore[]
}

/** Many a search ends before it needs the list. */
function once(list: () => readonly IndexedStore[]): Pick<Room, 'roomiest'> {
  let made: readonly IndexedStore[] | undefined
  return {
    roomiest: () => {
      made ??= list()
      return made
    },
  }
}

interface Cooling {
  readonly planning: Planning
  readonly heat: Heat
  readonly entry: IndexedShard
  readonly from: IndexedStore
  readonly dimension: HeatDimension
  readonly room: Room
  readonly numbers: Numbers
}

function handOver({ planning, entry, from, room, numbers }: Cooling): Plan | undefined {
  if (isResting(entry, 'leader', planning.nowMs, planning.settings)) return undefined
  let best: IndexedStore | undefined
  for (const store of entry.stores) {
    if (!canTakeLeader(store, entry, planning.settings) || room.of(store) < entry.ops) continue
    if (best === undefined || room.of(store) > room.of(best)) best = store
  }
  if (best === undefined) return undefined
  const reason = `store ${from.id} serves more than its share, ${best.id} less`
  return transferLeader(entry, best, {
    scheduler: SCHEDULER,
    reason,
    numbers: { ...numbers, targetOpsPerSecond: best.planned.ops },
  })
}

function moveAway({ planning, heat, entry, from, dimension, room, numbers }: Cooling): Plan {
  const { settings } = planning
  const limit = givingLimit(from, settings)
  if (limit !== undefined) return limit
  if (isResting(entry, 'replica', planning.nowMs, settings)) {
    return refusePlan(
      'too-soon',
      `a replica of shard ${entry.shard.id} was moved for balance a short while ago`,
      numbers,
    )
  }
  const isLeader = entry.leader === from
  const staying = entry.stores.filter((store) => store !== from)
  const sharingMax = sharingOf(entry.stores) - sharingOf(staying)
  const moves = { leader: isLeader && dimension !== 'ops', replica: dimension !== 'writes' }
  let best: IndexedStore | undefined
  for (const store of room.roomiest()) {
    if (room.of(store) < entry[dimension]) break
    if (!canTakeReplica(store, entry, settings) || sharingWith(store, staying) > sharingMax) continue
    if (!heat.allows(store, entry, moves)) continue
    best = store
    break
  }
  if (best === undefined) {
    const message = `no store is cool enough to take shard ${entry.shard.id} with its ${entry[dimension]} requests a second`
    return refusePlan('no-target', message, numbers)
  }
  const reason = `store ${from.id} ${dimension === 'ops' ? 'serves' : 'writes'} more than its share, ${best.id} less`
  return replaceVoter(entry, from, best, settings, { scheduler: SCHEDULER, reason, numbers })
}
