/** `GET /rpc-log` and its figures, and the commands that show them. */
import assert from 'node:assert/strict'
import http from 'node:http'
import { type TestContext, test } from 'node:test'
import type { CallQuery, CallView, RpcLogPort } from '../../src/gateway/index.ts'
import { run } from '../tools/run.ts'
import { type Harness, startHarness } from './harness.ts'

class FakeLog implements RpcLogPort {
  readonly calls: CallView[] = []
  readonly asked: CallQuery[] = []

  add(call: Partial<CallView>): void {
    const id = `c${this.calls.length + 1}`
    const whole = { id, ts: new Date().toISOString(), from: 's1', to: 's2', type: 'AppendEntries', group: 2, term: 3 }
    this.calls.unshift({ ...whole, entries: 1, bytes: 120, latencyMs: 0.25, heartbeat: false, error: null, ...call })
  }

  async query(filter: CallQuery, limit: number): Promise<readonly CallView[]> {
    this.asked.push(filter)
    return this.calls.slice(0, limit)
  }

  async stats(filter: CallQuery): Promise<object> {
    this.asked.push(filter)
    const latencyMs = { p50: 1, p95: 2, p99: 3, max: 4 }
    const figures = [
      { type: 'AppendEntries', to: 's2', heartbeat: false, calls: 9, errors: 1, entries: 8, bytes: 7, latencyMs },
    ]
    return { calls: 9, errors: 1, ring: { rows: 9, rowsMax: 100, dropped: 0 }, figures }
  }
}

async function start(t: TestContext): Promise<{ readonly h: Harness; readonly log: FakeLog }> {
  const log = new FakeLog()
  return { h: await startHarness(t, { rpcLog: log }), log }
}

test('calls are listed as JSON and CSV, with every filter', async (t) => {
  const { h, log } = await start(t)
  log.add({})
  log.add({ to: '=evil()', latencyMs: null, error: 'no-answer' })
  assert.deepEqual((await h.ask('/rpc-log')).json(), { calls: log.calls })
  assert.deepEqual(log.asked.at(-1), {})
  await h.ask('/rpc-log?type=RequestVote,PreVote&group=4&peer=s3&since=2026-01-31T12:00:00Z&heartbeats=true')
  assert.deepEqual(log.asked.at(-1), {
    types: ['RequestVote', 'PreVote'],
    heartbeats: true,
    group: 4,
    peer: 's3',
    sinceMs: Date.parse('2026-01-31T12:00:00Z'),
  })
  const [header, first] = (await h.ask('/rpc-log?format=csv&limit=1')).text.split('\r\n')
  assert.equal(header, 'id,ts,from,to,type,group,term,entries,bytes,latencyMs,heartbeat,error')
  assert.equal(first, `c2,${log.calls[0]?.ts},s1,"'=evil()",AppendEntries,2,3,1,120,,false,no-answer`)
  for (const query of ['type=Votes', 'heartbeats=yes', 'group=-1', 'limit=0', 'format=tsv'])
    await h.problem(`/rpc-log?${query}`, {}, 400, 'INVALID_ARGUMENT')
  await (await startHarness(t)).problem('/rpc-log', {}, 404, 'ROUTE_NOT_FOUND')
  assert.equal((await h.ask('/rpc-log/stats?since=1h')).json().figures[0].calls, 9)
})

test('a stream gives each call once, as it comes', async (t) => {
  const { h, log } = await start(t)
  log.add({})
  const text = await new Promise<string>((resolve, reject) => {
    const path = '/rpc-log?format=sse&since=1m'
    const request = http.get({ host: '127.0.0.1', port: h.gateway.port, path, agent: false }, (response) => {
      let received = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        received += chunk
        if (received.includes('id: c1') && log.calls.length === 1) log.add({ type: 'RequestVote' })
        if (!received.includes('id: c2')) return
        resolve(received)
        request.destroy()
      })
      response.on('error', () => {})
    })
    request.on('error', reject)
  })
  assert.deepEqual(
    [...text.matchAll(/^id: (.*)$/gm)].map((match) => match[1]),
    ['c1', 'c2'],
  )
  assert.match(text, /event: RequestVote\n/)
})

test('flotilla rpc-log shows, counts and exports', async (t) => {
  const { h, log } = await start(t)
  log.add({ heartbeat: true })
  const endpoint = ['-e', `http://${h.gateway.address}`]
  assert.deepEqual(JSON.parse((await run(['rpc-log', 'query', ...endpoint])).stdout).calls, log.calls)
  const table = await run(['rpc-log', 'query', '-o', 'table', '--heartbeats', ...endpoint])
  assert.match(table.stdout, /^TIME +FROM +TO +TYPE.*\n\S+ +s1 +s2 +heartbeat +2 +3 +1 +120 B +0.25/)
  assert.equal(log.asked.at(-1)?.heartbeats, true)
  const stats = await run(['rpc-log', 'stats', '-o', 'table', '--since', '5m', ...endpoint])
  assert.match(stats.stdout, /AppendEntries +s2 +9 +1 +8 +7 B +1 +2 +3 +4/)
  const csv = await run(['rpc-log', 'export', '--csv', ...endpoint])
  assert.equal(csv.stdout, (await h.ask('/rpc-log?format=csv')).text)
  assert.deepEqual(JSON.parse((await run(['rpc-log', 'export', ...endpoint])).stdout).calls, log.calls)
  assert.equal((await run(['rpc-log', 'query', '--type', 'x', ...endpoint])).exitCode, 2)
})
