/** The list of planted bugs must not rot: each still finds its one place in the sources, changes it, and has tests that answer for its area. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  AREA_TESTS,
  fails,
  formatVerdict,
  huntWithTests,
  MUTANTS,
  type Mutant,
  parseVerdicts,
  placesOf,
  plant,
  resultsTable,
  summary,
  Workshop,
} from '../../tools/mutants/index.ts'

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const MUTANTS_MIN = 45

function sourceOf({ file }: Mutant): string {
  return readFileSync(path.join(ROOT, file), 'utf8')
}

test('there are enough planted bugs, in every area, each with a name of its own', () => {
  assert(MUTANTS.length >= MUTANTS_MIN, `${MUTANTS.length} planted bugs`)
  assert.equal(new Set(MUTANTS.map(({ id }) => id)).size, MUTANTS.length)
  for (const [area, tests] of Object.entries(AREA_TESTS)) {
    assert(
      MUTANTS.some((mutant) => mutant.area === area),
      `nothing is planted in ${area}`,
    )
    for (const folder of tests) assert(existsSync(path.join(ROOT, folder)), `${folder} of ${area} is gone`)
  }
})

for (const mutant of MUTANTS) {
  test(`planted bug: ${mutant.id}`, () => {
    const source = sourceOf(mutant)
    assert.equal(placesOf(mutant, source), 1, `its text occurs ${placesOf(mutant, source)} times in ${mutant.file}`)
    assert.notEqual(plant(mutant, source), source)
    assert(mutant.breaks.length > 10, 'it says what it breaks')
  })
}

test('a bug whose place is gone, or is not the only one, is refused', () => {
  const [mutant] = MUTANTS
  assert(mutant !== undefined)
  assert.throws(() => plant(mutant, 'something else'), /occurs 0 times/)
  assert.throws(() => plant(mutant, mutant.before + mutant.before), /occurs 2 times/)
})

test('a bug is planted in a copy, is noticed there, and leaves the sources as they are', {
  timeout: 180_000,
}, async () => {
  const mutant = MUTANTS.find(({ id }) => id === 'hand out an id twice')
  assert(mutant !== undefined)
  const before = sourceOf(mutant)
  const file = 'test/machine/placement-machine.test.ts'
  const limits = { seeds: 1, ticks: 100, simulationMs: 60_000, testsMs: 60_000 }
  const workshop = new Workshop(ROOT)
  try {
    assert.equal(await fails(workshop.directory, file), false, 'it fails without the bug')
    const sources = workshop.fingerprint()
    const caught = await workshop.with(mutant, () => {
      assert.notEqual(workshop.fingerprint(), sources, 'other sources have the same name')
      assert.equal(sourceOf(mutant), before)
      return huntWithTests(workshop.directory, [file], limits)
    })
    assert.equal(caught, file)
    assert.equal(await huntWithTests(workshop.directory, [], limits), undefined)
    assert.equal(workshop.fingerprint(), sources)
    assert.equal(readFileSync(path.join(workshop.directory, mutant.file), 'utf8'), before, 'the bug is taken out again')
  } finally {
    workshop.close()
  }
  assert(!existsSync(workshop.directory))
})

test('the table says who caught what, and names survivors', () => {
  const [first, second, third] = MUTANTS
  assert(first !== undefined && second !== undefined && third !== undefined)
  const verdicts = parseVerdicts(
    formatVerdict({ id: first.id, simulation: 'seed 3: two leaders', tests: undefined }) +
      formatVerdict({ id: second.id, simulation: undefined, tests: undefined }) +
      formatVerdict({ id: third.id, simulation: undefined, tests: 'test/raft/x.test.ts' }),
  )
  assert.match(
    summary(MUTANTS, verdicts),
    /^2 of 3 planted bugs caught \(66.7 %\): 1 by the simulator, 1 by tests of their area, 1 by the simulator alone$/,
  )
  const table = resultsTable(MUTANTS, verdicts)
  assert(table.includes(`| core | ${first.id} | ${first.breaks} | seed 3 | - |`), table)
  assert(table.includes('test/raft/x.test.ts |'))
  assert(table.includes(`- ${second.id}: `))
})
