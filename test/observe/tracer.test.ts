/** Which requests are traced, and that no store traces more of its own accord than a few a second. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SpanRecord } from '../../src/base/index.ts'
import { RequestTracer } from '../../src/observe/index.ts'
import { seededRandom } from '../storage/log/support.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

function tracerOf(ratio: number): { tracer: RequestTracer; clock: VirtualClock; spans: SpanRecord[] } {
  const clock = virtualClock()
  const spans: SpanRecord[] = []
  const exporter = { export: (span: SpanRecord) => void spans.push(span), close: async () => {} }
  return { tracer: new RequestTracer({ clock, random: seededRandom(7), exporter, ratio }), clock, spans }
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

test('a caller that traces is followed, one that says no is not, whatever the ratio', () => {
  for (const ratio of [0, 1]) {
    const { tracer } = tracerOf(ratio)
    const followed = tracer.begin({ traceId: TRACE, isSampled: true })
    assert.equal(followed?.traceId, TRACE)
    assert.match(followed?.spanId ?? '', /^[0-9a-f]{16}$/)
    assert.equal(tracer.begin({ traceId: TRACE, isSampled: false }), undefined)
    assert.equal(tracer.begin(undefined) === undefined, ratio === 0)
  }
})

test('of its own accord a store begins at most fifty traces a second', () => {
  const { tracer, clock } = tracerOf(1)
  const begun = (): number => Array.from({ length: 200 }, () => tracer.begin(undefined)).filter(Boolean).length
  assert.equal(begun(), 50)
  assert.equal(begun(), 0)
  clock.advance(1_000)
  assert.equal(begun(), 50)
})

test('children stay in their trace under identities of their own', () => {
  const { tracer, spans } = tracerOf(1)
  const root = tracer.begin(undefined)
  assert.ok(root !== undefined)
  const children = Array.from({ length: 100 }, () => tracer.child(root))
  assert.equal(new Set([root, ...children].map(({ spanId }) => spanId)).size, 101)
  assert.ok(children.every(({ traceId }) => traceId === root.traceId && /^[0-9a-f]{32}$/.test(traceId)))
  const span = {
    name: 'read',
    kind: 'internal',
    context: root,
    parentSpanId: undefined,
    startMs: 1,
    endMs: 2,
    attributes: {},
  } as const
  tracer.record(span)
  assert.deepEqual(spans, [span])
})
