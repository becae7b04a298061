/** The metrics page: the format, the catalogue, histograms, hostile labels, and the bound on series. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from '../../src/base/index.ts'
import { busiest, createMetrics, METRICS, type MetricDefinition, type PartReading } from '../../src/observe/index.ts'
import { parseExposition } from './exposition.ts'

/** A number for everything; for what has labels, two values. */
function anyReading(label = 'x'): PartReading {
  const histogram = new Histogram([0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 3]) histogram.observe(value)
  const entries = Object.entries<MetricDefinition>(METRICS).map(([name, { type, labels }], position) => {
    if (type === 'histogram') return [name, [{ labels: labels.map(() => label), histogram }]]
    if (labels.length === 0) return [name, position]
    return [name, [label, 'other'].map((text) => ({ labels: labels.map(() => text), value: position }))]
  })
  return Object.fromEntries(entries) as PartReading
}

test('the page has every metric of the catalogue, in the format that Prometheus reads', async () => {
  const page = createMetrics(() => anyReading())
  page.observe('/kv/{key}', 'PUT', 204, 0.002)
  page.observe('/kv/{key}', 'PUT', 204, 20)
  const families = parseExposition(await page.metrics())
  for (const [name, { type, help }] of Object.entries<MetricDefinition>(METRICS)) {
    assert.equal(families.get(name)?.type, type, name)
    assert.equal(families.get(name)?.help, help)
    assert.ok((families.get(name)?.samples.length ?? 0) > 0, name)
  }
  assert.ok(families.has('nodejs_eventloop_lag_seconds') && families.has('process_cpu_seconds_total'))
  const requests = families.get('flotilla_http_request_duration_seconds')?.samples ?? []
  const last = (name: string) => requests.find((sample) => sample.name.endsWith(name))?.value
  assert.deepEqual([last('_sum'), last('_count')], [20.002, 2])
})

test('histograms count into the bucket whose bound holds them', () => {
  const histogram = new Histogram([1, 2])
  for (const value of [0, 1, 1.5, 2, 2.1, 100]) histogram.observe(value)
  assert.deepEqual([...histogram.counts], [2, 2, 2])
  assert.equal(histogram.sum, 106.6)
})

test('labels cannot break out of their quotes', async () => {
  const page = createMetrics(() => anyReading('a"b\\c\nd'))
  const families = parseExposition(await page.metrics())
  assert.equal(families.get('raft_state')?.samples[0]?.labels.group, 'a\\"b\\\\c\\nd')
})

test('routes that nobody foresaw do not grow the page without bound', async () => {
  const page = createMetrics(() => anyReading())
  for (let i = 0; i < 5_000; i++) page.observe(`/${i}`, 'GET', 200, 0.1)
  const families = parseExposition(await page.metrics())
  const series = families
    .get('flotilla_http_request_duration_seconds')
    ?.samples.filter(({ name }) => name.endsWith('_count'))
  assert.equal(series?.length, 500)
})

test('of many groups the fifty with the most work behind them get series', () => {
  const groups = Array.from({ length: 10_000 }, (_, group) => ({ group, commitIndex: (group * 7919) % 10_000 }))
  const chosen = busiest(groups)
  assert.equal(chosen.length, 50)
  assert.ok(chosen.every(({ commitIndex }) => commitIndex >= 9_950))
  assert.equal(busiest(groups.slice(0, 50)).length, 50)
})
