/** The bus of events: levels, frequent types, bounds, outputs that are slow or broken, and stores that share one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  callbackOutput,
  consoleOutput,
  type Event,
  EventBus,
  type EventOutput,
  jsonOutput,
} from '../../src/observe/index.ts'
import { virtualClock } from './virtual-clock.ts'

function collector(name = 'test'): { readonly events: Event[]; readonly output: EventOutput } {
  const events: Event[] = []
  return { events, output: callbackOutput(name, (event) => void events.push(event)) }
}

test('an output hears of its level and above, in order, with identity and time', async () => {
  const clock = virtualClock()
  const { events, output } = collector()
  const bus = new EventBus({ store: 's1', clock, outputs: [{ output, level: 'info' }] })
  bus.emit({ type: 'state_changed', group: 3, data: { from: 'follower', to: 'leader' } })
  bus.emit({ type: 'election_won', group: 3, term: 7 })
  clock.advance(5)
  bus.emit({ type: 'leader_changed', group: 4, peer: 's2' })
  assert.equal(events.length, 0, 'nothing is written before the turn ends')
  await bus.flush()
  assert.deepEqual(
    events.map(({ id, ...rest }) => ({ ...rest, count: id.split('-')[1] })),
    [
      {
        ts: '2026-01-31T12:00:00.000Z',
        level: 'info',
        type: 'election_won',
        store: 's1',
        group: 3,
        term: 7,
        count: '1',
      },
      {
        ts: '2026-01-31T12:00:00.005Z',
        level: 'info',
        type: 'leader_changed',
        store: 's1',
        group: 4,
        peer: 's2',
        count: '2',
      },
    ],
  )
  assert.equal(bus.stats.emitted, 2, 'what nobody wants is not even counted')
})

test('frequent types exist only for those who name them', async () => {
  const { events, output } = collector()
  const everything = collector('everything')
  const bus = new EventBus({ store: 's1', clock: virtualClock(), outputs: [{ ...everything, level: 'debug' }] })
  const append = { type: 'log_appended', group: 2, term: 1, index: 9, data: { entries: 4 } } as const
  assert.equal(bus.wants('log_appended'), false)
  assert.equal(bus.wants('state_changed'), true)
  const remove = bus.add({ output, types: ['log_appended'] })
  assert.equal(bus.wants('log_appended'), true)
  bus.emit(append)
  await bus.flush()
  assert.deepEqual(
    events.map((event) => event.index),
    [9],
  )
  assert.deepEqual(everything.events, [])
  remove()
  assert.equal(bus.wants('log_appended'), false)
  bus.emit(append)
  await bus.flush()
  assert.equal(events.length, 1)
})

test('an application emits events of its own, and a level can be raised for one occurrence', async () => {
  const { events, output } = collector()
  const bus = new EventBus({ store: 'app', clock: virtualClock(), outputs: [{ output, level: 'warn' }] })
  bus.emit({ type: 'custom_order_placed', level: 'info', data: { order: 1 } })
  bus.emit({ type: 'custom_order_lost', level: 'warn', data: { order: 2 } })
  bus.emit({ type: 'election_won', group: 2, level: 'warn' })
  bus.emit({ type: 'election_won', group: 3 })
  bus.of('s2').emit({ type: 'quorum_lost', group: 4 })
  await bus.flush()
  assert.deepEqual(
    events.map(({ store, type }) => `${store} ${type}`),
    ['app custom_order_lost', 'app election_won', 's2 quorum_lost'],
  )
})

test('an output that cannot keep up loses events, is told so, and holds nobody up', async () => {
  const seen: string[] = []
  let release: () => void = () => {}
  const slow: EventOutput = {
    name: 'slow',
    write(events) {
      seen.push(
        ...events.map((event) => (event.type === 'events_dropped' ? `dropped ${event.data?.count}` : `${event.group}`)),
      )
      return new Promise((resolve) => {
        release = resolve
      })
    },
  }
  const fast = collector()
  const bus = new EventBus({ store: 's1', clock: virtualClock(), outputs: [{ output: slow }, fast], queueMax: 3 })
  bus.emit({ type: 'election_won', group: 1 })
  await new Promise((resolve) => setImmediate(resolve))
  for (let group = 2; group <= 9; group++) {
    bus.emit({ type: 'election_won', group })
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(fast.events.length, 9)
  assert.deepEqual(seen, ['1'])
  const closed = bus.flush()
  while (seen.length < 5) {
    release()
    await new Promise((resolve) => setImmediate(resolve))
  }
  release()
  await closed
  assert.deepEqual(seen, ['1', '2', '3', '4', 'dropped 5'])
  assert.equal(bus.stats.dropped, 5)
})

test('two broken outputs neither end the store nor answer each other for ever', async () => {
  const broken = (name: string): EventOutput => ({
    name,
    write() {
      throw new Error(`${name} is full`)
    },
  })
  const rejecting: EventOutput = { name: 'rejecting', write: () => Promise.reject(new Error('no')) }
  const { events, output } = collector()
  const outputs = [broken('a'), broken('b'), rejecting, output].map((each) => ({ output: each }))
  const bus = new EventBus({ store: 's1', clock: virtualClock(), outputs })
  for (let group = 1; group <= 20; group++) {
    bus.emit({ type: 'election_won', group })
    await bus.flush()
  }
  const failures = events.filter((event) => event.type === 'event_output_failed')
  assert.deepEqual(failures.map((event) => event.data?.output).sort(), ['a', 'b', 'rejecting'])
  assert.equal(events.length, 23)
})

test('an event of level error is with the outputs before emit returns: the process may be about to end', () => {
  const { events, output } = collector()
  const bus = new EventBus({ store: 's1', clock: virtualClock(), outputs: [{ output }] })
  bus.emit({ type: 'store_failed', data: { error: 'the disk is gone' } })
  assert.equal(events.length, 1)
})

test('closing does not wait for an output that hangs', async () => {
  const clock = virtualClock()
  const hanging: EventOutput = { name: 'hanging', write: () => new Promise(() => {}) }
  const bus = new EventBus({ store: 's1', clock, outputs: [{ output: hanging }] })
  bus.emit({ type: 'node_stopped' })
  const closed = bus.close()
  clock.advance(3_000)
  await closed
})

test('lines for people and for machines, and nothing in them breaks a line', async () => {
  const lines = { json: '', text: '' }
  const stream = (name: keyof typeof lines) => ({
    write(text: string) {
      lines[name] += text
    },
  })
  const bus = new EventBus({
    store: 's1',
    clock: virtualClock(),
    outputs: [{ output: jsonOutput(stream('json')) }, { output: consoleOutput(stream('text')) }],
  })
  bus.emit({ type: 'snapshot_failed', group: 3, peer: 's2', data: { reason: 'evil\nline \u001b[31m' } })
  await bus.flush()
  assert.deepEqual(JSON.parse(lines.json), {
    level: 40,
    time: '2026-01-31T12:00:00.000Z',
    id: JSON.parse(lines.json).id,
    store: 's1',
    group: 3,
    peer: 's2',
    data: { reason: 'evil\nline \u001b[31m' },
    msg: 'snapshot_failed',
  })
  assert.equal(lines.text, '12:00:00.000 warn  s1 snapshot_failed group=3 peer=s2 reason=evil\\nline \\u001b[31m\n')
})
