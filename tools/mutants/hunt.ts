/**
 * Who notices a planted bug: the simulator, and the tests of its area, file by file, each until the first that fails. A test file counts
 * only if it fails twice, so that chance does not earn a kill; a seed repeats itself anyway.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { runChild } from './child.ts'

export interface HuntLimits {
  /** Seeds 1 to this are played. */
  readonly seeds: number
  /** How long faults go on in each, in the simulator's ticks. */
  readonly ticks: number
  /** Milliseconds for all seeds together, and for all test files together. */
  readonly simulationMs: number
  readonly testsMs: number
}

/** Undefined: nobody noticed within the limits. */
export type Catch = string | undefined

export interface Catches {
  readonly simulation: Catch
  readonly tests: Catch
}

/** A test file, and what it takes without any bug. */
export interface TestCost {
  readonly file: string
  readonly ms: number
}

const SEED_SECONDS_MAX = 60
const FILE_MS_MAX = 180_000
/** Test files up to this are asked before the simulator where the first who notices is enough. */
const CHEAP_FILE_MS = 4_000
const SIMULATOR = 'tools/sim/main.ts'

/** Asks both. */
export async function huntWithBoth(
  directory: string,
  files: readonly TestCost[],
  limits: HuntLimits,
): Promise<Catches> {
  const simulation = await huntWithSimulation(directory, limits)
  const tests = await huntWithTests(directory, byCost(files), limits)
  return { simulation, tests }
}

/** Asks who costs least first, and stops at the first who notices: small test files, the simulator, the other test files. */
export async function huntCheapestFirst(
  directory: string,
  files: readonly TestCost[],
  limits: HuntLimits,
): Promise<Catches> {
  const cheap = files.filter(({ ms }) => ms <= CHEAP_FILE_MS)
  const dear = files.filter(({ ms }) => ms > CHEAP_FILE_MS)
  const early = await huntWithTests(directory, byCost(cheap), limits)
  if (early !== undefined) return { simulation: undefined, tests: early }
  const simulation = await huntWithSimulation(directory, limits)
  if (simulation !== undefined) return { simulation, tests: undefined }
  return { simulation, tests: await huntWithTests(directory, byCost(dear), limits) }
}

/** Plays seeds in one process, until one fails or the time is over. */
export async function huntWithSimulation(directory: string, limits: HuntLimits): Promise<Catch> {
  const { seeds, ticks, simulationMs } = limits
  const many = ['--from', '1', '--count', `${seeds}`, '--ticks', `${ticks}`, '--jobs', '1', '--first']
  const words = ['--import', 'tsx', SIMULATOR, ...many, '--seed-seconds', `${SEED_SECONDS_MAX}`]
  const { kind, output } = await runChild(words, directory, simulationMs)
  // It took too long for its time, which proves nothing; a seed that does not end is a failure of its own.
  if (kind !== 'failed') return undefined
  const seed = /FAILURE of seed (\d+)/.exec(output)?.[1]
  return seed === undefined ? `before any seed: ${reasonOf(output)}` : `seed ${seed}: ${reasonOf(output)}`
}

export async function huntWithTests(directory: string, files: readonly string[], limits: HuntLimits): Promise<Catch> {
  const endsAtMs = Date.now() + limits.testsMs
  for (const file of files) {
    if (Date.now() >= endsAtMs) return undefined
    if (await fails(directory, file)) return file
  }
  return undefined
}

/** Whether a test file fails, certainly and not by chance. */
export async function fails(directory: string, file: string): Promise<boolean> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const { kind } = await runChild(['--import', 'tsx', '--test', file], directory, FILE_MS_MAX)
    if (kind === 'passed') return false
  }
  return true
}

/** The test files that `test` names: itself, or all directly in the folder. */
export function testFiles(directory: string, test: string): string[] {
  const full = path.join(directory, test)
  if (!existsSync(full)) return []
  if (!statSync(full).isDirectory()) return [test]
  return readdirSync(full)
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => path.posix.join(test, name))
}

function byCost(files: readonly TestCost[]): string[] {
  return [...files].sort((one, other) => one.ms - other.ms).map(({ file }) => file)
}

/** The sentence of a failed simulation that says most. */
function reasonOf(output: string): string {
  const lines = output.split('\n').map((line) => line.trim())
  const failure = lines.findIndex((line) => line.startsWith('FAILURE of seed'))
  // The shape of the cluster stands between the heading and the message.
  const told = failure < 0 ? undefined : lines[failure + 2]
  const line = told ?? lines.filter((each) => each !== '').at(-1) ?? 'it ended without a word'
  return line.slice(0, 140)
}
