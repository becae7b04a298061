/** Messages that were cut into fragments: they arrive whole or not at all, and what was kept of them is given back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Assembly, AssemblyBudget } from '../../src/transport/assembly.ts'
import { TRANSPORT_LIMITS } from '../../src/transport/limits.ts'

const BODY = Uint8Array.from({ length: 12 }, (_, index) => index + 1)
const KIND = 3
const ID = 9

type Fragment = readonly [offset: number, end: number, id?: number, kind?: number]

/** What becomes of these fragments of the body, of which the first begins the message. */
function assemble(...fragments: readonly Fragment[]) {
  const budget = new AssemblyBudget()
  const assembly = new Assembly(budget)
  const [first, ...rest] = fragments
  assert(first !== undefined)
  assembly.begin(KIND, ID, 500, BODY.length, BODY.subarray(first[0], first[1]), 0)
  const wholes = rest.flatMap(
    ([offset, end, id = ID, kind = KIND]) => assembly.add(kind, id, offset, BODY.subarray(offset, end), 1) ?? [],
  )
  return { wholes, budget, assembly }
}

test('fragments in order make the message, and nothing of it stays', () => {
  for (const cuts of [[6], [1, 2, 3], [4, 8], [11]]) {
    const bounds = [0, ...cuts, BODY.length]
    const { wholes, budget } = assemble(...cuts.map((_, i): Fragment => [bounds[i] ?? 0, bounds[i + 1] ?? 0]), [
      cuts.at(-1) ?? 0,
      BODY.length,
    ])
    assert.deepEqual(wholes, [BODY])
    assert.deepEqual([budget.bytes, budget.dropped], [0, 0])
  }
})

const BROKEN: Readonly<Record<string, readonly Fragment[]>> = {
  'a fragment is missing': [
    [0, 4],
    [6, 8],
    [8, 12],
  ],
  'the last but one is missing, and the end comes twice': [
    [0, 4],
    [8, 12],
    [8, 12],
  ],
  'a fragment comes twice': [
    [0, 4],
    [4, 8],
    [4, 8],
    [8, 12],
  ],
  'a fragment overlaps the one before': [
    [0, 4],
    [3, 8],
    [8, 12],
  ],
  'one of another message comes between': [
    [0, 4],
    [4, 8, ID + 1],
    [8, 12],
  ],
  'one of another kind comes between': [
    [0, 4],
    [4, 8, ID, KIND + 1],
    [8, 12],
  ],
  'a fragment is empty': [
    [0, 4],
    [4, 4],
    [4, 12],
  ],
}

for (const [what, fragments] of Object.entries(BROKEN)) {
  test(`${what}: no message, and nothing of it stays`, () => {
    const { wholes, budget, assembly } = assemble(...fragments)
    assert.deepEqual(wholes, [])
    assert.deepEqual([assembly.isActive, budget.bytes, budget.dropped], [false, 0, 1])
  })
}

test('a message that would be too much is not begun, and room that was given back is room again', () => {
  const budget = new AssemblyBudget()
  const big = TRANSPORT_LIMITS.assemblyBytesMax / 4
  const assemblies = Array.from({ length: 5 }, () => new Assembly(budget))
  for (const assembly of assemblies) assembly.begin(KIND, ID, 0, big, BODY, 0)
  assert.deepEqual(
    assemblies.map(({ isActive }) => isActive),
    [true, true, true, true, false],
  )
  assemblies[0]?.drop()
  assemblies[4]?.begin(KIND, ID, 0, big, BODY, 0)
  assert.equal(assemblies[4]?.isActive, true)
  assert.equal(budget.bytes, 4 * big)
})
