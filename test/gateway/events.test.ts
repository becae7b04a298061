/** `GET /events` as JSON, as CSV that no spreadsheet runs, and as a stream that goes on where a reader left off. */
import assert from 'node:assert/strict'
import http from 'node:http'
import { type TestContext, test } from 'node:test'
import { EVENT_CATALOGUE } from '../../src/base/index.ts'
import type { EventQuery, EventsPort, EventView } from '../../src/gateway/index.ts'
import { passes } from '../../src/observe/index.ts'
import { run } from '../tools/run.ts'
import { type Harness, startHarness } from './harness.ts'

class FakeHistory implements EventsPort {
  readonly types = Object.keys(EVENT_CATALOGUE)
  readonly events: EventView[] = []
  readonly asked: { readonly filter: EventQuery; readonly limit: number }[] = []
  #followers: ((events: readonly EventView[]) => void)[] = []

  get followers(): number {
    return this.#followers.length
  }

  add(event: Partial<EventView>): EventView {
    const count = this.events.length + 1
    const whole: EventView = {
      id: `e-${count}`,
      ts: moment(count),
      level: 'info',
      type: 'election_won',
      store: 's1',
      ...event,
    }
    this.events.unshift(whole)
    for (const take of this.#followers) take([whole])
    return whole
  }

  async query(filter: EventQuery, limit: number): Promise<readonly EventView[]> {
    this.asked.push({ filter, limit })
    return this.events.filter((event) => passes(event, filter)).slice(0, limit)
  }

  follow(filter: EventQuery, take: (events: readonly EventView[]) => void): () => void {
    const follower = (events: readonly EventView[]): void => take(events.filter((event) => passes(event, filter)))
    this.#followers.push(follower)
    return () => {
      this.#followers = this.#followers.filter((other) => other !== follower)
    }
  }
}

function moment(count: number): string {
  return new Date(Date.parse('2026-01-31T12:00:00Z') + count * 1000).toISOString()
}

async function start(t: TestContext): Promise<{ readonly h: Harness; readonly history: FakeHistory }> {
  const history = new FakeHistory()
  return { h: await startHarness(t, { history }), history }
}

/** Reads a stream until `enough` says so. */
function readStream(h: Harness, path: string, headers: http.OutgoingHttpHeaders, enough: (text: string) => boolean) {
  return new Promise<{ readonly type: string; readonly text: string }>((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port: h.gateway.port, path, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        if (!enough(text)) return
        resolve({ type: response.headers['content-type'] ?? '', text })
        request.destroy()
      })
      response.on('error', () => {})
      response.on('end', () => resolve({ type: response.headers['content-type'] ?? '', text }))
    })
    request.on('error', reject)
  })
}

test('events are listed, and every filter reaches the history', async (t) => {
  const { h, history } = await start(t)
  history.add({ group: 2, term: 5, index: 17, peer: 's2', data: { from: 'x' } })
  history.add({ type: 'quorum_lost', level: 'warn', group: 3 })
  const { events } = (await h.ask('/events')).json()
  assert.deepEqual(events, history.events)
  assert.deepEqual((await h.ask('/events?type=quorum_lost,election_won&group=3&level=warn&limit=5')).json().events, [
    history.events[0],
  ])
  assert.deepEqual((await h.ask('/events?peer=s2')).json().events, [history.events[1]])
  await h.ask('/events?since=2026-01-31T12:00:02Z')
  assert.equal(history.asked.at(-1)?.filter.sinceMs, Date.parse('2026-01-31T12:00:02Z'))
  const before = Date.now()
  await h.ask('/events?since=5m')
  const { sinceMs = 0 } = history.asked.at(-1)?.filter ?? {}
  assert.ok(sinceMs >= before - 300_000 && sinceMs <= Date.now() - 300_000)
  assert.deepEqual((await h.ask('/events?type=custom_order_placed')).json().events, [])
  assert.equal(history.asked.at(-1)?.limit, 100)
})

test('what a filter does not know is refused', async (t) => {
  const { h } = await start(t)
  const wrong = [
    'type=elections',
    'type=',
    'level=loud',
    'group=0',
    'group=x',
    'since=yesterday',
    'since=2026-01-31T12:00',
  ]
  for (const query of [...wrong, 'limit=0', 'limit=1001', 'format=xml', 'since=9999999h'])
    await h.problem(`/events?${query}`, {}, 400, 'INVALID_ARGUMENT')
  const without = await startHarness(t)
  await without.problem('/events', {}, 404, 'ROUTE_NOT_FOUND')
})

