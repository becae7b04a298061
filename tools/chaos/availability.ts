/** How long writes had to wait after each fault, from the history alone: for each shard, the first write that began after the fault and succeeded. */
import type { Operation } from '../../src/testing/check/index.ts'
import type { ShardBounds } from './keys.ts'
import type { Happened } from './nemesis.ts'

export interface Windows {
  readonly fault: string
  readonly count: number
  /** Of the shard that waited longest, per fault: the middle one of these and the longest. */
  readonly middleMs: number
  readonly longestMs: number
}

interface Success {
  readonly calledMs: number
  readonly returnedMs: number
}

export function unavailability(
  operations: readonly Operation[],
  happened: readonly Happened[],
  bounds: ShardBounds,
): readonly Windows[] {
  const successes = successesByShard(operations, bounds)
  const byFault = new Map<string, number[]>()
  for (const { fault, beganMs } of happened) {
    const waits = bounds.ids.map((shard) => firstAfter(successes.get(shard) ?? [], beganMs))
    if (waits.some((wait) => wait === undefined)) continue
    const longest = Math.max(...waits.map((wait) => wait ?? 0))
    byFault.set(fault, [...(byFault.get(fault) ?? []), longest])
  }
  return [...byFault].map(([fault, waits]) => {
    const ordered = waits.sort((left, right) => left - right)
    return {
      fault,
      count: ordered.length,
      middleMs: Math.round(ordered[Math.floor((ordered.length - 1) / 2)] ?? 0),
      longestMs: Math.round(ordered.at(-1) ?? 0),
    }
  })
}

function successesByShard(operations: readonly Operation[], bounds: ShardBounds): ReadonlyMap<number, Success[]> {
  const byShard = new Map<number, Success[]>()
  for (const { key, outcome, calledMs, returnedMs } of operations) {
    if (outcome.kind !== 'written' && outcome.kind !== 'deleted') continue
    const shard = bounds.shardOf(key)
    const list = byShard.get(shard) ?? []
    byShard.set(shard, list)
    list.push({ calledMs, returnedMs })
  }
  return byShard
}

/** Milliseconds from `beganMs` to the return of the write that returned first of those that began after it. */
function firstAfter(successes: readonly Success[], beganMs: number): number | undefined {
  let first: number | undefined
  for (const { calledMs, returnedMs } of successes) {
    if (calledMs < beganMs) continue
    if (first === undefined || returnedMs < first) first = returnedMs
  }
  return first === undefined ? undefined : first - beganMs
}
