/**
 * Who notices a planted bug: the simulator, seed by seed, and the tests of its area, file by file, each until the first that fails. A test file counts
 * only if it fails twice, so that chance does not earn a kill; a seed repeats itself anyway.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { runChild } from './child.ts'

export interface HuntLimits {
  /** Seeds 1 to this are played. */
  readonly seeds: number
  /** Milliseconds for all seeds together, and for all test files together. */
  readonly simulationMs: number
  readonly testsMs: number
}

/** Undefined: nobody noticed within the limits. */
export type Catch = string | undefined

const SEED_MS_MAX = 90_000
const FILE_MS_MAX = 180_000
const SIMULATOR = 'tools/sim/main.ts'

export async function huntWithSimulation(directory: string, limits: HuntLimits): Promise<Catch> {
  const endsAtMs = Date.now() + limits.simulationMs
  for (let seed = 1; seed <= limits.seeds && Date.now() < endsAtMs; seed++) {
    const words = ['--import', 'tsx', SIMULATOR, '--seed', `${seed}`]
    const { kind, output } = await runChild(words, directory, SEED_MS_MAX)
    if (kind === 'hung') return `seed ${seed}: does not end`
    if (kind === 'failed') return `seed ${seed}: ${reasonOf(output)}`
  }
  return undefined
}

/** `except` are files that fail without any bug too. */
export async function huntWithTests(
  directory: string,
  tests: readonly string[],
  except: ReadonlySet<string>,
  limits: HuntLimits,
): Promise<Catch> {
  const endsAtMs = Date.now() + limits.testsMs
  for (const file of tests.flatMap((test) => testFiles(directory, test))) {
    if (except.has(file) || Date.now() >= endsAtMs) continue
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

/** The sentence of a failed simulation that says most. */
function reasonOf(output: string): string {
  const lines = output.split('\n').map((line) => line.trim())
  const telling = lines.find((line) =>
    /^(?:failed|broken|.*(?:is not linearizable|AssertionFailure|Error:))/.test(line),
  )
  const line = telling ?? lines.filter((each) => each !== '').at(-1) ?? 'it ended without a word'
  return line.slice(0, 140)
}
