/** What a running store really exports, and says of itself. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { METRICS } from '../../src/observe/index.ts'
import { parseExposition } from '../observe/exposition.ts'
import { startStore } from './running-store.ts'

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined

test('a running store exports every metric of the catalogue, and keeps its events', async (t) => {
  const { base, dir } = await startStore(t)
  for (let i = 0; i < 20; i++) await fetch(`${base}/kv/k${i}`, { method: 'PUT', body: 'v' })
  assert.equal(await (await fetch(`${base}/kv/k3`)).text(), 'v')
  const text = await (await fetch(`${base}/metrics`)).text()
  const families = parseExposition(text)
  for (const name of Object.keys(METRICS))
    assert.ok((families.get(name)?.samples.length ?? 0) > 0, `${name} has no value`)
  const value = (name: string): number => families.get(name)?.samples[0]?.value ?? Number.NaN
  assert.ok(value('raft_proposals_total') >= 20 && value('raft_commits_total') >= 20)
  assert.ok(value('flotilla_reads_total') >= 1 && value('flotilla_router_calls_total') >= 21)
  assert.ok(value('flotilla_loop_busy_seconds_total') > 0)
  assert.deepEqual(
    ['flotilla_ready', 'flotilla_leaders', 'transport_connected', 'placement_shards'].map(value),
    [1, 3, 1, 2],
  )
  const syncs = families.get('storage_sync_duration_seconds')?.samples.find(({ name }) => name.endsWith('_count'))
  assert.ok((syncs?.value ?? 0) > 0)

  const eventTypes = async (): Promise<Set<string>> => {
    const { events } = (await (await fetch(`${base}/events?limit=1000`)).json()) as { events: { type: string }[] }
    return new Set(events.map((event) => event.type))
  }
  let types = await eventTypes()
  // Readiness is looked at now and then, so it may be asked for before it is told.
  while (!types.has('node_ready')) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    types = await eventTypes()
  }
  for (const type of [
    'node_starting',
    'broker_hosted',
    'election_won',
    'node_started',
    'gateway_listening',
    'node_ready',
  ])
    assert.ok(types.has(type), `${type} is missing in ${[...types].join()}`)
  assert.deepEqual(readdirSync(path.join(dir, 'events')), ['000000000001.jsonl'])
  if (hasPromtool) {
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    assert.equal(`${checked.stdout}${checked.stderr}`, '')
  } else t.diagnostic('promtool is not here; only the checks of this repository were made')
})
