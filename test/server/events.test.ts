/** Events of real stores in one process: what an embedding application hears, and adds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCluster, createEvents, type Event, type EventOutput } from '../../src/index.ts'

test('an application hears of its cluster, and of its own events, over outputs of its own', async () => {
  const heard: Event[] = []
  const output: EventOutput = { name: 'mine', write: (events) => void heard.push(...events) }
  const appended: Event[] = []
  const events = createEvents({ source: 'shop', outputs: [{ output, level: 'debug' }] })
  events.add({
    output: { name: 'log', write: (some) => void appended.push(...some) },
    types: ['log_appended', 'log_committed'],
  })
  {
    await using cluster = await createCluster({ stores: 3, shards: 2, events })
    await cluster.put('a', '1')
    events.emit({ type: 'custom_order_placed', level: 'info', data: { order: 7 } })
  }
  await events.close()
  const types = new Set(heard.map((event) => event.type))
  for (const type of ['store_recovered', 'placement_led', 'cluster_bootstrapped', 'replica_created', 'election_won'])
    assert.ok(types.has(type), `${type} is missing in ${[...types].join()}`)
  assert.ok(types.has('vote_granted') && types.has('leader_changed') && types.has('transport_closed'))
  assert.ok(!types.has('log_appended'), 'frequent types come to those who name them')
  assert.deepEqual(new Set(heard.map((event) => event.store)), new Set(['s1', 's2', 's3', 'shop']))
  const own = heard.find((event) => event.type === 'custom_order_placed')
  assert.deepEqual(own?.data, { order: 7 })
  assert.ok(appended.some((event) => event.type === 'log_appended' && Number(event.data?.entries) > 0))
  assert.ok(appended.some((event) => event.type === 'log_committed'))
  const won = heard.filter((event) => event.type === 'election_won')
  assert.ok(won.every((event) => typeof event.group === 'number' && typeof event.term === 'number'))
})
