/** Dashboards and alerts against a running store: nothing they ask for is missing from its metrics, and no metric of the catalogue is on none of them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { METRICS } from '../../src/observe/index.ts'
import { ALERTS } from '../../tools/reference/observability/alerts.ts'
import { DASHBOARDS } from '../../tools/reference/observability/dashboards.ts'
import { observabilityFiles } from '../../tools/reference/observability/files.ts'
import { grafanaDocument } from '../../tools/reference/observability/grafana.ts'
import { type Family, parseExposition } from '../observe/exposition.ts'
import { startStore } from './running-store.ts'

const FOLDER = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../tools/deploy/observability')
const hasPromtool = spawnSync('promtool', ['--version']).error === undefined
/** What Prometheus itself makes for each target. */
const OF_PROMETHEUS = ['up']

interface Panel {
  readonly title: string
  readonly type: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string }[]
}

/** A metric as a query names it, with the labels it is chosen by or kept apart by. */
interface Asked {
  readonly where: string
  readonly name: string
  readonly labels: readonly string[]
}

const WORDS = new Set(
  'sum rate max min count topk by histogram_quantile increase absent le instance job group version state kind method route status'.split(
    ' ',
  ),
)

function askedIn(where: string, expr: string): Asked[] {
  const bare = expr.replace(/"[^"]*"/g, '""').replace(/\[[^\]]*\]/g, '')
  const asked: Asked[] = []
  const kept = [...bare.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(', '))
  const withoutBy = bare.replace(/by \([^)]*\)/g, '')
  for (const [, name = '', matcher = ''] of withoutBy.matchAll(/\b([a-z_][a-z0-9_]*)\b(\{[^}]*\})?/g)) {
    if (WORDS.has(name)) continue
    const chosen = [...matcher.matchAll(/([a-z_]+)(?==|!=)/g)].map(([, label = '']) => label)
    asked.push({ where, name, labels: [...chosen, ...kept] })
  }
  return asked
}

function panelsOf(document: unknown): readonly Panel[] {
  return (document as { panels: readonly Panel[] }).panels
}

function familyOf(families: ReadonlyMap<string, Family>, name: string): Family | undefined {
  return families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
}

const ASKED = [
  ...DASHBOARDS.flatMap((dashboard) =>
    panelsOf(grafanaDocument(dashboard)).flatMap(({ title, targets = [] }) =>
      targets.flatMap(({ expr }) => askedIn(`${dashboard.uid}: ${title}`, expr)),
    ),
  ),
  ...ALERTS.flatMap(({ name, expr }) => askedIn(name, expr)),
]

test('queries are taken apart as they are meant', () => {
  assert.deepEqual(
    askedIn('x', 'histogram_quantile(0.9, sum by (le, route) (rate(a_bucket{b=~"c d",e!="f"}[5m]))) > 1'),
    [{ where: 'x', name: 'a_bucket', labels: ['b', 'e', 'le', 'route'] }],
  )
  assert.deepEqual(
    askedIn('x', 'a_total / b').map(({ name }) => name),
    ['a_total', 'b'],
  )
})

test('a running store exports what dashboards and alerts ask for, with these labels', async (t) => {
  const { base } = await startStore(t)
  await fetch(`${base}/kv/a`, { method: 'PUT', body: 'v' })
  let families = parseExposition(await (await fetch(`${base}/metrics`)).text())
  // Node tells of its garbage collections once there was one.
  for (let tries = 0; tries < 200 && (families.get('nodejs_gc_duration_seconds')?.samples.length ?? 0) === 0; tries++) {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => fetch(`${base}/kv/b${i}`, { method: 'PUT', body: 'v'.repeat(100_000) })),
    )
    families = parseExposition(await (await fetch(`${base}/metrics`)).text())
  }
  assert.ok(ASKED.length > 100, `${ASKED.length} metrics are asked for`)
  for (const { where, name, labels } of ASKED) {
    if (OF_PROMETHEUS.includes(name)) continue
    const family = familyOf(families, name)
    assert.ok(family !== undefined && family.samples.length > 0, `${where} asks for ${name}, which is not exported`)
    assert.ok(
      family.samples.some((sample) => sample.name === name),
      `${where} asks for ${name} of a ${family.type}`,
    )
    for (const label of labels) {
      if (label === 'instance' || label === 'job') continue
      const known = family.samples.some((sample) => label in sample.labels)
      assert.ok(known, `${where} asks for the label ${label} of ${name}`)
    }
  }
})

test('every metric of the catalogue is on a dashboard', () => {
  const shown = new Set(ASKED.map(({ name }) => name.replace(/_(bucket|count)$/, '')))
  assert.deepEqual(
    Object.keys(METRICS).filter((name) => !shown.has(name)),
    [],
  )
})

test('panels have titles and do not lie upon each other', () => {
  for (const dashboard of DASHBOARDS) {
    const taken = new Set<string>()
    for (const { title, type, gridPos, targets } of panelsOf(grafanaDocument(dashboard))) {
      assert.ok(title.length > 0 && gridPos.x + gridPos.w <= 24)
      assert.ok(type === 'row' || (targets?.length ?? 0) > 0, title)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!taken.has(`${x} ${y}`), `${dashboard.uid}: ${title}`)
          taken.add(`${x} ${y}`)
        }
    }
  }
})

test('alerts say what is wrong and what to do, once each', () => {
  assert.equal(new Set(ALERTS.map(({ name }) => name)).size, ALERTS.length)
  for (const { summary, action } of ALERTS) assert.ok(summary.endsWith('.') && action.length > 20)
})

test('the compose file mounts files that are made', () => {
  const files = new Map(observabilityFiles())
  const compose = [...files].find(([name]) => name.endsWith('compose.yaml'))?.[1] ?? ''
  const { services } = parse(compose) as { services: Record<string, { volumes?: readonly string[] }> }
  assert.deepEqual(Object.keys(services), ['prometheus', 'grafana', 'jaeger'])
  for (const { volumes = [] } of Object.values(services))
    for (const volume of volumes) {
      const [source = ''] = volume.split(':')
      const made = `tools/deploy/observability/${source.slice(2)}`
      assert.ok(
        [...files.keys()].some((name) => name === made || name.startsWith(`${made}/`)),
        volume,
      )
    }
})

test('promtool accepts the rules and the configuration', (t) => {
  if (!hasPromtool) {
    t.diagnostic('promtool is not here; rules and configuration were not given to it')
    return
  }
  for (const [kind, file] of [
    ['rules', 'alerts.yaml'],
    ['config', 'prometheus.yaml'],
  ] as const) {
    const checked = spawnSync('promtool', ['check', kind, path.join(FOLDER, file)], { encoding: 'utf8' })
    assert.equal(checked.status, 0, `${checked.stdout}${checked.stderr}`)
  }
})
