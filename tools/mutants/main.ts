/**
 * The entry point of `npm run mutants`: plants each bug of the list in a private copy of the sources and sees whether the simulator and the tests of its
 * area notice. `npm run mutants -- --help` explains the rest.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fails, type HuntLimits, huntWithSimulation, huntWithTests, testFiles } from './hunt.ts'
import { MUTANTS } from './list.ts'
import { AREA_TESTS, type Mutant } from './mutant.ts'
import { describeVerdict, formatVerdict, parseVerdicts, resultsTable, summary, type Verdict } from './report.ts'
import { Workshop } from './workshop.ts'

const HELP = `Usage: npm run mutants -- [options]

  --only PART       only bugs whose name or area contains this; may be repeated
  --jobs J          bugs hunted at the same time (2)
  --seeds N         simulated seeds per bug, from 1 (12)
  --budget S        seconds per bug for the simulator, and again for the tests (150)
  --first           stop at the first who notices, instead of asking both
  --no-baseline     do not check first that nothing fails without a bug
  --keep FILE       append each verdict to this file, and skip bugs that are in it
  --results         write the table into test/sim/RESULTS.md (from --keep and this run)

Exit codes: 0 every bug was caught or is known to survive, 1 one was not, 2 usage.`

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const RESULTS = 'test/sim/RESULTS.md'
const HEADING = '## Mutation proof'
const COMMAND = 'npm run mutants -- --results'

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
      seeds: { type: 'string', default: '12' },
      budget: { type: 'string', default: '150' },
      first: { type: 'boolean', default: false },
      'no-baseline': { type: 'boolean', default: false },
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
  const limits = { seeds: whole('seeds', values.seeds), simulationMs: budgetMs, testsMs: budgetMs }
  const chosen = MUTANTS.filter(
    ({ id, area }) => values.only.length === 0 || values.only.some((part) => id.includes(part) || area.includes(part)),
  )
  if (chosen.length === 0) throw new UsageError('no planted bug has such a name')
  const kept =
    values.keep !== undefined && existsSync(values.keep)
      ? parseVerdicts(readFileSync(values.keep, 'utf8'))
      : new Map<string, Verdict>()
  const verdicts = new Map(kept)
  const queue = chosen.filter(({ id }) => !verdicts.has(id))
  const except = values['no-baseline'] || queue.length === 0 ? new Set<string>() : await baseline(queue, limits)
  const judge = async (): Promise<void> => {
    const workshop = new Workshop(ROOT)
    try {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        const verdict = await workshop.with(mutant, () => hunt(workshop, mutant, except, limits, values.first))
        verdicts.set(mutant.id, verdict)
        if (values.keep !== undefined) appendFileSync(values.keep, formatVerdict(verdict))
        console.log(describeVerdict(mutant, verdict))
      }
    } finally {
      workshop.close()
    }
  }
  await Promise.all(Array.from({ length: Math.min(whole('jobs', values.jobs), queue.length) }, judge))
  console.log(summary(chosen, verdicts))
  if (values.results) writeResults(resultsTable(MUTANTS, verdicts))
  const isLost = ({ id, survives }: Mutant): boolean => {
    const verdict = verdicts.get(id)
    return survives === undefined && verdict?.simulation === undefined && verdict?.tests === undefined
  }
  return chosen.some(isLost) ? 1 : 0
}

async function hunt(
  workshop: Workshop,
  mutant: Mutant,
  except: ReadonlySet<string>,
  limits: HuntLimits,
  first: boolean,
): Promise<Verdict> {
  const { directory } = workshop
  const simulation = await huntWithSimulation(directory, limits)
  const isEnough = first && simulation !== undefined
  const tests = isEnough ? undefined : await huntWithTests(directory, AREA_TESTS[mutant.area], except, limits)
  return { id: mutant.id, simulation, tests }
}

/** Without any bug nothing may fail, or a failure would prove nothing. Answers the test files that do. */
async function baseline(mutants: readonly Mutant[], limits: HuntLimits): Promise<ReadonlySet<string>> {
  const workshop = new Workshop(ROOT)
  const except = new Set<string>()
  try {
    const simulation = await huntWithSimulation(workshop.directory, limits)
    if (simulation !== undefined) throw new Error(`the simulator fails without any planted bug: ${simulation}`)
    const tests = [...new Set(mutants.flatMap(({ area }) => AREA_TESTS[area]))]
    for (const file of tests.flatMap((test) => testFiles(workshop.directory, test))) {
      if (await fails(workshop.directory, file)) except.add(file)
    }
  } finally {
    workshop.close()
  }
  for (const file of except) console.log(`without any planted bug ${file} fails: it is not asked`)
  return except
}

/** Replaces the section in the results, or adds it. */
function writeResults(table: string): void {
  const file = path.join(ROOT, RESULTS)
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '# What the simulator found\n'
  const section = `${HEADING}\n\nMade by \`${COMMAND}\`.\n\n${table}\n`
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
