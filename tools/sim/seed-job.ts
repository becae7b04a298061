import type { FaultFamily } from '../../src/testing/index.ts'

/** What a process that plays seeds is told: one seed and what the command line fixed. */
export interface SeedJob {
  readonly seed: number
  readonly ticks: number | undefined
  readonly stores: number | undefined
  readonly shards: number | undefined
  readonly clients: number | undefined
  readonly faults: readonly FaultFamily[] | undefined
}
