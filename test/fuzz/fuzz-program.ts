/**
 * `npm run fuzz -- --minutes N [--seed N] [--only PART]`: every decoder with as many inputs as the time allows, each decoder an equal number. Prints
 * what was tried per decoder, and every finding with its input; exit code 1 when there is one. The same seed tries the same inputs in the same order.
 */
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { type FuzzReport, type FuzzWork, SHARED_HEAD_BYTES } from './fuzz-worker.ts'
import { DECODERS } from './table.ts'

const SHARED_INPUT_BYTES = 64 * 1024
/** A call that takes longer hangs. */
const SILENCE_MS_MAX = 30_000
const LOOK_MS = 1000
const WORKER = new URL('fuzz-worker.ts', import.meta.url).href

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
  },
})
const chosen = DECODERS.filter(
  ({ name }) => values.only.length === 0 || values.only.some((part) => name.includes(part)),
)
const minutes = Number(values.minutes)
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
if (!(minutes > 0) || !Number.isSafeInteger(seed) || chosen.length === 0) {
  console.error('usage: npm run fuzz -- [--minutes N] [--seed N] [--only PART]')
  process.exit(2)
}
const shared = new SharedArrayBuffer(SHARED_HEAD_BYTES + SHARED_INPUT_BYTES)
const head = new Uint32Array(shared, 0, 3)
const work: FuzzWork = { seed, endsAtMs: Date.now() + minutes * 60_000, only: values.only, shared }
console.log(`fuzzing ${chosen.length} decoders for ${minutes} minutes with seed ${seed}`)
// Hooks that make sources loadable do not reach new threads by themselves in every version of Node.
const boot = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(WORKER)}) })`
const worker = new Worker(boot, { eval: true, workerData: work, execArgv: [] })

let begun = 0
let silentSinceMs = Date.now()
const watch = setInterval(() => {
  const now = Atomics.load(head, 0)
  if (now !== begun) {
    begun = now
    silentSinceMs = Date.now()
  } else if (Date.now() - silentSinceMs > SILENCE_MS_MAX && begun > 0) {
    fail('does not end')
  }
}, LOOK_MS)

worker.on('message', (report: FuzzReport) => {
  clearInterval(watch)
  for (const { name, tried, accepted } of report.counts)
    console.log(`${name.padEnd(28)} ${String(tried).padStart(10)} tried ${String(accepted).padStart(10)} accepted`)
  const total = report.counts.reduce((sum, { tried }) => sum + tried, 0)
  console.log(`${total} inputs, ${report.findings.length} findings`)
  for (const { decoder, what, input } of report.findings) console.error(`${decoder}: ${what}\ninput (base64): ${input}`)
  process.exitCode = report.findings.length === 0 ? 0 : 1
})
worker.on('error', (error) => fail(`ends the thread: ${error.message}`))

function fail(what: string): void {
  clearInterval(watch)
  const length = Math.min(Atomics.load(head, 2), SHARED_INPUT_BYTES)
  const input = Buffer.from(new Uint8Array(shared, SHARED_HEAD_BYTES, length)).toString('base64')
  console.error(`${DECODERS[Atomics.load(head, 1)]?.name ?? 'a decoder'}: ${what}\ninput (base64): ${input}`)
  process.exit(1)
}
