/** Runs one seed from beginning to end: the entry point for tests, for the command line and for programs that test what they build on Flotilla. */
import type { HighestUse } from './check/index.ts'
import type { FaultFamily } from './fault-plan.ts'
import { planFaults } from './fault-plan.ts'
import { closeRealWorld } from './real-world-guard.ts'
import { playScenario } from './scenario.ts'
import { concerns, lineText, type TraceLine } from './trace.ts'
import { runTurns } from './turns.ts'
import { type SimulationFailure, World } from './world.ts'
import { drawWorld, type WorldWishes } from './world-settings.ts'

/** Milliseconds of virtual time in one tick: that of Raft's default. */
export const TICK_MS = 50
export const TICKS_DEFAULT = 1200

export interface SimulationOptions extends WorldWishes {
  /** A whole number from 0 to 2^53. It decides everything that the other options leave open. */
  readonly seed: number
  /** How long faults go on, in ticks of 50 virtual milliseconds; 1,200 when absent. */
  readonly ticks?: number | undefined
  /** Which families of faults may happen; a mix drawn from the seed when absent. */
  readonly faults?: readonly FaultFamily[] | undefined
  /** Gets every line of the trace as it happens. Slow. */
  readonly onLine?: ((line: string) => void) | undefined
}

export interface SimulationResult {
  readonly seed: number
  readonly ok: boolean
  readonly failure: SimulationFailure | undefined
  /** The last lines of the trace that concern the failure. */
  readonly trace: readonly string[]
  /** Two runs with equal options have equal hashes. */
  readonly traceHash: string
  readonly virtualMs: number
  readonly events: number
  readonly operations: {
    readonly done: number
    readonly refused: number
    readonly none: number
    readonly unknown: number
  }
  /** How many operations of each kind were done. */
  readonly operationKinds: Readonly<Record<string, number>>
  /** How often each kind of fault happened. */
  readonly faults: Readonly<Record<string, number>>
  /** The most that any store used of what must stay bounded. */
  readonly resources: readonly HighestUse[]
  readonly families: readonly FaultFamily[]
  readonly shape: string
}

const TRACE_LINES_MAX = 400
/** How long before the first operation of a counterexample its trace begins, in virtual milliseconds. */
const TRACE_LEAD_MS = 20

/** One simulation at a time in a process: the real world is closed while it runs. Never rejects for what the cluster does. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, ticks = TICKS_DEFAULT, onLine } = options
  const plan = planFaults(seed, options.faults)
  const settings = drawWorld(seed, options)
  const play = async (live: ((line: TraceLine) => void) | undefined): Promise<World> => {
    const world = new World(settings, plan, live)
    await playWorld(world, () => playScenario(world, { faultMs: ticks * TICK_MS }))
    return world
  }
  const world = await play(onLine === undefined ? undefined : (line) => onLine(lineText(line)))
  const { failure, timeline, recorder } = world
  const { bootstrap } = settings.cluster
  return {
    seed,
    ok: failure === undefined,
    failure,
    trace: failure === undefined ? [] : await relevantTrace(world, failure, play),
    traceHash: timeline.hash.text,
    virtualMs: timeline.nowUs / 1000,
    events: timeline.events,
    operations: recorder.counts,
    operationKinds: Object.fromEntries(recorder.kinds),
    faults: world.counts.toObject(),
    resources: world.highestUse(),
    families: [...plan.families],
    shape: `${bootstrap.stores.length} stores, ${bootstrap.shards} shards, ${settings.clients} clients, ${settings.load.keys.length} keys`,
  }
}

/**
 * What led to a failure, without what certainly has nothing to do with it. What was noticed long after it happened is played once more, because nobody
 * keeps the lines of a whole run.
 */
async function relevantTrace(
  world: World,
  failure: SimulationFailure,
  play: (live: (line: TraceLine) => void) => Promise<World>,
): Promise<string[]> {
  const { group, keys, fromMs, toMs } = failure
  if (fromMs === undefined) return world.trace.last(TRACE_LINES_MAX, { group, keys }).map(lineText)
  const filter = { group, keys, fromMs: fromMs - TRACE_LEAD_MS, toMs }
  const lines: TraceLine[] = []
  await play((line) => {
    if (concerns(line, filter)) lines.push(line)
  })
  return lines.slice(-TRACE_LINES_MAX).map(lineText)
}

/** Lets the world's time pass, with the real world closed, until `script` has ended it or it has failed. */
export async function playWorld(world: World, script: () => Promise<void>): Promise<void> {
  const openRealWorld = closeRealWorld()
  const stopListening = hearRejections((error) => world.onError(world.timeline.current, error))
  try {
    world.later(0, () => {
      script().catch((error: unknown) => world.onError(undefined, error))
    })
    await runTurns(() => !world.isOver && world.timeline.step())
  } finally {
    stopListening()
    openRealWorld()
  }
}

/** A rejected promise that nobody looked at ends the process whose event it was; whoever else listens is not asked meanwhile. */
function hearRejections(hear: (error: unknown) => void): () => void {
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', hear)
  return () => {
    process.off('unhandledRejection', hear)
    for (const other of others) process.on('unhandledRejection', other)
  }
}
