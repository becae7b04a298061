/** Without a quorum every request fails in time and says why; when the quorum is back, so is the service. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import { type HttpAnswer, http, problem } from '../../tools/cluster/http.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { withCluster } from '../support/process-cluster.ts'

/** What a request may be late where the machine is full; on an idle one it is a few hundred milliseconds. */
const LATE_MS_MAX = 4_000

async function timed(address: string, method: string, key: string, timeoutMs: number) {
  const startedMs = performance.now()
  const headers = { 'Flotilla-Timeout-Ms': String(timeoutMs) }
  const body = method === 'PUT' ? { body: 'v' } : {}
  const answer: HttpAnswer = await http(address, { method, path: `/kv/${key}`, headers, ...body })
  return { answer, tookMs: performance.now() - startedMs }
}

test('two of three stores down: nothing hangs, nothing is pretended, and one of them is enough to go on', async () => {
  await withCluster({ broker: ANY_BROKER }, async (cluster) => {
    const keys = await cluster.keysPerShard(4)
    const load = cluster.load('quorum', { keys, clients: 6, timeoutMs: 3_000 })
    await load.succeed(200)
    await cluster.kill9('s2', 's3')
    const address = cluster.address('s1')
    let slowestMs = 0
    for (const method of ['PUT', 'GET', 'DELETE', 'PUT', 'GET']) {
      const answers = await Promise.all(keys.map((key) => timed(address, method, `${key}.probe`, 1_000)))
      for (const { answer, tookMs } of answers) {
        const trouble = problem(answer)
        assert(trouble !== undefined, `${method} was answered with ${answer.status}`)
        assert(['QUORUM_LOST', 'NO_LEADER', 'TIMEOUT'].includes(trouble.code), JSON.stringify(trouble))
        if (method === 'GET') assert.equal(trouble.outcome, 'none')
        slowestMs = Math.max(slowestMs, tookMs)
      }
    }
    console.log(`with a deadline of 1000 ms the slowest answer took ${Math.round(slowestMs)} ms (goal: 1500)`)
    assert(slowestMs < 1_000 + LATE_MS_MAX, `a request with a deadline of 1 s took ${slowestMs} ms`)
    await poll('every shard says that its quorum is lost', 30_000, async () => {
      for (const key of keys) {
        const { answer } = await timed(address, 'PUT', `${key}.probe`, 10_000)
        const { code, outcome } = problem(answer) ?? {}
        if (code !== 'QUORUM_LOST' || outcome !== 'none') throw new Error(`${answer.status} ${code} ${outcome}`)
        assert.equal(answer.status, 503)
        assert.equal(answer.headers['retry-after'], '1')
      }
      return true
    })
    // Stale reads need no quorum, and the store says that it is not ready.
    const stale = await http(address, { method: 'GET', path: `/kv/${keys[0]}?consistency=stale` })
    assert(stale.status === 200 || stale.status === 404, `${stale.status}`)
    const ready = await http(address, { method: 'GET', path: '/readyz' })
    assert.equal(ready.status, 503)
    assert.match(JSON.stringify(problem(ready)?.reasons), /no leader/)
    await cluster.restart('s2')
    await load.succeed(200)
    await cluster.restart('s3')
    await load.succeed(50)
    await load.verify(cluster.readers())
  })
})
