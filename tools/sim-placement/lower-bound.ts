/**
 * The fewest moves of replicas that could bring a cluster within the tolerance, whatever the planner: what must leave stores that are lost or
 * leaving, and what stores with too much must give, store by store; or, if that is more, what stores with too little must get. It looks at numbers
 * and bytes, not at isolation, load or the grain of shards, so the true minimum may be higher. It shares no code with the planners.
 */
import type { IndexedStore, PlacementIndex } from '../../shard-map/index.ts'

export interface Bound {
  /** Replicas that cannot stay. */
  readonly forced: number
  /** All moves, the forced among them. */
  readonly moves: number
}

export function lowerBound(index: PlacementIndex): Bound {
  const staying: IndexedStore[] = []
  let forced = 0
  let forcedBytes = 0
  for (const store of index.stores()) {
    const { state, liveness } = store.statistics
    if (liveness === 'down' || state === 'gone' || state === 'decommissioning') {
      forced += store.led.size + store.followed.size
      forcedBytes += sum(sizesOf(store))
    } else if (state === 'up' && liveness === 'up') staying.push(store)
  }
  const { balance } = index.settings
  const numbers = limitsOf(
    staying.map(({ led, followed }) => led.size + followed.size),
    forced,
    balance.replicasToleranceMin,
    balance.toleranceRatio,
  )
  const sizes = staying.map(sizesOf)
  // Bytes of stores that are left behind raise what the others may hold.
  const bytes = limitsOf(sizes.map(sum), forcedBytes, balance.bytesToleranceMin, balance.toleranceRatio)
  let out = forced
  let into = 0
  for (const own of sizes) {
    out += Math.max(0, Math.ceil(own.length - numbers.high), fewest(own, bytes.high))
    into += Math.max(0, Math.ceil(numbers.low - own.length))
  }
  return { forced, moves: Math.max(out, into) }
}

interface Limits {
  readonly low: number
  readonly high: number
}

function limitsOf(held: readonly number[], more: number, toleranceMin: number, ratio: number): Limits {
  const ideal = (sum(held) + more) / held.length
  const tolerance = Math.max(toleranceMin, ideal * ratio)
  return { low: ideal - tolerance, high: ideal + tolerance }
}

function sizesOf(store: IndexedStore): number[] {
  return [...store.led, ...store.followed].map(({ statistics }) => statistics.bytes)
}

function fewest(sizes: readonly number[], limit: number): number {
  let rest = sum(sizes)
  if (rest <= limit) return 0
  const descending = [...sizes].sort((a, b) => b - a)
  let moves = 0
  while (rest > limit) rest -= descending[moves++] ?? rest
  return moves
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}
