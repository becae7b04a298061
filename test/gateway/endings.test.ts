/** How requests and gateways end: clients that leave, and a gateway that is told to close. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHarness } from './harness.ts'
import { rawProblem } from './raw-problem.ts'

test('a client that leaves does not stop its write, and its request ends', async (t) => {
  const h = await startHarness(t)
  let release = (): void => {}
  h.router.before = () => new Promise<void>((resolve) => (release = resolve))
  const socket = await h.connect()
  socket.write('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx')
  while (h.router.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 20))
  release()
  while (h.gateway.inflight > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(h.router.records.size, 1)
  const half = await h.connect()
  half.write('PUT /kv/b HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx')
  while (h.gateway.inflight === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  half.destroy()
  while (h.gateway.inflight > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(h.router.records.has('b'), false)
})

test('close refuses new requests, lets running ones end, and closes every connection', async (t) => {
  const h = await startHarness(t)
  let release = (): void => {}
  h.router.before = () => new Promise<void>((resolve) => (release = resolve))
  const running = h.ask('/kv/a', { method: 'PUT', body: 'x' })
  const idle = await h.connect()
  idle.on('error', () => {})
  const kept = await h.connect()
  kept.setEncoding('latin1')
  kept.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTT')
  await new Promise((resolve) => kept.once('data', resolve))
  while (h.router.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const closed = h.gateway.close()
  kept.write('P/1.1\r\nHost: x\r\n\r\n')
  const refused: string = await new Promise((resolve) => kept.once('data', (data) => resolve(String(data))))
  rawProblem(refused, 503, 'DRAINING')
  assert.match(refused, /\r\nRetry-After: \d/)
  release()
  assert.equal((await running).status, 204)
  await closed
  await assert.rejects(h.ask('/livez'))
})

test('close does not wait longer than it may', async (t) => {
  const h = await startHarness(t, { limits: { drainMsMax: 100 } })
  h.router.before = () => new Promise(() => {})
  const stuck = h.ask('/kv/a').catch((error: Error) => error)
  while (h.router.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await h.gateway.close()
  assert.ok((await stuck) instanceof Error)
})
