/**
 * Hot stores: those that serve, or keep, far more requests than their share. A leader is handed to a replica on a cool store, which costs
 * nothing; only where no replica stands on a cool store a whole replica moves. The shard that is chosen is the smallest that cools the store to
 * its line at once, or else the largest that fits anywhere. A shard that is more than any store has room for stays, with the reason.
 */
import { canTakeLeader, canTakeReplica, givingLimit } from './eligibility.ts'
import { replaceVoter, transferLeader } from './expand.ts'
import { Heat, type HeatDimension } from './heat.ts'
import { sharingOf, sharingWith } from './isolation.ts'
import { type Numbers, type Plan, type PlanRefusal, refusePlan } from './operator.ts'
import type { Planning } from './planning.ts'
import { type IndexedShard, isMovable, isResting } from './shard-entry.ts'
import { middleOfLoad } from './split.ts'
import { type IndexedStore, isAccepting } from './store-load.ts'

const SCHEDULER = 'balance-load'
/** Shards of a hot store that are weighed in one round. */
const WEIGHED_MAX = 4096
/** Of the weighed, those for which a new place is searched. */
const SEARCHED_MAX = 16
/** Hot stores that one round helps, and those that it finds beyond help before it stops looking. */
const STORES_MAX = 32
const HELPLESS_MAX = 4
/** Moves away from one store in one round: what they bring should be seen before more follow. */
const MOVES_MAX = 4

export function planLoadBalance(planning: Planning): void {
  const heat = new Heat(planning.index)
  for (const dimension of ['ops', 'writes'] as const) {
    const hot = [...planning.index.stores()]
      .filter((store) => isAccepting(store) && heat.excess(store, dimension) > 0)
      .sort((a, b) => heat.excess(b, dimension) - heat.excess(a, dimension) || (a.id < b.id ? -1 : 1))
    let helpless = 0
    for (const store of hot.slice(0, STORES_MAX)) {
      for (let moves = 0; moves < MOVES_MAX && heat.excess(store, dimension) > 0; moves++) {
        if (!planning.mayGoOn(SCHEDULER)) return
        const plan = coolPlan(planning, heat, store, dimension)
        const subject = plan.ok ? { shard: plan.operator.shard, store: store.id } : { store: store.id }
        if (planning.conclude(SCHEDULER, subject, plan)) continue
        helpless++
        break
      }
      if (helpless === HELPLESS_MAX) break
    }
  }
}

/** The next move that cools a store. */
export function coolPlan(planning: Planning, heat: Heat, store: IndexedStore, dimension: HeatDimension): Plan {
  const excess = heat.excess(store, dimension)
  const numbers = {
    [dimension === 'ops' ? 'opsPerSecond' : 'writesPerSecond']: store.planned[dimension],
    ideal: heat.ideal(store, dimension),
    hotLine: heat.line(store, dimension),
  }
  if (excess <= 0) return refusePlan('nothing-to-do', `store ${store.id} is below its hot line`, numbers)
  const shards = weigh(planning, store, dimension, excess)
  let refusal: PlanRefusal | undefined
  // Leaders first, then replicas; each first to stores that stay cool, so that nothing is handed on, then to any that is clearly cooler than this one.
  const rooms = [
    (to: IndexedStore) => heat.coolRoom(to, dimension),
    (to: IndexedStore) => heat.relativeRoom(to, dimension, store),
  ]
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

/** Shards worth moving, the best first: those that alone take the excess away from the smallest up, then the others from the largest down. */
function weigh(
  planning: Planning,
  store: IndexedStore,
  dimension: HeatDimension,
  excess: number,
): readonly IndexedShard[] {
  const movable: IndexedShard[] = []
  for (const set of dimension === 'ops' ? [store.led] : [store.followed, store.led]) {
    for (const entry of set.some(WEIGHED_MAX, planning.round)) {
      if (entry[dimension] > 0 && isMovable(entry)) movable.push(entry)
    }
  }
  const rank = (entry: IndexedShard): number => {
    const load = entry[dimension]
    return load >= excess ? load : Number.MAX_SAFE_INTEGER - load
  }
  movable.sort((a, b) => rank(a) - rank(b) || a.shard.id - b.shard.id)
  if (movable.length <= SEARCHED_MAX) return movable
  // Those that cure alone may all be too big for every other store, so some of the others are tried too.
  const curing = movable.filter((entry) => entry[dimension] >= excess).slice(0, SEARCHED_MAX / 2)
  const others = movable.filter((entry) => entry[dimension] < excess).slice(0, SEARCHED_MAX - curing.length)
  return [...curing, ...others]
}

interface Cooling {
  readonly planning: Planning
  readonly heat: Heat
  readonly entry: IndexedShard
  readonly from: IndexedStore
  readonly dimension: HeatDimension
  /** Load that a store may be given. */
  readonly room: (to: IndexedStore) => number
  readonly numbers: Numbers
}

function handOver({ planning, entry, from, room, numbers }: Cooling): Plan | undefined {
  if (isResting(entry, 'leader', planning.nowMs, planning.settings)) return undefined
  let best: IndexedStore | undefined
  for (const store of entry.stores) {
    if (!canTakeLeader(store, entry, planning.settings) || room(store) < entry.ops) continue
    if (best === undefined || room(store) > room(best)) best = store
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
  for (const store of planning.targets) {
    const space = room(store)
    if (space < entry[dimension] || (best !== undefined && space <= room(best))) continue
    if (!canTakeReplica(store, entry, settings) || sharingWith(store, staying) > sharingMax) continue
    if (heat.allows(store, entry, moves)) best = store
  }
  if (best === undefined) {
    const message = `no store is cool enough to take shard ${entry.shard.id} with its ${entry[dimension]} requests a second`
    return refusePlan('no-target', message, numbers)
  }
  const reason = `store ${from.id} ${dimension === 'ops' ? 'serves' : 'writes'} more than its share, ${best.id} less`
  return replaceVoter(entry, from, best, settings, { scheduler: SCHEDULER, reason, numbers })
}
