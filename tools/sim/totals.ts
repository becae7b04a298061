/** The figures of a whole campaign: added up seed by seed, printed as lines or as a block for `test/sim/RESULTS.md`. */
import { availableParallelism, cpus } from 'node:os'
import { FAULT_FAMILIES } from '../../src/testing/index.ts'
import { commit, countsText } from './report.ts'
import type { SeedEnd } from './seed-pool.ts'

/** What a simulation counts such a history under. */
const UNDECIDED = '(histories undecided)'
const MS_PER_HOUR = 3_600_000
const MS_PER_MINUTE = 60_000

export class Totals {
  seeds = 0
  failures = 0
  readonly #startedMs: number
  readonly #from: number
  #virtualMs = 0
  #processorMs = 0
  #events = 0
  readonly #operations = { done: 0, refused: 0, none: 0, unknown: 0 }
  readonly #failed: number[] = []
  readonly #kinds = new Map<string, number>()
  readonly #faults = new Map<string, number>()
  readonly #resources = new Map<string, { readonly value: number; readonly valueMax: number }>()
  /** In how many seeds each family of faults was switched on. */
  readonly #families = new Map<string, number>()

  constructor(startedMs: number, from: number) {
    this.#startedMs = startedMs
    this.#from = from
  }

  add(end: SeedEnd): void {
    this.seeds++
    if (end.kind === 'lost') {
      this.failures++
      this.#failed.push(end.seed)
      return
    }
    const { seed, ok, virtualMs, events, operations, operationKinds, faults, families, resources } = end.result
    this.#virtualMs += virtualMs
    this.#processorMs += end.processorMs
    this.#events += events
    for (const kind of ['done', 'refused', 'none', 'unknown'] as const) this.#operations[kind] += operations[kind]
    for (const [counted, counts] of [
      [this.#kinds, operationKinds],
      [this.#faults, faults],
    ] as const)
      for (const [kind, count] of Object.entries(counts)) counted.set(kind, (counted.get(kind) ?? 0) + count)
    for (const family of families) this.#families.set(family, (this.#families.get(family) ?? 0) + 1)
    for (const { name, value, valueMax } of resources) {
      const known = this.#resources.get(name)
      if (known === undefined || value / valueMax > known.value / known.valueMax)
        this.#resources.set(name, { value, valueMax })
    }
    if (ok) return
    this.failures++
    this.#failed.push(seed)
  }

  line(nowMs: number): string {
    const realMs = nowMs - this.#startedMs
    const hours = (this.#virtualMs / MS_PER_HOUR).toFixed(1)
    const minutes = (realMs / MS_PER_MINUTE).toFixed(1)
    return `${this.seeds} seeds, ${hours} simulated hours in ${minutes} minutes (x${(this.#virtualMs / realMs).toFixed(0)}), ${this.failures} failed`
  }

  report(nowMs: number): string {
    const { unknown } = this.#operations
    return [
      this.line(nowMs),
      `${this.#operationsTotal()} operations (${unknown} with unknown outcome), ${this.#events} events, commit ${commit()}, Node ${process.versions.node}`,
      `done: ${countsText(sorted(this.#kinds))}`,
      `faults: ${countsText(sorted(this.#faults))}`,
      this.#verdict(),
    ].join('\n')
  }

  markdown(nowMs: number, command: string): string {
    const realMs = nowMs - this.#startedMs
    const { done, refused, none, unknown } = this.#operations
    const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`
    const never = FAULT_FAMILIES.filter((family) => !this.#families.has(family))
    const families = FAULT_FAMILIES.map((family) => `${family} ${this.#families.get(family) ?? 0}`).join(', ')
    return [
      `\`${command}\`, commit ${commit()}, Node ${process.versions.node}, ${machine}: ${this.#verdict()}.`,
      '',
      '| figure | value |',
      '|---|---|',
      `| seeds | ${this.seeds}, from ${this.#from} |`,
      `| failed | ${this.failures} |`,
      `| real time | ${(realMs / MS_PER_MINUTE).toFixed(1)} minutes |`,
      `| processor time | ${(this.#processorMs / MS_PER_MINUTE).toFixed(1)} minutes |`,
      `| simulated time | ${(this.#virtualMs / MS_PER_HOUR).toFixed(1)} hours |`,
      `| time compression | ${(this.#virtualMs / realMs).toFixed(0)} times |`,
      `| events | ${this.#events} |`,
      `| operations | ${this.#operationsTotal()}: ${done} done, ${refused} refused by their condition, ${none} certainly not done, ${unknown} unknown |`,
      `| done, of each kind | ${countsText(sorted(this.#kinds))} |`,
      `| seeds with each family of faults | ${families} |`,
      `| histories that the checker could not decide | ${this.#faults.get(UNDECIDED) ?? 0} |`,
      ...(never.length === 0 ? [] : [`| families that never came up | ${never.join(', ')} |`]),
      '',
      '| what happened | how often |',
      '|---|---|',
      ...Object.entries(sorted(this.#faults)).map(([kind, count]) => `| ${kind} | ${count} |`),
      '',
      '| what must stay bounded | nearest to its bound | bound |',
      '|---|---|---|',
      ...[...this.#resources].map(([name, { value, valueMax }]) => `| ${name} | ${value} | ${valueMax} |`),
    ].join('\n')
  }

  #verdict(): string {
    return this.failures === 0 ? 'every promise was kept' : `failed seeds: ${this.#failed.join(' ')}`
  }

  #operationsTotal(): number {
    const { done, refused, none, unknown } = this.#operations
    return done + refused + none + unknown
  }
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}
