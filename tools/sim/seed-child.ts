/** The child's side of playing many seeds: takes one job after the other from its parent and answers with results. */
import process from 'node:process'
import { type SimulationResult, simulate } from '../../src/testing/index.ts'
import type { SeedJob } from './seed-job.ts'

/** What a child tells: loading the program takes its time, and is no part of the seed's. */
export type SeedWord =
  | { readonly kind: 'begun' }
  /** `processorMs`: of all threads of the child, for this seed. */
  | { readonly kind: 'ended'; readonly result: SimulationResult; readonly processorMs: number }

const MARK = 'FLOTILLA_SIM_CHILD'

/** What the parent puts into a child's environment, by which the child knows itself. */
export const CHILD_ENVIRONMENT: Readonly<Record<string, string>> = { [MARK]: '1' }

export function isSeedChild(): boolean {
  return process.env[MARK] === '1' && process.send !== undefined
}

export function serveSeeds(): void {
  const tell = (word: SeedWord): void => {
    process.send?.(word)
  }
  process.on('message', (job: SeedJob) => {
    tell({ kind: 'begun' })
    // What is to be said leaves before a simulation that may never give the loop back.
    setImmediate(() => play(job, tell))
  })
  process.on('disconnect', () => process.exit(0))
}

function play(job: SeedJob, tell: (word: SeedWord) => void): void {
  const before = process.cpuUsage()
  simulate(job).then(
    (result) => {
      const { user, system } = process.cpuUsage(before)
      tell({ kind: 'ended', result, processorMs: (user + system) / 1000 })
    },
    (error: unknown) => {
      // The simulator itself is broken; the parent sees the child die.
      console.error(error)
      process.exit(1)
    },
  )
}
