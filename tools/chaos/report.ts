/** The words at the end of a run: what was done, what clients saw, how long writes waited, what the checkers say, and how to go on from a failure. */
import type { Windows } from './availability.ts'
import type { Entry } from './timeline.ts'

export interface Report {
  readonly seed: number
  readonly command: string
  readonly seconds: number
  readonly folder: string
  readonly broker: string
  readonly stores: number
  readonly faults: Readonly<Record<string, number>>
  /** Faults that could not be tried here, with the reason. */
  readonly skipped: Readonly<Record<string, string>>
  readonly operations: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly unavailability: readonly Windows[]
  readonly liveAfterHealingMs: number | undefined
  readonly lostMessages: number
  readonly residentMibMax: Readonly<Record<string, number>>
  readonly verdicts: readonly string[]
  readonly failures: readonly string[]
}

const TIMELINE_LINES_MAX = 40

export function reportText(report: Report, timeline: readonly Entry[]): string {
  const { faults, skipped, operations, unavailability, residentMibMax, failures } = report
  const lines = [
    '',
    `chaos: seed ${report.seed}, ${report.stores} stores, ${report.broker}, ${Math.round(report.seconds)} s`,
    `faults: ${pairs(faults)}`,
    ...Object.entries(skipped).map(([fault, reason]) => `SKIPPED ${fault}: ${reason}`),
    'operations by kind and outcome:',
    ...Object.entries(operations).map(([kind, outcomes]) => `  ${kind.padEnd(24)} ${pairs(outcomes)}`),
    'writes on the shard that waited longest, from the fault to the first success (middle, longest):',
    ...unavailability.map(
      ({ fault, count, middleMs, longestMs }) =>
        `  ${fault.padEnd(18)} ${String(middleMs).padStart(6)} ms ${String(longestMs).padStart(6)} ms  (${count} times)`,
    ),
    report.liveAfterHealingMs === undefined
      ? 'not every shard served again after healing'
      : `every shard served through every gateway ${Math.round(report.liveAfterHealingMs)} ms after healing`,
    `messages between stores lost by the network: ${report.lostMessages}`,
    `memory at most: ${pairs(residentMibMax)} MiB`,
    ...report.verdicts,
    `history, logs and timeline: ${report.folder}`,
  ]
  if (failures.length === 0) return [...lines, 'PASSED'].join('\n')
  return [
    ...lines,
    '',
    'what was done last:',
    ...timeline.slice(-TIMELINE_LINES_MAX).map(({ atMs, text }) => `  ${(atMs / 1000).toFixed(2)} s  ${text}`),
    '',
    ...failures.map((failure) => `FAILED: ${failure}`),
    '',
    `seed ${report.seed}; run it again with: ${report.command}`,
    'The seed repeats the choice of faults and operations, not the timing of processes: it may take several runs to meet the same again.',
  ].join('\n')
}

function pairs(counts: Readonly<Record<string, number>>): string {
  const words = Object.entries(counts).map(([name, count]) => `${name} ${count}`)
  return words.length === 0 ? 'none' : words.join(', ')
}
