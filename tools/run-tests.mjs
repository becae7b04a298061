/**
 * Runs the tests: `node tools/run-tests.mjs [FILTER...]`. Every file under `test/` that ends in `.test.ts`, each in a process of its own; those
 * under `test/process/` and `test/chaos/` start whole clusters and run one at a time, after the others. A filter is a part of a path. The last line printed is
 * `N passed, N failed, N skipped`; the exit code is 0 only when something ran and nothing failed.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const PROCESS_TESTS = ['process', 'chaos'].map((folder) => path.join('test', folder) + path.sep)
const UNIT_CONCURRENCY = 2
/** A file that takes longer hangs, most often on something that a failed test left open. */
const FILE_MS_MAX = 300_000
const COUNTER = pathToFileURL(path.join(ROOT, 'tools', 'test-counts.mjs')).href

/** @type {import('node:child_process').ChildProcess | undefined} */
let running
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => running?.kill(signal))

const filters = process.argv.slice(2)
const files = readdirSync(path.join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .map((file) => path.join('test', file))
  .filter((file) => file.endsWith('.test.ts'))
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort()
const total = { pass: 0, fail: 0, skipped: 0 }
let isClean = files.length > 0
if (!isClean) console.error(`no test file has ${filters.join(' or ')} in its path`)
await runAll(
  files.filter((file) => !startsClusters(file)),
  UNIT_CONCURRENCY,
)
await runAll(files.filter(startsClusters), 1)
console.log(`${total.pass} passed, ${total.fail} failed, ${total.skipped} skipped`)
process.exitCode = isClean && total.fail === 0 ? 0 : 1

function startsClusters(file) {
  return PROCESS_TESTS.some((folder) => file.startsWith(folder))
}

async function runAll(list, concurrency) {
  if (list.length === 0) return
  const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-tests-'))
  const countsFile = path.join(directory, 'counts')
  const reporters = [
    ['--test-reporter=spec', '--test-reporter-destination=stdout'],
    [`--test-reporter=${COUNTER}`, `--test-reporter-destination=${countsFile}`],
  ].flat()
  const words = [
    '--import',
    'tsx',
    '--test',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${FILE_MS_MAX}`,
    ...reporters,
    ...list,
  ]
  try {
    running = spawn(process.execPath, words, { cwd: ROOT, stdio: 'inherit' })
    const exitCode = await new Promise((resolve) => running?.once('close', resolve))
    const counts = readCounts(countsFile)
    // A runner that died has counted nothing; that must not pass for success.
    if (exitCode !== 0 && counts.fail === 0) counts.fail = 1
    if (exitCode !== 0) isClean = false
    for (const name of ['pass', 'fail', 'skipped']) total[name] += counts[name]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // The runner ended before it wrote its summary.
    return { pass: 0, fail: 1, skipped: 0 }
  }
}
