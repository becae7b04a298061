/**
 * The entry point of `npm run mutants`: plants each bug of the list in a private copy of the sources and sees whether the simulator and the tests of its
 * area notice. `npm run mutants -- --help` explains the rest.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  fails,
  type HuntLimits,
  huntCheapestFirst,
  huntWithBoth,
  huntWithSimulation,
  type TestCost,
  testFiles,
} from './hunt.ts'
import { MUTANTS } from './list.ts'
import { AREA_TESTS, type Mutant } from './mutant.ts'
import {
  type BaselineCost,
  describeVerdict,
  formatCost,
  formatVerdict,
  parseCosts,
  parseVerdicts,
  resultsTable,
  summary,
} from './report.ts'
import { Workshop } from './workshop.ts'

const HELP = `Usage: npm run mutants -- [options]

  --only PART       only bugs whose name or area contains this; may be repeated
  --jobs J          bugs hunted at the same time (2)
  --seeds N         simulated seeds per bug, from 1 (24)
  --ticks T         how long faults go on in each, in ticks of 50 virtual ms (600)
  --budget S        seconds per bug for the simulator, and again for the tests (150)
  --fast            ask who costs least first and stop at the first who notices
  --at-most N       hunt so many bugs and end; with --keep the next run goes on
  --keep FILE       append each verdict to this file, and skip bugs that are in it
  --results         write the table into test/sim/RESULTS.md (from --keep and this run)

Exit codes: 0 every bug was caught or is known to survive, 1 one was not, 2 usage.`

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const RESULTS = 'test/sim/RESULTS.md'
const HEADING = '## Mutation proof'
const COMMAND = 'npm run mutants -- --results'
const FAST_MEANS =
  'It stops at the first who notices, small test files first: an empty column says that nobody was asked there any more, not that nobody would have noticed.'
/** What a kept file calls the simulator's run without any bug. */
const SIMULATOR_COST = 'simulator'

class UsageError extends Error {}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const isUsage =
    error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true
  if (!isUsage) throw error
  console.error(`${(error as Error).message}\n\n${HELP}`)
  process.exitCode = 2
}

async function main(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      jobs: { type: 'string', default: '2' },
      seeds: { type: 'string', default: '24' },
      ticks: { type: 'string', default: '600' },
      budget: { type: 'string', default: '150' },
      fast: { type: 'boolean', default: false },
      'at-most': { type: 'string' },
      keep: { type: 'string' },
      results: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const budgetMs = 1000 * whole('budget', values.budget)
  const limits = {
    seeds: whole('seeds', values.seeds),
    ticks: whole('ticks', values.ticks),
    simulationMs: budgetMs,
    testsMs: budgetMs,
  }
  const chosen = MUTANTS.filter(
    ({ id, area }) => values.only.length === 0 || values.only.some((part) => id.includes(part) || area.includes(part)),
  )
  if (chosen.length === 0) throw new UsageError('no planted bug has such a name')
  const keep = (line: string): void => {
    if (values.keep !== undefined) appendFileSync(values.keep, line)
  }
  const kept = values.keep !== undefined && existsSync(values.keep) ? readFileSync(values.keep, 'utf8') : ''
  const verdicts = new Map(parseVerdicts(kept))
  const left = chosen.filter(({ id }) => !verdicts.has(id))
  const queue = values['at-most'] === undefined ? left : left.slice(0, whole('at-most', values['at-most']))
  const files = queue.length === 0 ? [] : await baseline(queue, parseCosts(kept), limits, keep)
  const judge = async (): Promise<void> => {
    const workshop = new Workshop(ROOT)
    try {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        const { directory } = workshop
        const { id, area } = mutant
        const named = new Set(AREA_TESTS[area].flatMap((test) => testFiles(directory, test)))
        const asked = files.filter(({ file }) => named.has(file))
        const hunt = values.fast ? huntCheapestFirst : huntWithBoth
        const verdict = { id, ...(await workshop.with(mutant, () => hunt(directory, asked, limits))) }
        verdicts.set(id, verdict)
        keep(formatVerdict(verdict))
        console.log(describeVerdict(mutant, verdict))
      }
    } finally {
      workshop.close()
    }
  }
  await Promise.all(Array.from({ length: Math.min(whole('jobs', values.jobs), queue.length) }, judge))
  console.log(summary(chosen, verdicts))
  if (values.results) writeResults(resultsTable(MUTANTS, verdicts), values.fast)
  const isLost = ({ id, survives }: Mutant): boolean => {
    const verdict = verdicts.get(id)
    return survives === undefined && verdict?.simulation === undefined && verdict?.tests === undefined
  }
  return chosen.some(isLost) ? 1 : 0
}

/**
 * Without any bug nothing may fail, or a failure would prove nothing. Answers the test files that pass, and what they take; those that `known` has are not
 * run again.
 */
async function baseline(
  mutants: readonly Mutant[],
  known: readonly BaselineCost[],
  limits: HuntLimits,
  keep: (line: string) => void,
): Promise<TestCost[]> {
  const workshop = new Workshop(ROOT)
  const sources = workshop.fingerprint()
  // What passed in other sources may fail in these, and would count as a catch.
  const costs = new Map(known.filter((cost) => cost.sources === sources).map((cost) => [cost.file, cost]))
  const add = (cost: BaselineCost): void => {
    costs.set(cost.file, cost)
    keep(formatCost(cost))
  }
  try {
    if (!costs.has(SIMULATOR_COST)) {
      const simulation = await huntWithSimulation(workshop.directory, limits)
      if (simulation !== undefined) throw new Error(`the simulator fails without any planted bug: ${simulation}`)
      add({ file: SIMULATOR_COST, ms: 0, fails: false, sources })
    }
    const tests = [...new Set(mutants.flatMap(({ area }) => AREA_TESTS[area]))]
    for (const file of tests.flatMap((test) => testFiles(workshop.directory, test))) {
      if (costs.has(file)) continue
      const startedMs = Date.now()
      const isBroken = await fails(workshop.directory, file)
      add({ file, ms: Date.now() - startedMs, fails: isBroken, sources })
    }
  } finally {
    workshop.close()
  }
  for (const { file } of [...costs.values()].filter((cost) => cost.fails))
    console.log(`without any planted bug ${file} fails: it is not asked`)
  return [...costs.values()].filter((cost) => !cost.fails)
}

/** Replaces the section in the results, or adds it. */
function writeResults(table: string, isFast: boolean): void {
  const file = path.join(ROOT, RESULTS)
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '# What the simulator found\n'
  const made = isFast ? `\`${COMMAND} --fast\`. ${FAST_MEANS}` : `\`${COMMAND}\`.`
  const section = `${HEADING}\n\nMade by ${made}\n\n${table}\n`
  const at = text.indexOf(HEADING)
  if (at < 0) {
    writeFileSync(file, `${text.trimEnd()}\n\n${section}`)
    return
  }
  const next = text.indexOf('\n## ', at + HEADING.length)
  writeFileSync(file, text.slice(0, at) + section + (next < 0 ? '' : text.slice(next)))
}

function whole(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new UsageError(`--${name} is a whole number from 1`)
  return value
}
