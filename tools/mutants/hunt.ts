/**
 * Who notices a planted bug: the simulator, and the tests of its area, file by file, each until the first that fails. A test file counts only if it fails
 * twice with the bug, so that chance does not earn a kill, and whoever notices must pass without the bug.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { type ChildResult, runChild } from './child.ts'

/** All in processor time where the system tells it, and per copy of the sources. */
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
  /** Time ran out before everybody was asked: that nobody noticed says nothing. */
  readonly isCutShort?: boolean | undefined
}

/** Where the bug is, and who says whether a check passes without it. */
export interface Scene {
  /** The copy with the bug. */
  readonly directory: string
  readonly sound: SoundSources
  readonly costs: Costs
}

export interface SoundSources {
  passesFile(file: string): Promise<boolean>
  passesSeed(seed: number): Promise<boolean>
}

/** What test files take, as far as somebody has waited for them. */
export interface Costs {
  get(file: string): number | undefined
  set(file: string, ms: number): void
}

const SEED_SECONDS_MAX = 60
const FILE_MS_MAX = 120_000
const SIMULATOR = 'tools/sim/main.ts'
/** No test file has such a name. */
const TIME_IS_OVER = 'time is over'

/** Asks both. */
export async function huntWithBoth(scene: Scene, files: readonly string[], limits: HuntLimits): Promise<Catches> {
  const simulation = await huntWithSimulation(scene, limits)
  const tests = await huntWithTests(scene, byCost(files, scene.costs), limits)
  return tests === TIME_IS_OVER ? { simulation, tests: undefined, isCutShort: true } : { simulation, tests }
}

/**
 * Asks who is likeliest first, and stops at the first who notices: test files that name the module with the bug, the simulator, the other test files. Within
 * each, whoever costs least comes first.
 */
export async function huntLikeliestFirst(
  scene: Scene,
  module: string,
  files: readonly string[],
  limits: HuntLimits,
): Promise<Catches> {
  const isNear = (file: string): boolean =>
    readFileSync(path.join(scene.directory, file), 'utf8').includes(path.posix.basename(module))
  const ordered = byCost(files, scene.costs)
  const near = ordered.filter(isNear)
  const early = await huntWithTests(scene, near, limits)
  if (early !== undefined && early !== TIME_IS_OVER) return { simulation: undefined, tests: early }
  const simulation = await huntWithSimulation(scene, limits)
  if (simulation !== undefined) return { simulation, tests: undefined }
  const others = ordered.filter((file) => !near.includes(file))
  const tests = await huntWithTests(scene, others, limits)
  return tests === TIME_IS_OVER ? { simulation, tests: undefined, isCutShort: true } : { simulation, tests }
}

/** Asks only those who noticed before. Undefined where they do not any more, or nobody had. */
export async function huntAgain(scene: Scene, known: Catches, limits: HuntLimits): Promise<Catches | undefined> {
  const { directory } = scene
  if (known.tests !== undefined) {
    const files = testFiles(directory, known.tests)
    const tests = await huntWithTests(scene, files, limits)
    return tests === undefined || tests === TIME_IS_OVER ? undefined : { simulation: undefined, tests }
  }
  const seed = /^seed (\d+)/.exec(known.simulation ?? '')?.[1]
  if (seed === undefined) return undefined
  const simulation = await playSeeds(scene, Number(seed), 1, limits)
  return simulation === undefined ? undefined : { simulation, tests: undefined }
}

/** Plays seeds in one process, until one fails or the time is over. */
export function huntWithSimulation(scene: Scene, limits: HuntLimits): Promise<Catch> {
  return playSeeds(scene, 1, limits.seeds, limits)
}

async function playSeeds(scene: Scene, first: number, count: number, limits: HuntLimits): Promise<Catch> {
  const { kind, output } = await simulate(scene.directory, first, count, limits)
  // It took too long for its time, which proves nothing; a seed that does not end is a failure of its own.
  if (kind !== 'failed') return undefined
  const seed = /FAILURE of seed (\d+)/.exec(output)?.[1]
  if (!(await scene.sound.passesSeed(Number(seed ?? first)))) return undefined
  return seed === undefined ? `before any seed: ${reasonOf(output)}` : `seed ${seed}: ${reasonOf(output)}`
}

/** A seed repeats itself, so it is played once; its only clock is virtual, but for the limit of a seed, which is processor time. */
export function simulate(directory: string, first: number, count: number, limits: HuntLimits): Promise<ChildResult> {
  const many = ['--from', `${first}`, '--count', `${count}`, '--ticks', `${limits.ticks}`, '--jobs', '1', '--first']
  const words = ['--import', 'tsx', SIMULATOR, ...many, '--seed-seconds', `${SEED_SECONDS_MAX}`]
  return runChild(words, directory, limits.simulationMs)
}

/** The first file that notices, `TIME_IS_OVER` where some were not asked any more. */
export async function huntWithTests(scene: Scene, files: readonly string[], limits: HuntLimits): Promise<Catch> {
  let leftMs = limits.testsMs
  for (const file of files) {
    if (leftMs <= 0) return TIME_IS_OVER
    const { isFailing, spentMs } = await fails(scene.directory, file)
    leftMs -= spentMs
    if (!isFailing) scene.costs.set(file, spentMs)
    else if (await scene.sound.passesFile(file)) return file
  }
  return undefined
}

/** Whether a test file fails, certainly and not by chance, nor because somebody stopped it. */
export async function fails(directory: string, file: string): Promise<{ isFailing: boolean; spentMs: number }> {
  let spentMs = 0
  let failures = 0
  while (failures < 2) {
    const result = await runChild(['--import', 'tsx', '--test', file], directory, FILE_MS_MAX)
    spentMs += result.spentMs
    if (result.kind === 'passed') return { isFailing: false, spentMs: result.spentMs }
    // Nothing uses up so much processor time by chance.
    if (result.kind === 'hung') failures++
    if (!result.wasStopped) failures++
  }
  return { isFailing: true, spentMs }
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

function byCost(files: readonly string[], costs: Costs): string[] {
  return [...files].sort((one, other) => (costs.get(one) ?? 0) - (costs.get(other) ?? 0))
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
