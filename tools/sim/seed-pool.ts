/** Plays seeds in child processes, one seed at a time in each: a simulation closes the real world of its process, and cores are several. */
import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { SimulationResult } from '../../src/testing/index.ts'
import type { Campaign } from './campaign.ts'
import { CHILD_ENVIRONMENT } from './seed-child.ts'
import type { SeedJob } from './seed-job.ts'

const JOBS_MAX_DEFAULT = 8

/** Resolves when no seed is left and every child has ended; rejects when a child dies. */
export async function runSeeds(
  campaign: Campaign,
  job: Omit<SeedJob, 'seed'>,
  jobs: number | undefined,
  onResult: (result: SimulationResult) => void,
): Promise<void> {
  const source = import.meta.url.endsWith('.ts')
  const main = fileURLToPath(new URL(source ? './main.ts' : './main.js', import.meta.url))
  const count = jobs ?? Math.min(JOBS_MAX_DEFAULT, availableParallelism())
  const children: ChildProcess[] = []
  try {
    await Promise.all(
      Array.from({ length: count }, () => {
        const child = fork(main, [], { env: { ...process.env, ...CHILD_ENVIRONMENT } })
        children.push(child)
        return serve(child, campaign, job, onResult)
      }),
    )
  } finally {
    for (const child of children) child.kill()
  }
}

function serve(
  child: ChildProcess,
  campaign: Campaign,
  job: Omit<SeedJob, 'seed'>,
  onResult: (result: SimulationResult) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let seed: number | undefined
    const giveNext = (): void => {
      seed = campaign.next(Date.now())
      if (seed === undefined) resolve()
      else child.send({ ...job, seed })
    }
    child.on('message', (result: SimulationResult) => {
      onResult(result)
      giveNext()
    })
    child.on('exit', (code, signal) => {
      if (seed !== undefined) reject(new Error(`the process that played seed ${seed} ended with ${signal ?? code}`))
    })
    child.on('error', reject)
    giveNext()
  })
}
