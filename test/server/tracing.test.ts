/** Traces of a cluster of real stores, as a collector receives them: which spans there are, whose children they are, and that nothing is traced unasked. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig } from '../../src/server/config/index.ts'
import { type RunningNode, startNode } from '../../src/server/index.ts'
import { freePort } from '../../tools/cluster/ports.ts'
import { type Span, startCollector, until } from './collector.ts'

/** Three stores in this process; answers their addresses. */
async function startCluster(t: TestContext, settings: Readonly<Record<string, string>>): Promise<string[]> {
  const dir = mkdtempSync(path.join(tmpdir(), 'flotilla-tracing-'))
  const alive = setInterval(() => {}, 1_000)
  const servers = `nats://127.0.0.1:${await freePort()}`
  const nodes: RunningNode[] = []
  for (const id of ['s1', 's2', 's3']) {
    const loaded = loadConfig({
      env: {},
      flags: {
        'cluster.bootstrap.shards': '1',
        'store.id': id,
        'store.dir': path.join(dir, id),
        'transport.servers': servers,
        'transport.embedded': id === 's1' ? 'true' : 'false',
        'gateway.listen': `127.0.0.1:${await freePort()}`,
        'observability.log.level': 'error',
        ...settings,
      },
    })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
    nodes.push(await startNode(loaded.config))
  }
  t.after(async () => {
    // The first one hosts the broker.
    for (const node of nodes.reverse()) await node.stop()
    clearInterval(alive)
    rmSync(dir, { recursive: true, force: true })
  })
  const addresses = nodes.map(({ address }) => `http://${address}`)
  for (const address of addresses)
    while (!(await fetch(`${address}/readyz`)).ok) await new Promise((resolve) => setTimeout(resolve, 20))
  return addresses
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = '00f067aa0ba902b7'

test('a traced write tells what gateway, router, leader and followers did', async (t) => {
  const { url, spans } = await startCollector(t)
  const addresses = await startCluster(t, { 'observability.tracing.otlp': url, 'observability.tracing.ratio': '0' })
  // Through every gateway: at least two of them do not lead.
  const traces = addresses.map((_, i) => `${TRACE.slice(0, -1)}${i + 1}`)
  for (const [i, address] of addresses.entries()) {
    const headers = { traceparent: `00-${traces[i]}-${CALLER}-01` }
    const answer = await fetch(`${address}/kv/k${i}`, { method: 'PUT', body: 'v', headers })
    assert.equal(answer.status, 204)
    assert.match(answer.headers.get('traceparent') ?? '', new RegExp(`^00-${traces[i]}-[0-9a-f]{16}-01$`))
  }
  for (const [i, trace] of traces.entries()) {
    const of = (all: readonly Span[]): Span[] => all.filter(({ traceId }) => traceId === trace)
    await until(
      spans,
      (all) =>
        of(all).filter(({ name }) => name === 'append').length >= 3 &&
        of(all).some(({ name }) => name === 'request') &&
        of(all).filter(({ name }) => name === 'replicate').length >= 2,
    )
    const mine = of(spans)
    const named = (name: string): Span[] => mine.filter((span) => span.name === name)
    const [request] = named('request')
    const route = named('route').at(-1)
    assert.ok(request !== undefined && route !== undefined)
    assert.equal(request.parentSpanId, CALLER)
    assert.equal(request.store, `s${i + 1}`)
    assert.equal(request.attributes['http.response.status_code'], 204)
    assert.equal(route.parentSpanId, request.spanId)
    assert.equal(route.store, request.store)
    const leader = route.attributes['flotilla.to']
    for (const name of ['propose', 'apply']) {
      assert.deepEqual(
        named(name).map(({ store, parentSpanId }) => [store, parentSpanId]),
        [[leader, route.spanId]],
        name,
      )
    }
    const replicated = named('replicate')
    assert.equal(replicated.length, 2)
    assert.ok(replicated.every(({ store, parentSpanId }) => store === leader && parentSpanId === route.spanId))
    const appended = named('append')
    assert.deepEqual(appended.map(({ store }) => store).sort(), ['s1', 's2', 's3'])
    for (const append of appended) {
      const parent: Span | undefined =
        append.store === leader
          ? route
          : replicated.find(({ attributes }) => attributes['flotilla.follower'] === append.store)
      assert.equal(append.parentSpanId, parent?.spanId, `append on ${append.store}`)
    }
    for (const { startTimeUnixNano, endTimeUnixNano } of mine) {
      const [start, end] = [BigInt(startTimeUnixNano), BigInt(endTimeUnixNano)]
      assert.ok(start <= end && Math.abs(Number(start / 1_000_000n) - Date.now()) < 600_000)
    }
    assert.equal(new Set(mine.map(({ spanId }) => spanId)).size, mine.length)
  }
  // Reads, and a caller that does not trace.
  const readTrace = `${TRACE.slice(0, -1)}a`
  const headers = { traceparent: `00-${readTrace}-${CALLER}-01` }
  assert.equal(await (await fetch(`${addresses[0]}/kv/k0`, { headers })).text(), 'v')
  const silent = { traceparent: `00-${TRACE.slice(0, -1)}b-${CALLER}-00` }
  const unsampled = await fetch(`${addresses[0]}/kv/k0`, { headers: silent })
  assert.match(unsampled.headers.get('traceparent') ?? '', new RegExp(`^00-${TRACE.slice(0, -1)}b-[0-9a-f]{16}-00$`))
  await fetch(`${addresses[0]}/kv/k0`)
  await until(spans, (all) =>
    ['request', 'route', 'read_index', 'read'].every((name) =>
      all.some((span) => span.traceId === readTrace && span.name === name),
    ),
  )
  assert.deepEqual(
    spans.filter(({ traceId }) => traceId !== readTrace && !traces.includes(traceId)),
    [],
  )
})

test('with a ratio, requests of callers that do not trace are traced too, and are told so', async (t) => {
  const { url, spans } = await startCollector(t)
  const [address] = await startCluster(t, { 'observability.tracing.otlp': `${url}/v1/traces` })
  const answer = await fetch(`${address}/kv/a`, { method: 'PUT', body: 'v' })
  const [, traceId = '', spanId] = (answer.headers.get('traceparent') ?? '').split('-')
  await until(spans, (all) => all.some((span) => span.traceId === traceId && span.name === 'request'))
  const request = spans.find((span) => span.traceId === traceId && span.name === 'request')
  assert.equal(request?.spanId, spanId)
  assert.ok(request?.parentSpanId === undefined || request.parentSpanId === '')
})

test('a collector that is not there disturbs nobody', async (t) => {
  const [address] = await startCluster(t, { 'observability.tracing.otlp': `http://127.0.0.1:${await freePort()}` })
  for (let i = 0; i < 20; i++)
    assert.equal((await fetch(`${address}/kv/k${i}`, { method: 'PUT', body: 'v' })).status, 204)
})
