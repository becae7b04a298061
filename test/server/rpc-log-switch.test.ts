/** The RPC log and tracing follow the settings of the cluster while a store runs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startStore } from './running-store.ts'

test('the RPC log is switched off and on again, and tracing on, without a restart', async (t) => {
  const { base } = await startStore(t)
  const patch = async (observability: unknown): Promise<void> => {
    const body = JSON.stringify({ observability })
    const answer = await fetch(`${base}/admin/config`, { method: 'PATCH', body })
    assert.equal(answer.status, 200, await answer.text())
  }
  const untilStatus = async (status: number): Promise<void> => {
    while ((await fetch(`${base}/rpc-log`)).status !== status) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await untilStatus(200)
  await patch({ rpcLog: { enabled: false } })
  await untilStatus(404)
  assert.equal((await fetch(`${base}/rpc-log/stats`)).status, 404)
  await patch({ rpcLog: { enabled: true, maxRows: 100 } })
  await untilStatus(200)
  const { ring } = (await (await fetch(`${base}/rpc-log/stats`)).json()) as { ring: { rowsMax: number } }
  assert.equal(ring.rowsMax, 100)
  // Nobody collects there; that requests are told their trace shows that tracing is on.
  await patch({ tracing: { otlp: 'http://127.0.0.1:9' } })
  while (!(await fetch(`${base}/kv/a`)).headers.has('traceparent'))
    await new Promise((resolve) => setTimeout(resolve, 20))
  await patch({ tracing: { otlp: null } })
  while ((await fetch(`${base}/kv/a`)).headers.has('traceparent'))
    await new Promise((resolve) => setTimeout(resolve, 20))
})
