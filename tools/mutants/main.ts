/**
 * The entry point of `npm run mutants`: plants each bug of the list in a private copy of the sources and sees whether the simulator and the tests of its
 * area notice. `npm run mutants -- --help` explains the rest.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  type Catches,
  type HuntLimits,
  huntAgain,
  huntLikeliestFirst,
  huntWithBoth,
  type SoundSources,
  testFiles,
} from './hunt.ts'
import { evidenceOf, KeptVerdicts, type Verdict } from './kept.ts'
import { MUTANTS } from './list.ts'
import { AREA_TESTS, type Mutant } from './mutant.ts'
import { describeVerdict, resultsTable, summary } from './report.ts'
import { SoundCopy } from './sound.ts'
import { Workshop } from './workshop.ts'

const HELP = `Usage: npm run mutants -- [options]

  --only PART       only bugs whose name or area contains this; may be repeated
  --jobs J          bugs hunted at the same time (2)
  --seeds N         simulated seeds per bug, from 1 (24)
  --ticks T         how long faults go on in each, in ticks of 50 virtual ms (600)
  --budget S        seconds of processor time per bug for the simulator, four times as many for the tests (150)
  --fast            ask who noticed last time, then tests of the very module, and stop at the first who notices
  --resume          skip bugs whose kept verdict stands: nothing that it rests on has changed
  --at-most N       hunt so many bugs and end; --resume goes on after them
  --keep FILE       append each verdict to this file (.artifacts/mutants.jsonl)
  --results         write the table into test/sim/RESULTS.md, of all verdicts that stand

A run may be stopped (SIGSTOP) or ended at any time: what was judged is kept.
Exit codes: 0 every bug was caught or is known to survive, 1 one was not, 2 usage.`

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const RESULTS = 'test/sim/RESULTS.md'
const TESTS_PER_SIMULATION = 4
const EXIT_INTERRUPTED = 130
const HEADING = '## Mutation proof'
const COMMAND = 'npm run mutants -- --results'
const FAST_MEANS =
  'It stops at the first who notices, who noticed last time and tests of the very module first: an empty column says that nobody was asked there any more, not that nobody would have noticed.'

class UsageError extends Error {}

// Copies of the sources and running checks go when the process ends, whatever ends it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT_INTERRUPTED))

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
      resume: { type: 'boolean', default: false },
      keep: { type: 'string', default: path.join(ROOT, '.artifacts', 'mutants.jsonl') },
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
    testsMs: TESTS_PER_SIMULATION * budgetMs,
  }
  const chosen = MUTANTS.filter(
    ({ id, area }) => values.only.length === 0 || values.only.some((part) => id.includes(part) || area.includes(part)),
  )
  if (chosen.length === 0) throw new UsageError('no planted bug has such a name')
  const kept = new KeptVerdicts(values.keep)
  const sources = new Workshop(ROOT)
  try {
    const sound = new SoundCopy(sources, limits)
    const left = values.resume ? chosen.filter((mutant) => !kept.stands(mutant, sources)) : [...chosen]
    console.log(`${chosen.length - left.length} of ${chosen.length} verdicts stand`)
    const queue = values['at-most'] === undefined ? left : left.slice(0, whole('at-most', values['at-most']))
    const judge = () => judgeQueue(queue, { kept, sound, limits, isFast: values.fast })
    await Promise.all(Array.from({ length: Math.min(whole('jobs', values.jobs), queue.length) }, judge))
    const standing = new Map<string, Verdict>()
    for (const mutant of MUTANTS) {
      const verdict = kept.verdict(mutant.id)
      if (verdict !== undefined && kept.stands(mutant, sources)) standing.set(mutant.id, verdict)
    }
    console.log(summary(chosen, standing))
    if (values.results) writeResults(resultsTable(MUTANTS, standing), values.fast)
    return chosen.some((mutant) => isLost(mutant, standing.get(mutant.id))) ? 1 : 0
  } finally {
    sources.close()
  }
}

interface Inquiry {
  readonly kept: KeptVerdicts
  readonly sound: SoundSources
  readonly limits: HuntLimits
  readonly isFast: boolean
}

/** Takes bugs from the queue until it is empty, in a copy of its own. */
async function judgeQueue(queue: Mutant[], { kept, sound, limits, isFast }: Inquiry): Promise<void> {
  const workshop = new Workshop(ROOT)
  try {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const { directory } = workshop
      const { id, area } = mutant
      const scene = { directory, sound, costs: kept }
      const files = [...new Set(AREA_TESTS[area].flatMap((test) => testFiles(directory, test)))]
      const known = kept.verdict(id)
      const catches = await workshop.with(mutant, async (): Promise<Catches> => {
        if (!isFast) return huntWithBoth(scene, files, limits)
        const again = known === undefined ? undefined : await huntAgain(scene, known, limits)
        return again ?? huntLikeliestFirst(scene, mutant.file, files, limits)
      })
      const { simulation, tests, isCutShort } = catches
      if (isCutShort === true && simulation === undefined) {
        console.log(`TIME IS OVER  ${area}: ${id}`)
        continue
      }
      const verdict = { id, simulation, tests, evidence: evidenceOf(mutant, catches, workshop) }
      kept.keep(verdict)
      console.log(describeVerdict(mutant, verdict))
    }
  } finally {
    workshop.close()
  }
}

/** Nobody noticed, or nobody was asked, and no reason is known. */
function isLost({ survives }: Mutant, verdict: Verdict | undefined): boolean {
  return survives === undefined && verdict?.simulation === undefined && verdict?.tests === undefined
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
