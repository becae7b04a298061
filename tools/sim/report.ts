/** Results of single seeds in words: a run, a failure with the command that replays it. Whole campaigns are `totals.ts`. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { SimulationFailure, SimulationResult } from '../../src/testing/index.ts'
import type { SeedJob } from './seed-job.ts'

const TRACE_LINES_SHOWN = 60

export function describeRun(result: SimulationResult, realMs: number): string {
  const { seed, ok, shape, families, virtualMs, events, operations, operationKinds, faults, traceHash } = result
  const { done, refused, none, unknown } = operations
  return [
    `seed ${seed}: ${ok ? 'all promises kept' : 'FAILED'}`,
    `  ${shape}`,
    `  families of faults: ${families.join(', ') || 'none'}`,
    `  ${(virtualMs / 1000).toFixed(1)} s of virtual time in ${(realMs / 1000).toFixed(2)} s (x${(virtualMs / realMs).toFixed(0)}), ${events} events`,
    `  operations: ${done} done, ${refused} refused by their condition, ${none} certainly not done, ${unknown} unknown`,
    `  done: ${countsText(operationKinds)}`,
    `  faults: ${countsText(faults)}`,
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
    traceHeading(failure),
    ...trace.slice(-TRACE_LINES_SHOWN),
    `replay: npm run sim -- ${replayWords(job)}`,
    '',
  ].join('\n')
}

function traceHeading({ group, keys, fromMs, toMs }: SimulationFailure): string {
  const time = fromMs === undefined || toMs === undefined ? 'the last events' : `from ${fromMs} to ${toMs} ms`
  const about = [group === undefined ? [] : `group ${group}`, keys === undefined ? [] : `key ${keys.join(' ')}`].flat()
  return `${time}${about.length === 0 ? '' : `, without those about others than ${about.join(' and ')}`}:`
}

/** A seed that gave no result: the replay shows where it goes to. */
export function describeLoss({ seed, reason }: { seed: number; reason: string }, job: SeedJob): string {
  return `\nFAILURE of seed ${seed}: ${reason}, commit ${commit()}\nreplay: npm run sim -- ${replayWords(job)}\n`
}

function replayWords({ seed, ticks, stores, shards, clients, faults }: SeedJob): string {
  const words = [`--seed ${seed}`]
  for (const [name, value] of Object.entries({ ticks, stores, shards, clients }))
    if (value !== undefined) words.push(`--${name} ${value}`)
  if (faults !== undefined) words.push(`--faults ${faults.join(',') || 'none'}`)
  return words.join(' ')
}

export function countsText(counts: Readonly<Record<string, number>>): string {
  const text = Object.entries(counts).map(([kind, count]) => `${kind} ${count}`)
  return text.length === 0 ? 'none' : text.join(', ')
}

export function commit(): string {
  try {
    const cwd = fileURLToPath(new URL('.', import.meta.url))
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    // An installed package has no history.
    return 'unknown'
  }
}
