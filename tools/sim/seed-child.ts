/** The child's side of playing many seeds: takes one job after the other from its parent and answers with results. */
import process from 'node:process'
import { simulate } from '../../src/testing/index.ts'
import type { SeedJob } from './seed-job.ts'

const MARK = 'FLOTILLA_SIM_CHILD'

/** What the parent puts into a child's environment, by which the child knows itself. */
export const CHILD_ENVIRONMENT: Readonly<Record<string, string>> = { [MARK]: '1' }

export function isSeedChild(): boolean {
  return process.env[MARK] === '1' && process.send !== undefined
}

export function serveSeeds(): void {
  process.on('message', (job: SeedJob) => {
    simulate(job).then(
      (result) => process.send?.(result),
      (error: unknown) => {
        // The simulator itself is broken; the parent sees the child die.
        console.error(error)
        process.exit(1)
      },
    )
  })
  process.on('disconnect', () => process.exit(0))
}
