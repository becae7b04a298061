/**
 * The search for an order against the definition of linearizability, on random histories that are small enough for the definition: first of a
 * simulated register, so that about half can be explained, then with answers changed.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Action,
  type Condition,
  checkLinearizable,
  type Operation,
  type Outcome,
} from '../../src/testing/index.ts'
import { isLinearizableByDefinition } from './definition.ts'

interface Plan {
  readonly at: number
  readonly lasts: number
  readonly kind: 'put' | 'get' | 'delete'
  readonly condition: Condition
  readonly isLost: boolean
  /** Where its effect is between call and return, in hundredths. */
  readonly effect: number
}

const CONDITIONS = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Condition>({ kind: 'none' }) },
  { weight: 1, arbitrary: fc.constant<Condition>({ kind: 'absent' }) },
  { weight: 1, arbitrary: fc.constant<Condition>({ kind: 'exists' }) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 4 }).map((revision): Condition => ({ kind: 'revision', revision })),
  },
)

/** `lostOfEight`: so many answers of eight are lost. */
function plan(lostOfEight: number): fc.Arbitrary<Plan> {
  return fc.record({
    at: fc.integer({ min: 0, max: 12 }),
    lasts: fc.integer({ min: 0, max: 6 }),
    kind: fc.constantFrom('put', 'put', 'get', 'delete'),
    condition: CONDITIONS,
    isLost: fc.integer({ min: 0, max: 7 }).map((roll) => roll < lostOfEight),
    effect: fc.integer({ min: 0, max: 100 }),
  })
}

const PLAN = plan(2)

const OPERATIONS_MAX = 6
/** All that an answer can name: each operation takes one at most, and lies keep to those. */
const REVISIONS = Array.from({ length: OPERATIONS_MAX }, (_, index) => index + 1)

/** What is changed after the fact: which operation, and what its answer becomes. */
const LIE = fc.record({ victim: fc.nat(5), roll: fc.nat(5), revision: fc.integer({ min: 1, max: 5 }) })

/** Answers of a register that takes effects in the order of their moments, a third of the lost ones never. */
function answersOf(plans: readonly Plan[], sharedValues: boolean): Operation[] {
  let value: string | undefined
  let revision = 0
  let highest = 0
  const order = plans.map((plan, index) => ({ plan, index })).sort((a, b) => momentOf(a.plan) - momentOf(b.plan))
  const operations: (readonly [number, Operation])[] = []
  for (const { plan, index } of order) {
    const { kind, condition, at, lasts, isLost } = plan
    const action: Action =
      kind === 'get'
        ? { kind }
        : kind === 'delete'
          ? { kind, condition }
          : { kind, value: sharedValues ? `v${index % 2}` : `v${index}`, condition }
    let outcome: Outcome
    const holds =
      condition.kind === 'none' ||
      (condition.kind === 'absent' && value === undefined) ||
      (condition.kind === 'exists' && value !== undefined) ||
      (condition.kind === 'revision' && value !== undefined && condition.revision === revision)
    if (action.kind === 'get') {
      outcome = { kind: 'read', found: value === undefined ? undefined : { value, revision } }
    } else if (isLost && plan.effect % 3 === 0) {
      outcome = { kind: 'unknown' }
    } else if (!holds) {
      outcome = { kind: 'refused', revision: value === undefined ? undefined : revision }
    } else if (action.kind === 'put') {
      value = action.value
      revision = ++highest
      outcome = { kind: 'written', revision }
    } else {
      outcome = { kind: 'deleted', existed: value !== undefined }
      if (value !== undefined) highest++
      value = undefined
    }
    if (isLost && action.kind !== 'get') outcome = { kind: 'unknown' }
    operations.push([index, { client: `c${index}`, key: 'k', action, calledMs: at, returnedMs: at + lasts, outcome }])
  }
  return operations.sort(([a], [b]) => a - b).map(([, operation]) => operation)
}

function momentOf({ at, lasts, effect, isLost, kind }: Plan): number {
  return at + (isLost && kind !== 'get' ? 3 + effect / 10 : (lasts * effect) / 100)
}

function lie(
  history: readonly Operation[],
  { victim, roll, revision }: { victim: number; roll: number; revision: number },
): Operation[] {
  return history.map((operation, index) => {
    if (index !== victim % history.length) return operation
    const { action } = operation
    if (action.kind === 'get') {
      const found = roll < 2 ? undefined : { value: `v${roll - 2}`, revision }
      return { ...operation, outcome: roll === 1 ? { kind: 'listed', revision } : { kind: 'read', found } }
    }
    if (roll === 0 && action.condition.kind !== 'none') return { ...operation, outcome: { kind: 'refused', revision } }
    if (action.kind === 'put') return { ...operation, outcome: { kind: 'written', revision } }
    return { ...operation, outcome: { kind: 'deleted', existed: roll % 2 === 0 } }
  })
}

