/** The list of planted bugs must not rot: each still finds its one place in the sources, changes it, and has tests that answer for its area. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  AREA_TESTS,
  evidenceOf,
  fails,
  formatVerdict,
  type HuntLimits,
  huntAgain,
  huntWithTests,
  KeptVerdicts,
  MUTANTS,
  type Mutant,
  parseVerdicts,
  placesOf,
  plant,
  resultsTable,
  runChild,
  type Scene,
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

const LIMITS: HuntLimits = { seeds: 1, ticks: 100, simulationMs: 60_000, testsMs: 60_000 }

/** A scene in which every check passes without the bug, or none does. */
function sceneIn({ directory }: Workshop, passes = true): Scene {
  const sound = { passesFile: () => Promise.resolve(passes), passesSeed: () => Promise.resolve(passes) }
  return { directory, sound, costs: new Map<string, number>() }
}

test('a bug is planted in a copy, is noticed there, and leaves the sources as they are', {
  timeout: 180_000,
}, async () => {
  const mutant = MUTANTS.find(({ id }) => id === 'hand out an id twice')
  assert(mutant !== undefined)
  const before = sourceOf(mutant)
  const file = 'test/machine/placement-machine.test.ts'
  const workshop = new Workshop(ROOT)
  try {
    assert.equal((await fails(workshop.directory, file)).isFailing, false, 'it fails without the bug')
    const sources = workshop.fingerprint()
    const scene = sceneIn(workshop)
    await workshop.with(mutant, async () => {
      assert.notEqual(workshop.fingerprint(), sources, 'other sources have the same name')
      assert.equal(sourceOf(mutant), before)
      assert.equal(await huntWithTests(scene, [file], LIMITS), file)
      const known = { simulation: undefined, tests: file }
      assert.deepEqual(await huntAgain(scene, known, LIMITS), known)
      const accused = await huntWithTests(sceneIn(workshop, false), [file], LIMITS)
      assert.equal(accused, undefined, 'what fails without the bug too has noticed nothing')
    })
    assert.equal(await huntWithTests(scene, [], LIMITS), undefined)
    assert.equal(workshop.fingerprint(), sources)
    assert.equal(readFileSync(path.join(workshop.directory, mutant.file), 'utf8'), before, 'the bug is taken out again')
  } finally {
    workshop.close()
  }
  assert(!existsSync(workshop.directory))
})

test('a kept verdict stands until the bug, its place or who caught it changes; who noticed nothing is asked after any change', async () => {
  const mutant = MUTANTS.find(({ id }) => id === 'hand out an id twice')
  assert(mutant !== undefined)
  const caught = { simulation: undefined, tests: 'test/machine/placement-machine.test.ts' }
  const folder = mkdtempSync(path.join(tmpdir(), 'flotilla-kept-'))
  const workshop = new Workshop(ROOT)
  try {
    const file = path.join(folder, 'new', 'kept.jsonl')
    new KeptVerdicts(file).keep({ id: mutant.id, ...caught, evidence: evidenceOf(mutant, caught, workshop) })
    const kept = new KeptVerdicts(file)
    assert.equal(kept.verdict(mutant.id)?.tests, caught.tests)
    assert(kept.stands(mutant, workshop))
    assert(!kept.stands({ ...mutant, after: `${mutant.after} ` }, workshop))
    for (const [changed, remains] of [
      [mutant.file, false],
      [caught.tests, false],
      ['test/machine/kv-machine.test.ts', true],
      ['src/base/limits.ts', true],
    ] as const)
      await workshop.edit(
        changed,
        (source) => `${source}\n`,
        () => assert.equal(kept.stands(mutant, workshop), remains, changed),
      )
    // What a test file imports under `test/` is a part of it.
    const helped = { simulation: undefined, tests: 'test/placement/shard-reports.test.ts' }
    kept.keep({ id: mutant.id, ...helped, evidence: evidenceOf(mutant, helped, workshop) })
    const edited = (file: string, remains: boolean): Promise<void> =>
      workshop.edit(
        file,
        (source) => `${source}\n`,
        () => assert.equal(kept.stands(mutant, workshop), remains, file),
      )
    await edited('test/shard-map/arbitraries.ts', false)
    await edited('test/shard-map/plan-clusters.ts', true)
    const survived = { simulation: undefined, tests: undefined }
    kept.keep({ id: mutant.id, ...survived, evidence: evidenceOf(mutant, survived, workshop) })
    assert(kept.stands(mutant, workshop))
    await workshop.edit(
      'src/base/limits.ts',
      (source) => `${source}\n`,
      () => assert(!kept.stands(mutant, workshop)),
    )
    kept.keep({ id: mutant.id, ...caught })
    assert(!kept.stands(mutant, workshop), 'a verdict without evidence is a hint')
  } finally {
    workshop.close()
    rmSync(folder, { recursive: true })
  }
})

test('a program that uses up its processor time is ended, and one that fails is heard', async () => {
  const busy = await runChild(['-e', 'for (;;);'], ROOT, 1_000)
  assert.equal(busy.kind, 'hung')
  assert(busy.spentMs > 0)
  const failing = await runChild(['-e', 'console.log("so far"); process.exit(3)'], ROOT, 60_000)
  assert.deepEqual([failing.kind, failing.output], ['failed', 'so far\n'])
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
