/** What a fault is: something done to the cluster and undone again, by one lane of the nemesis while the load goes on. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Scene } from './scene.ts'
import type { SeededRandom } from './seeded-random.ts'

export interface Fault {
  readonly name: string
  /** Chosen this often beside the others. */
  readonly weight: number
  /** Why it cannot be done on this machine or with this broker; undefined when it can. */
  impossible?(scene: Scene): string | undefined
  /** Resolves when it is undone and the stores it hit serve again. `not now`: it did nothing, because of other faults that last. */
  run(scene: Scene, random: SeededRandom, mark: Mark): Promise<'done' | 'not now'>
}

/** Tells when the fault itself happened and when it was undone; for the report. */
export interface Mark {
  begins(what: string): void
  ends(): void
}

export async function hold(random: SeededRandom, leastMs: number, mostMs: number): Promise<void> {
  await delay(random.between(leastMs, mostMs))
}

/** Half of the time the store that leads most, if it is free; otherwise any. */
export async function oneStore(scene: Scene, random: SeededRandom): Promise<readonly string[]> {
  const leader = random.chance(50) ? await busiestLeader(scene) : undefined
  const chosen = leader === undefined ? [] : scene.reserve(1, random, (id) => id === leader)
  return chosen.length > 0 ? chosen : scene.reserve(1, random)
}

/** Undefined while nobody can be asked. */
async function busiestLeader(scene: Scene): Promise<string | undefined> {
  const [via] = scene.sound
  if (via === undefined) return undefined
  try {
    const counts = new Map<string, number>()
    for (const { leader } of await scene.cluster.shards(via))
      if (leader !== null) counts.set(leader, (counts.get(leader) ?? 0) + 1)
    return [...counts].sort((left, right) => right[1] - left[1])[0]?.[0]
  } catch {
    // In the middle of other faults nobody may know; then chance decides.
    return undefined
  }
}
