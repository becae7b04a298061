/** Traces of stores inside a program: its own spans are the parents, and what was written is not told. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { FlotillaError } from '../../src/protocol/index.ts'
import { createCluster, openStore } from '../../src/server/index.ts'
import { type Span, startCollector, until } from './collector.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = '00f067aa0ba902b7'
const traceparent = `00-${TRACE}-${CALLER}-01`

function temporaryDirectory(t: TestContext): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'flotilla-embedded-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function named(spans: readonly Span[], name: string): Span[] {
  return spans.filter((span) => span.name === name)
}

test('a call on an embedded store continues the trace of its caller', async (t) => {
  const { url, spans } = await startCollector(t)
  const db = await openStore(temporaryDirectory(t), { tracing: { otlp: url, ratio: 0 } })
  await db.put('untraced', 'x')
  await db.put('hidden-key', 'hidden-value', { traceparent })
  await db.get('hidden-key', { traceparent: 'no trace' })
  await assert.rejects(db.put('hidden-key', 'other', { ifAbsent: true, traceparent }), { code: 'PRECONDITION_FAILED' })
  // Closing sends what waits.
  await db.close()
  assert.ok(spans.every(({ traceId }) => traceId === TRACE))
  const [request] = named(spans, 'request')
  assert.ok(request !== undefined)
  assert.deepEqual(
    [request.parentSpanId, request.store, request.attributes['flotilla.operation']],
    [CALLER, 's1', 'put'],
  )
  const route = named(spans, 'route').find(({ parentSpanId }) => parentSpanId === request.spanId)
  assert.ok(route !== undefined)
  for (const name of ['propose', 'append', 'apply']) {
    assert.ok(
      named(spans, name).some(({ parentSpanId }) => parentSpanId === route.spanId),
      name,
    )
  }
  assert.doesNotMatch(JSON.stringify(spans), /hidden/)
})

test('a cluster in one process is traced from its client to its followers', async (t) => {
  const { url, spans } = await startCollector(t)
  const cluster = await createCluster({ stores: 3, shards: 1, tracing: { otlp: url } })
  await cluster.put('a', '1')
  assert.deepEqual(await cluster.getMany(['a']), [new Uint8Array([0x31])])
  assert.equal((await cluster.batch([{ op: 'delete', key: 'a' }])).length, 1)
  const found: unknown[] = []
  for await (const entry of cluster.scan()) found.push(entry)
  assert.deepEqual(found, [])
  await until(spans, (all) => new Set(named(all, 'append').map(({ store }) => store)).size === 3)
  await cluster.close()
  const requests = named(spans, 'request')
  assert.deepEqual(
    requests.map(({ attributes }) => attributes['flotilla.operation']),
    ['put', 'getMany', 'batch', 'scan'],
  )
  assert.ok(requests.every(({ store, parentSpanId }) => store === 'client' && (parentSpanId ?? '') === ''))
  assert.equal(new Set(requests.map(({ traceId }) => traceId)).size, 4)
})

test('what makes no sense is refused, and leaves nothing open', async (t: TestContext) => {
  const dir = temporaryDirectory(t)
  for (const tracing of [{ otlp: 'collector' }, { otlp: 'nats://h:1' }, { otlp: 'http://h:1', ratio: 2 }]) {
    await assert.rejects(openStore(dir, { tracing }), (error) => {
      return error instanceof FlotillaError && error.code === 'INVALID_ARGUMENT' && /tracing\./.test(error.message)
    })
    await assert.rejects(createCluster({ tracing }), { code: 'INVALID_ARGUMENT' })
  }
  await (await openStore(dir)).close()
})