function compare(history: readonly Operation[], counts: { accepted: number; refused: number }): void {
  const expected = isLinearizableByDefinition(history, REVISIONS)
  if (expected) counts.accepted++
  else counts.refused++
  const verdict = checkLinearizable(history)
  assert.equal(verdict.ok, expected, `${verdict.ok ? 'accepted' : verdict.reason}\n${JSON.stringify(history, null, 1)}`)
}

function provesSomething({ accepted, refused }: { accepted: number; refused: number }, runs: number): void {
  assert(
    accepted > runs / 20 && refused > runs / 20,
    `${accepted} accepted, ${refused} refused: the histories prove nothing`,
  )
}

const RUNS = 10_000
/** What the search may try there. Without its memory of which writes were used up, most of them take more than a million. */
const STEPS_OF_HUNDREDS_MAX = 100_000

for (const sharedValues of [false, true]) {
  const values = sharedValues ? 'values that are written more than once' : 'values that are each written once'
  test(`agrees with the definition on small histories with ${values}`, () => {
    const counts = { accepted: 0, refused: 0 }
    fc.assert(
      fc.property(fc.array(PLAN, { minLength: 1, maxLength: 5 }), fc.option(LIE), (plans, change) => {
        const history = answersOf(plans, sharedValues)
        compare(change === null ? history : lie(history, change), counts)
      }),
      { numRuns: RUNS },
    )
    provesSomething(counts, RUNS)
  })
}

test('agrees with the definition where most answers of writes are lost', () => {
  const counts = { accepted: 0, refused: 0 }
  fc.assert(
    fc.property(fc.array(plan(5), { minLength: 3, maxLength: OPERATIONS_MAX }), LIE, (plans, change) => {
      compare(lie(answersOf(plans, false), change), counts)
    }),
    { numRuns: RUNS },
  )
  provesSomething(counts, RUNS)
})

test('agrees with the definition on batches', () => {
  const counts = { accepted: 0, refused: 0 }
  const batched = fc.record({
    plans: fc.array(PLAN, { minLength: 2, maxLength: 5 }),
    atomic: fc.boolean(),
    change: fc.option(LIE),
    members: fc.integer({ min: 2, max: 3 }),
  })
  fc.assert(
    fc.property(batched, ({ plans, atomic, change, members }) => {
      const [first] = plans
      if (first === undefined) return
      // The first few become one batch: one call, one return, one fate, no conditions.
      const together = plans.map(
        (plan, index): Plan =>
          index < members
            ? {
                ...plan,
                at: first.at,
                lasts: first.lasts,
                isLost: first.isLost,
                effect: first.effect,
                condition: { kind: 'none' },
              }
            : plan,
      )
      const answers = answersOf(together, false)
      const history = answers
        .map(
          (operation, position): Operation =>
            position < members ? { ...operation, batch: { id: 'b', position, atomic } } : operation,
        )
        .filter(({ action, batch }) => !(batch !== undefined && first.isLost && action.kind === 'get'))
      compare(change === null ? history : lie(history, change), counts)
    }),
    { numRuns: RUNS },
  )
  provesSomething(counts, RUNS)
})

test('many operations of a register that answers truly are always explained', () => {
  fc.assert(
    fc.property(fc.array(PLAN, { minLength: 20, maxLength: 60 }), fc.boolean(), (plans, sharedValues) => {
      const spread = plans.map((plan, index) => ({ ...plan, at: plan.at + index * 2 }))
      const verdict = checkLinearizable(answersOf(spread, sharedValues))
      assert(verdict.ok, verdict.ok ? '' : verdict.reason)
    }),
    { numRuns: 1000 },
  )
})

test('hundreds of operations on one key whose answers were mostly lost are explained in a few steps', () => {
  fc.assert(
    fc.property(fc.array(plan(4), { minLength: 200, maxLength: 300, size: 'max' }), (plans) => {
      const spread = plans.map((each, index) => ({ ...each, at: each.at + index * 2 }))
      const verdict = checkLinearizable(answersOf(spread, false), { stepsMax: STEPS_OF_HUNDREDS_MAX })
      assert(verdict.ok, verdict.ok ? '' : verdict.reason)
    }),
    { numRuns: 50 },
  )
})
