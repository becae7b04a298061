/** The same seed does the same things: in one process, and in another one. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { simulate } from '../../src/testing/index.ts'

const TICKS = 200

test('two runs of one seed have the same trace, to the last byte', async () => {
  for (const seed of [1, 2, 3]) {
    const one = await simulate({ seed, ticks: TICKS })
    const other = await simulate({ seed, ticks: TICKS })
    assert.deepEqual(other, one)
  }
})

test('another seed is another run', async () => {
  const hashes = new Set<string>()
  for (const seed of [4, 5, 6, 7]) hashes.add((await simulate({ seed, ticks: 40 })).traceHash)
  assert.equal(hashes.size, 4)
})

test('another process plays the same run', async () => {
  const here = await simulate({ seed: 8, ticks: TICKS })
  const main = fileURLToPath(new URL('../../tools/sim/main.ts', import.meta.url))
  const words = ['--import', 'tsx', main, '--seed', '8', '--ticks', String(TICKS)]
  const printed = execFileSync(process.execPath, words, { encoding: 'utf8' })
  assert.match(printed, new RegExp(`trace hash ${here.traceHash}`))
})

test('watching a run does not change it', async () => {
  let lines = 0
  const watched = await simulate({ seed: 9, ticks: 100, onLine: () => lines++ })
  const unwatched = await simulate({ seed: 9, ticks: 100 })
  assert.equal(watched.traceHash, unwatched.traceHash)
  assert(lines > 1000, `${lines} lines are no trace`)
})
