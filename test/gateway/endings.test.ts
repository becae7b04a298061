/** How requests and gateways end: clients that leave, and a gateway that is told to close. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHarness } from './harness.ts'

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

test('close takes no new connections, serves what comes on the open ones, and closes them', async (t) => {
  const h = await startHarness(t, { limits: { drainIdleMs: 60 } })
  let release = (): void => {}
  h.router.before = () => new Promise<void>((resolve) => (release = resolve))
  const running = h.ask('/kv/a', { method: 'PUT', body: 'x' })
  const idle = await h.connect()
  const idleEnded = new Promise((resolve) => idle.once('close', resolve))
  idle.on('error', () => {})
  const kept = await h.connect()
  kept.setEncoding('latin1')
  kept.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTT')
  await new Promise((resolve) => kept.once('data', resolve))
  const late = await h.connect()
  late.setEncoding('latin1')
  while (h.router.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const closed = h.gateway.close()
  // A few turns for the backlog; then nobody new comes in.
  await new Promise((resolve) => setTimeout(resolve, 30))
  await assert.rejects(h.ask('/livez'), { code: 'ECONNREFUSED' })
  kept.write('P/1.1\r\nHost: x\r\n\r\n')
  late.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
  for (const socket of [kept, late]) {
    const served: string = await new Promise((resolve) => socket.once('data', (data) => resolve(String(data))))
    assert.match(served, /^HTTP\/1\.1 200 /)
    assert.match(served, /\r\nConnection: close\r\n/)
  }
  await idleEnded
  release()
  const answer = await running
  assert.equal(answer.status, 204)
  assert.equal(answer.headers.connection, 'close')
  await closed
})

test('close does not wait longer than it may', async (t) => {
  const h = await startHarness(t, { limits: { drainMsMax: 100 } })
  h.router.before = () => new Promise(() => {})
  const stuck = h.ask('/kv/a').catch((error: Error) => error)
  while (h.router.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await h.gateway.close()
  assert.ok((await stuck) instanceof Error)
})
