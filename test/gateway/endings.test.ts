/** How requests and gateways end: clients that leave, and a gateway that is told to close. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import type { Clock } from '../../src/base/index.ts'
import { realClock, startHarness } from './harness.ts'

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

test('a connection is closed only when no request has come on any, and none has arrived unread', async (t) => {
  const drainIdleMs = 1_234
  const silences: (() => void)[] = []
  const clock: Clock = {
    ...realClock,
    after(delayMs, run) {
      if (delayMs !== drainIdleMs) return realClock.after(delayMs, run)
      silences.push(run)
      return { cancel: () => {} }
    },
  }
  const limits = { drainIdleMs, drainIdleMsMax: 3_600_000, drainMsMax: 3_600_000 }
  const h = await startHarness(t, { clock, limits })
  const kept = await Promise.all([h.connect(), h.connect(), h.connect()])
  const [first, second, third] = kept
  const answerOf = (socket: Socket): Promise<string> =>
    new Promise((resolve, reject) => {
      socket.once('data', (data) => resolve(data.toString('latin1')))
      socket.once('close', () => reject(new Error('closed without an answer')))
    })
  const send = (socket: Socket): void => void socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
  for (const socket of kept) {
    const answer = answerOf(socket)
    send(socket)
    assert.doesNotMatch(await answer, /Connection: close/)
  }
  const silenceNumber = async (count: number): Promise<() => void> => {
    while (silences.length < count) await new Promise((resolve) => setTimeout(resolve, 1))
    return silences[count - 1] ?? assert.fail()
  }
  const closed = h.gateway.close()
  const pass = await silenceNumber(1)
  const firstAnswer = answerOf(first)
  send(first)
  assert.match(await firstAnswer, /\r\nConnection: close\r\n/)
  pass()
  // It came before the time was up, and nobody has looked yet.
  const passAgain = await silenceNumber(2)
  const secondAnswer = answerOf(second)
  send(second)
  passAgain()
  assert.match(await secondAnswer, /\r\nConnection: close\r\n/)
  const thirdClosed = new Promise((resolve) => third.once('close', resolve))
  const passAtLast = await silenceNumber(3)
  passAtLast()
  await thirdClosed
  await closed
})

test('close waits for answers that are on their way', async (t) => {
  const h = await startHarness(t, { limits: { drainIdleMs: 10 } })
  const value = Buffer.alloc(1024 * 1024, 7)
  assert.equal((await h.ask('/kv/large', { method: 'PUT', body: value })).status, 204)
  const slow = await h.connect()
  slow.pause()
  // More than the buffers of the system hold.
  const count = 12
  slow.write('GET /kv/large HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(count))
  let calls = 0
  h.router.before = () => {
    calls++
    return Promise.resolve()
  }
  while (calls < count) await new Promise((resolve) => setTimeout(resolve, 5))
  while (h.gateway.inflight > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const closed = h.gateway.close()
  // Longer than the last answer was given to leave before.
  await new Promise((resolve) => setTimeout(resolve, 200))
  let bytes = 0
  slow.on('data', (data: Buffer) => {
    bytes += data.length
  })
  slow.resume()
  await closed
  await new Promise((resolve) => slow.once('close', resolve))
  assert.ok(bytes > count * value.length, `${bytes} bytes arrived`)
})
