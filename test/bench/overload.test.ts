/** The bounds of an overload: each is missed by figures that break it, and by no others. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResultRecorder } from '../../bench/load/index.ts'
import { type OverloadFigures, verdicts } from '../../bench/overload/index.ts'

interface Shape {
  readonly ok?: number
  readonly okMs?: number
  readonly failures?: number
  readonly failureMs?: number
  readonly code?: string
}

function result({ ok = 1000, okMs = 20, failures = 0, failureMs = 50, code = 'OVERLOADED' }: Shape) {
  const recorder = new ResultRecorder(1000)
  for (let each = 0; each < ok; each++) recorder.succeeded(false, okMs, 0, okMs)
  for (let each = 0; each < failures; each++) recorder.failed(code, failureMs)
  return recorder.result(1, undefined)
}

const flat = Array.from({ length: 60 }, (_, second) => 400e6 + (second % 3) * 5e6)

function missed(changes: {
  peak?: Shape
  overload?: Shape
  after?: Shape
  residentBytes?: readonly number[]
}): string[] {
  const figures: OverloadFigures = {
    peak: result({ ...changes.peak }),
    overload: result({ ok: 900, failures: 4000, ...changes.overload }),
    after: result({ ok: 500, ...changes.after }),
    residentBytes: changes.residentBytes ?? flat,
  }
  return verdicts(figures).flatMap(({ what, passed }) => (passed ? [] : [what]))
}

test('a cluster that holds passes, and each broken promise is named alone', () => {
  assert.deepEqual(missed({}), [])
  assert.deepEqual(missed({ residentBytes: [] }), [])
  for (const [changes, named] of [
    [{ overload: { ok: 790 } }, /goodput 79 %/],
    [{ overload: { okMs: 1500 } }, /accepted requests: p99 \d{4}/],
    [{ overload: { failureMs: 700 } }, /refused requests: 4000, p99 /],
    [{ overload: { code: 'TIMEOUT' } }, /beside refusals: TIMEOUT/],
    [{ residentBytes: flat.map((bytes, second) => bytes + second * 4e6) }, /memory: \d+ % more/],
    [{ after: { failures: 1 } }, /one second after: 1 failures/],
    [{ after: { okMs: 2000 } }, /one second after: 0 failures, p99 \d{4}/],
  ] as const) {
    const what = missed(changes)
    assert.equal(what.length, 1, what.join('; '))
    assert.match(what[0] ?? '', named)
  }
})
