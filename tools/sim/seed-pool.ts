/** Plays seeds in child processes, one seed at a time in each: a simulation closes the real world of its process, and cores are several. */
import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { SimulationResult } from '../../src/testing/index.ts'
import type { Campaign } from './campaign.ts'
import { CHILD_ENVIRONMENT, type SeedWord } from './seed-child.ts'
import { SeedDeadline } from './seed-deadline.ts'
import type { SeedJob } from './seed-job.ts'

/** What became of a seed. One that ends its process, or does not end itself, is a finding too and must not end the others. */
export type SeedEnd =
  | { readonly kind: 'played'; readonly result: SimulationResult; readonly processorMs: number }
  | { readonly kind: 'lost'; readonly seed: number; readonly reason: string }

export interface PoolOptions {
  /** Processes; one per core when undefined. */
  readonly jobs: number | undefined
  /** Milliseconds of processor time that one seed may take; of real time where the system does not tell the other. */
  readonly seedMsMax: number
}

const JOBS_MAX_DEFAULT = 8

/** Resolves when no seed is left and every child has ended. */
export async function runSeeds(
  campaign: Campaign,
  job: Omit<SeedJob, 'seed'>,
  options: PoolOptions,
  onEnd: (end: SeedEnd) => void,
): Promise<void> {
  const count = options.jobs ?? Math.min(JOBS_MAX_DEFAULT, availableParallelism())
  await Promise.all(
    Array.from({ length: count }, async () => {
      let seed = campaign.next(Date.now())
      while (seed !== undefined) seed = await serve(seed, campaign, job, options, onEnd)
    }),
  )
}

/** Plays seeds in one child, from `first` on. Resolves with the seed to go on with in a new one, undefined when none is left. */
function serve(
  first: number,
  campaign: Campaign,
  job: Omit<SeedJob, 'seed'>,
  { seedMsMax }: PoolOptions,
  onEnd: (end: SeedEnd) => void,
): Promise<number | undefined> {
  const child: ChildProcess = fork(ownProgram(), [], { env: { ...process.env, ...CHILD_ENVIRONMENT } })
  let seed: number | undefined = first
  let hung = false
  let deadline: SeedDeadline | undefined
  const play = (): void => {
    child.send({ ...job, seed })
  }
  return new Promise((resolve, reject) => {
    child.on('message', (word: SeedWord) => {
      if (word.kind === 'begun') {
        deadline = new SeedDeadline(child.pid ?? 0, seedMsMax, () => {
          hung = true
          child.kill('SIGKILL')
        })
        return
      }
      deadline?.cancel()
      onEnd({ kind: 'played', result: word.result, processorMs: word.processorMs })
      seed = campaign.next(Date.now())
      if (seed === undefined) child.disconnect()
      else play()
    })
    child.on('exit', (code, signal) => {
      deadline?.cancel()
      if (seed === undefined) {
        resolve(undefined)
        return
      }
      const reason = hung ? `it did not end within ${seedMsMax / 1000} s` : `its process ended with ${signal ?? code}`
      onEnd({ kind: 'lost', seed, reason })
      resolve(campaign.next(Date.now()))
    })
    child.on('error', reject)
    play()
  })
}

function ownProgram(): string {
  const isSource = import.meta.url.endsWith('.ts')
  return fileURLToPath(new URL(isSource ? './main.ts' : './main.js', import.meta.url))
}