test('CSV has the names of JSON, quotes what it must, and no cell is a formula', async (t) => {
  const { h, history } = await start(t)
  history.add({ peer: '=cmd|" /C calc"!A0', data: { reason: 'a,"b"\nc' } })
  for (const peer of ['+1', '-1', '@SUM(A1)', ' =1', '\t=1', '＝1']) history.add({ peer })
  history.add({ term: -1 })
  const answer = await h.ask('/events?format=csv')
  assert.equal(answer.headers['content-type'], 'text/csv; charset=utf-8')
  const [header, ...rows] = answer.text.split('\r\n')
  assert.equal(header, 'id,ts,level,type,store,group,term,index,peer,traceId,data')
  assert.equal(rows[0], `e-8,${moment(8)},info,election_won,s1,,-1,,,,`)
  for (const row of rows.slice(1, 7)) assert.match(row, /,"'[^"]*",,$/)
  assert.match(answer.text, /,"'=cmd\|"" \/C calc""!A0",,"\{""reason"":""a,\\""b\\""\\nc""\}"\r\n$/)
})

test('a stream goes on, says what a reader missed while away, and ends when the reader leaves', async (t) => {
  const { h, history } = await start(t)
  for (let count = 1; count <= 5; count++) history.add({})
  const again = readStream(h, '/events?format=sse', { 'Last-Event-ID': 'e-3' }, (text) => text.includes('id: e-6'))
  while (history.followers === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  history.add({ type: 'quorum_lost' })
  const { type, text } = await again
  assert.equal(type, 'text/event-stream')
  assert.deepEqual(
    [...text.matchAll(/^id: (.*)$/gm)].map((match) => match[1]),
    ['e-4', 'e-5', 'e-6'],
  )
  assert.match(text, /event: quorum_lost\ndata: \{"id":"e-6",.*\}\n\n$/)
  while (history.followers > 0) await new Promise((resolve) => setTimeout(resolve, 1))
  const fresh = readStream(h, '/events', { Accept: 'text/event-stream' }, (sofar) => sofar.includes('id: '))
  while (history.followers === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  history.add({})
  assert.deepEqual(
    [...(await fresh).text.matchAll(/^id: (.*)$/gm)].map((match) => match[1]),
    ['e-7'],
  )
  const since = await readStream(h, `/events?format=sse&since=${moment(6)}`, {}, (sofar) => sofar.includes('e-7'))
  assert.deepEqual(
    [...since.text.matchAll(/^id: (.*)$/gm)].map((match) => match[1]),
    ['e-6', 'e-7'],
  )
})

test('streams end when the gateway drains', async (t) => {
  const { h, history } = await start(t)
  const stream = readStream(h, '/events?format=sse', {}, () => false)
  while (history.followers === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  await h.gateway.close()
  assert.match((await stream).text, /^retry: /)
  assert.equal(history.followers, 0)
})

test('the gateway tells of itself', async (t) => {
  const told: string[] = []
  const events = { emit: ({ type }: { readonly type: string }) => void told.push(type), wants: () => false }
  const h = await startHarness(t, { events })
  h.router.before = () => {
    throw new TypeError('a bug')
  }
  assert.equal((await h.ask('/kv/a')).status, 500)
  await h.gateway.close()
  assert.deepEqual(told, ['gateway_listening', 'request_failed', 'gateway_draining', 'gateway_closed'])
})

test('flotilla events shows, filters and follows', async (t) => {
  const { h, history } = await start(t)
  history.add({ group: 2, data: { reason: 'x y' } })
  history.add({ type: 'quorum_lost', level: 'warn' })
  const endpoint = ['-e', `http://${h.gateway.address}`]
  const json = await run(['events', ...endpoint])
  assert.deepEqual(JSON.parse(json.stdout).events, history.events)
  const table = await run(['events', '-o', 'table', '--level', 'warn', ...endpoint])
  assert.match(table.stdout, /^TIME +LEVEL +STORE +TYPE[^\n]*\n2026-01-31T12:00:02.000Z +warn +s1 +quorum_lost/)
  assert.equal((await run(['events', '-o', 'csv', ...endpoint])).stdout, (await h.ask('/events?format=csv')).text)
  assert.equal((await run(['events', '--type', 'nonsense', ...endpoint])).exitCode, 2)
  assert.equal((await run(['events', '-f', '-o', 'csv', ...endpoint])).exitCode, 2)
  assert.equal((await run(['events', '-f', '-e', 'http://127.0.0.1:1'])).exitCode, 5)
})
