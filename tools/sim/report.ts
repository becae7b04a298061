/** Results in words: one run, a failure with the command that replays it, a whole campaign. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { SimulationResult } from '../../src/testing/index.ts'
import type { SeedJob } from './seed-job.ts'

const TRACE_LINES_SHOWN = 60
const MS_PER_HOUR = 3_600_000

export function describeRun(result: SimulationResult, realMs: number): string {
  const { seed, ok, shape, families, virtualMs, events, operations, faults, traceHash } = result
  const { done, refused, none, unknown } = operations
  return [
    `seed ${seed}: ${ok ? 'all promises kept' : 'FAILED'}`,
    `  ${shape}`,
    `  families of faults: ${families.join(', ') || 'none'}`,
    `  ${(virtualMs / 1000).toFixed(1)} s of virtual time in ${(realMs / 1000).toFixed(2)} s (x${(virtualMs / realMs).toFixed(0)}), ${events} events`,
    `  operations: ${done} done, ${refused} refused by their condition, ${none} certainly not done, ${unknown} unknown`,
    `  faults: ${faultsText(faults)}`,
    `  trace hash ${traceHash}`,
  ].join('\n')
}

export function describeFailure({ seed, failure, trace, shape, families }: SimulationResult, job: SeedJob): string {
  if (failure === undefined) return ''
  return [
    '',
    `FAILURE of seed ${seed} at ${failure.timeMs.toFixed(3)} virtual ms, commit ${commit()}`,
    `${shape}; ${families.join(', ') || 'no faults'}`,
    failure.message,
    `the last events${failure.group === undefined ? '' : ` of group ${failure.group}`}${failure.keys === undefined ? '' : ` and keys ${failure.keys.join(' ')}`}:`,
    ...trace.slice(-TRACE_LINES_SHOWN),
    `replay: npm run sim -- ${replayWords(job)}`,
    '',
  ].join('\n')
}

function replayWords({ seed, ticks, stores, shards, clients, faults }: SeedJob): string {
  const words = [`--seed ${seed}`]
  for (const [name, value] of Object.entries({ ticks, stores, shards, clients }))
    if (value !== undefined) words.push(`--${name} ${value}`)
  if (faults !== undefined) words.push(`--faults ${faults.join(',') || 'none'}`)
  return words.join(' ')
}

export class Totals {
  seeds = 0
  failures = 0
  readonly #startedMs: number
  #virtualMs = 0
  #events = 0
  #operations = 0
  #unknown = 0
  readonly #failed: number[] = []
  readonly #faults = new Map<string, number>()

  constructor(startedMs: number) {
    this.#startedMs = startedMs
  }

  add({ seed, ok, virtualMs, events, operations, faults }: SimulationResult): void {
    this.seeds++
    this.#virtualMs += virtualMs
    this.#events += events
    this.#operations += operations.done + operations.refused + operations.none + operations.unknown
    this.#unknown += operations.unknown
    for (const [kind, count] of Object.entries(faults)) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count)
    if (ok) return
    this.failures++
    this.#failed.push(seed)
  }

  line(nowMs: number): string {
    const realMs = nowMs - this.#startedMs
    const hours = (this.#virtualMs / MS_PER_HOUR).toFixed(1)
    return `${this.seeds} seeds, ${hours} simulated hours in ${(realMs / 60_000).toFixed(1)} minutes (x${(this.#virtualMs / realMs).toFixed(0)}), ${this.failures} failed`
  }

  report(nowMs: number): string {
    const faults = Object.fromEntries([...this.#faults].sort(([a], [b]) => (a < b ? -1 : 1)))
    return [
      this.line(nowMs),
      `${this.#operations} operations (${this.#unknown} with unknown outcome), ${this.#events} events, commit ${commit()}, Node ${process.versions.node}`,
      `faults: ${faultsText(faults)}`,
      this.failures === 0 ? 'every promise was kept' : `failed seeds: ${this.#failed.join(' ')}`,
    ].join('\n')
  }
}

function faultsText(faults: Readonly<Record<string, number>>): string {
  const text = Object.entries(faults).map(([kind, count]) => `${kind} ${count}`)
  return text.length === 0 ? 'none' : text.join(', ')
}

function commit(): string {
  try {
    const cwd = fileURLToPath(new URL('.', import.meta.url))
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    // An installed package has no history.
    return 'unknown'
  }
}
