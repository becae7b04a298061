/**
 * The entry point of `npm run sim`: plays simulated clusters from seeds. One seed runs in this process and can be read line by line; many run in
 * child processes, one per core. `npm run sim -- --help` explains the rest.
 */
import { parseArgs } from 'node:util'
import { FAULT_FAMILIES, type FaultFamily, simulate } from '../../src/testing/index.ts'
import { Campaign } from './campaign.ts'
import { describeFailure, describeLoss, describeRun } from './report.ts'
import { isSeedChild, serveSeeds } from './seed-child.ts'
import type { SeedJob } from './seed-job.ts'
import { type PoolOptions, runSeeds } from './seed-pool.ts'
import { Totals } from './totals.ts'

const HELP = `Usage: npm run sim -- [options]

One seed:
  --seed N            play this seed, and replay it exactly
  --trace             print everything that happens (long)

Many seeds, each with its own mix of faults:
  --minutes M         for so long (10 unless --count says otherwise)
  --from N            first seed; chosen by the clock when absent
  --count K           so many seeds
  --jobs J            processes; one per core when absent
  --seed-seconds S    a seed that takes longer, in processor time, has failed (120)
  --first             end at the first seed that fails
  --markdown          print the figures as a section for test/sim/RESULTS.md

What is simulated (drawn from the seed where absent):
  --ticks T           how long faults go on, in ticks of 50 virtual ms (1200)
  --stores S          1 to 9
  --shards H          at first
  --clients C         that load the cluster
  --faults a,b,c      only these families, or "none":
                      ${FAULT_FAMILIES.slice(0, 10).join(', ')},
                      ${FAULT_FAMILIES.slice(10).join(', ')}

Exit codes: 0 all well, 1 a promise was broken, 2 usage.`

const EXIT_FAILED = 1
const EXIT_USAGE = 2

class UsageError extends Error {}

if (isSeedChild()) serveSeeds()
else process.exitCode = await main(process.argv.slice(2))

async function main(words: readonly string[]): Promise<number> {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        seed: { type: 'string' },
        trace: { type: 'boolean' },
        minutes: { type: 'string' },
        from: { type: 'string' },
        count: { type: 'string' },
        jobs: { type: 'string' },
        'seed-seconds': { type: 'string', default: '120' },
        first: { type: 'boolean', default: false },
        markdown: { type: 'boolean', default: false },
        ticks: { type: 'string' },
        stores: { type: 'string' },
        shards: { type: 'string' },
        clients: { type: 'string' },
        faults: { type: 'string' },
        help: { type: 'boolean' },
      },
    })
    if (values.help === true) {
      console.log(HELP)
      return 0
    }
    const job: Omit<SeedJob, 'seed'> = {
      ticks: whole('ticks', values.ticks, 1, 10_000_000),
      stores: whole('stores', values.stores, 1, 9),
      shards: whole('shards', values.shards, 1, 64),
      clients: whole('clients', values.clients, 1, 256),
      faults: families(values.faults),
    }
    const seed = whole('seed', values.seed, 0, Number.MAX_SAFE_INTEGER)
    if (seed !== undefined) return await playOne({ seed, ...job }, values.trace === true)
    const count = whole('count', values.count, 1, 1e9)
    const minutes = whole('minutes', values.minutes, 1, 100_000) ?? (count === undefined ? 10 : undefined)
    // Seeds by the clock never repeat those of an earlier campaign, and still fit into a line that people copy.
    const from = whole('from', values.from, 0, Number.MAX_SAFE_INTEGER) ?? Math.floor(Date.now() / 1000) * 1000
    const campaign = new Campaign({
      from,
      count,
      endsAtMs: minutes === undefined ? undefined : Date.now() + minutes * 60_000,
    })
    return await playMany(campaign, job, {
      jobs: whole('jobs', values.jobs, 1, 64),
      seedMsMax: 1000 * (whole('seed-seconds', values['seed-seconds'], 1, 86_400) ?? 0),
      stopsAtFailure: values.first,
      command: values.markdown ? `npm run sim -- ${words.join(' ')}` : undefined,
    })
  } catch (error) {
    const isUsage = error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
    if (!isUsage) throw error
    console.error(`${(error as Error).message}\n\n${HELP}`)
    return EXIT_USAGE
  }
}

async function playOne(job: SeedJob, withTrace: boolean): Promise<number> {
  const startedMs = performance.now()
  const result = await simulate({ ...job, ...(withTrace ? { onLine: (line: string) => console.log(line) } : {}) })
  console.log(describeRun(result, performance.now() - startedMs))
  if (result.ok) return 0
  console.error(describeFailure(result, job))
  return EXIT_FAILED
}

interface ManyOptions extends PoolOptions {
  readonly stopsAtFailure: boolean
  /** The command to name in a report in Markdown; undefined for a plain one. */
  readonly command: string | undefined
}

async function playMany(campaign: Campaign, job: Omit<SeedJob, 'seed'>, options: ManyOptions): Promise<number> {
  const totals = new Totals(performance.now(), campaign.from)
  console.log(`seeds from ${campaign.from}`)
  await runSeeds(campaign, job, options, (end) => {
    totals.add(end)
    const { seed } = end.kind === 'played' ? end.result : end
    if (end.kind === 'lost') console.error(describeLoss(end, { seed, ...job }))
    else if (!end.result.ok) console.error(describeFailure(end.result, { seed, ...job }))
    else if (totals.seeds % 50 === 0) console.log(totals.line(performance.now()))
    if (totals.failures > 0 && options.stopsAtFailure) campaign.stop()
  })
  console.log(totals.report(performance.now()))
  if (options.command !== undefined) console.log(`\n${totals.markdown(performance.now(), options.command)}`)
  return totals.failures === 0 ? 0 : EXIT_FAILED
}

function whole(name: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text !== '' && Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw new UsageError(`--${name} takes a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`)
}

function families(text: string | undefined): readonly FaultFamily[] | undefined {
  if (text === undefined) return undefined
  if (text === 'none') return []
  return text.split(',').map((name) => {
    const family = FAULT_FAMILIES.find((each) => each === name)
    if (family === undefined) throw new UsageError(`there is no family of faults named ${JSON.stringify(name)}`)
    return family
  })
}
