/** Key choice, key text and random numbers: that the distributions are what their names say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  createKeyChooser,
  KeySpace,
  OperationSource,
  SeededRandom,
  ZIPFIAN_THETA,
  ZipfianChooser,
} from '../../bench/load/index.ts'

const KEYS = 1000
const DRAWS = 200_000

function counts(draws: number, next: () => number): number[] {
  const found = new Array<number>(KEYS).fill(0)
  for (let i = 0; i < draws; i++) {
    const key = next()
    assert.ok(Number.isInteger(key) && key >= 0 && key < KEYS, `key ${key} is out of range`)
    found[key] = (found[key] ?? 0) + 1
  }
  return found
}

test('zipfian ranks are as frequent as the law says', () => {
  const chooser = new ZipfianChooser(KEYS, ZIPFIAN_THETA, new SeededRandom(7))
  const found = counts(DRAWS, () => chooser.rank())
  let zeta = 0
  for (let rank = 1; rank <= KEYS; rank++) zeta += 1 / rank ** ZIPFIAN_THETA
  // The first two ranks are drawn exactly, the others by an approximation.
  for (const rank of [0, 1]) {
    const expected = DRAWS / (rank + 1) ** ZIPFIAN_THETA / zeta
    assert.ok(
      Math.abs((found[rank] ?? 0) - expected) < expected * 0.05,
      `rank ${rank}: ${found[rank]}, not ${expected}`,
    )
  }
  const sum = (from: number, to: number): number => found.slice(from, to).reduce((total, count) => total + count, 0)
  let head = 0
  for (let rank = 1; rank <= 100; rank++) head += 1 / rank ** ZIPFIAN_THETA
  assert.ok(Math.abs(sum(0, 100) / DRAWS - head / zeta) < 0.03, `the first tenth takes ${sum(0, 100) / DRAWS}`)
  assert.ok(sum(0, 10) > sum(10, 50) * 0.9 && sum(10, 100) > sum(900, 1000) * 5)
})

test('zipfian ranks are scattered over the keys one to one', () => {
  for (const count of [1, 2, 3, 10, 1000, 1024, 9973]) {
    const chooser = new ZipfianChooser(count, ZIPFIAN_THETA, new SeededRandom(1))
    const keys = new Set(Array.from({ length: count }, (_, rank) => chooser.scatter(rank)))
    assert.equal(keys.size, count)
    for (let i = 0; i < 100; i++) assert.ok(chooser.next() < count)
  }
})

test('uniform keys are all about equally frequent', () => {
  const chooser = createKeyChooser('uniform', KEYS, new SeededRandom(3))
  const expected = DRAWS / KEYS
  const chiSquare = counts(DRAWS, () => chooser.next()).reduce(
    (sum, count) => sum + (count - expected) ** 2 / expected,
    0,
  )
  // 999 degrees of freedom: mean 999, standard deviation 45.
  assert.ok(chiSquare > 800 && chiSquare < 1200, `chi-square is ${chiSquare}`)
})

test('sequential goes round, single stays', () => {
  const sequential = createKeyChooser('sequential', 3, new SeededRandom(1))
  assert.deepEqual(
    Array.from({ length: 7 }, () => sequential.next()),
    [0, 1, 2, 0, 1, 2, 0],
  )
  const single = createKeyChooser('single', 3, new SeededRandom(1))
  assert.deepEqual(
    Array.from({ length: 3 }, () => single.next()),
    [0, 0, 0],
  )
})

test('the share of gets is the ratio, and the same seed gives the same keys for any ratio', () => {
  const source = (readRatio: number) =>
    new OperationSource({ readRatio, distribution: 'uniform', keyCount: 50, seed: 9 })
  const mixed = source(0.25)
  const gets = Array.from({ length: 20_000 }, () => mixed.nextIsGet()).filter(Boolean).length
  assert.ok(Math.abs(gets / 20_000 - 0.25) < 0.02, `${gets} gets`)
  const keysOf = (ratio: number): number[] => {
    const from = source(ratio)
    return Array.from({ length: 100 }, () => {
      from.nextIsGet()
      return from.nextKey()
    })
  }
  assert.deepEqual(keysOf(0), keysOf(0.5))
})

test('keys are distinct and need no escaping anywhere; spread keys differ at once, prefixed ones do not', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('spread' as const, 'prefix' as const),
      fc.integer({ min: 2, max: 2000 }),
      (layout, count) => {
        const keys = new KeySpace(count, 'bench', layout)
        const texts = Array.from({ length: count }, (_, index) => keys.text(index))
        assert.equal(new Set(texts).size, count)
        for (const text of texts) {
          assert.match(text, /^[A-Za-z0-9/_-]+$/)
          assert.equal(encodeURI(text), text)
        }
      },
    ),
    { numRuns: 30 },
  )
  const initials = (layout: 'spread' | 'prefix'): Set<string | undefined> => {
    const keys = new KeySpace(500, 'bench', layout)
    return new Set(Array.from({ length: 500 }, (_, index) => keys.text(index)[0]))
  }
  assert.equal(initials('spread').size, 36)
  assert.equal(initials('prefix').size, 1)
})
