/**
 * What goes wrong in a run, as data. In a swarm (Groce et al., "Swarm testing", 2012) each seed draws its own mix: faults that are always on
 * together hide what only some of them would show.
 */
import type { DiskSpeed } from './disk.ts'
import { CALM_NETWORK, type NetworkFaults } from './network.ts'
import { SeededRandom } from './seeded-random.ts'

export const FAULT_FAMILIES = [
  'loss',
  'duplication',
  'reordering',
  'delay',
  'partition',
  'clog',
  'broker',
  'disconnect',
  'pause',
  'kill',
  'power',
  'die-inside',
  'stop',
  'clock',
  'disk-slow',
  'disk-error',
  'disk-damage',
  'disk-wipe',
  'transfer',
  'split',
  'move',
  'merge',
  'driver',
  'topology',
] as const

export type FaultFamily = (typeof FAULT_FAMILIES)[number]

export interface FaultPlan {
  readonly families: ReadonlySet<FaultFamily>
  readonly network: NetworkFaults
  readonly disk: DiskSpeed
  /** Clocks run wrong by at most this much. */
  readonly driftPerMillionMax: number
  /** Between two things that the nemesis does, on average. */
  readonly actionEveryMs: number
}

/** `families`: those that may happen; undefined draws a mix. */
export function planFaults(seed: number, families: readonly FaultFamily[] | undefined): FaultPlan {
  const random = new SeededRandom(seed, 'faults')
  const chosen = new Set(families ?? random.sample(FAULT_FAMILIES, random.between(150, 700)))
  const has = (family: FaultFamily): boolean => chosen.has(family)
  const delayUsMax = has('delay') ? random.between(1_000, 20_000) : CALM_NETWORK.delayUsMax
  return {
    families: chosen,
    network: {
      lostPerMille: has('loss') ? random.between(1, 80) : 0,
      repeatedPerMille: has('duplication') ? random.between(1, 100) : 0,
      reorderedPerMille: has('reordering') ? random.between(1, 150) : 0,
      delayUsMin: CALM_NETWORK.delayUsMin,
      delayUsMax,
      spikePerMille: has('delay') ? random.between(0, 30) : 0,
      spikeUsMax: has('delay') ? random.between(20_000, 800_000) : 0,
      pendingBytesMax: has('disconnect') ? random.between(8_000, 60_000) : CALM_NETWORK.pendingBytesMax,
    },
    disk: {
      syncUsMin: 100,
      syncUsMax: has('disk-slow') ? random.between(1_000, 30_000) : 500,
      stallPerMille: has('disk-slow') ? random.between(1, 30) : 0,
      stallUsMax: has('disk-slow') ? random.between(50_000, 1_500_000) : 0,
    },
    driftPerMillionMax: has('clock') ? random.between(100, 50_000) : 0,
    actionEveryMs: random.between(300, 4_000),
  }
}
