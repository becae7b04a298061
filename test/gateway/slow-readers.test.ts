/** Clients that ask for much and read nothing: their answers wait for a while, not for ever, and not without bound. */
import assert from 'node:assert/strict'
import type net from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Harness, startHarness } from './harness.ts'

const VALUE_BYTES = 1024 * 1024
const ASKED = 40

async function withValue(t: TestContext, limits: Record<string, number>): Promise<Harness> {
  const h = await startHarness(t, { limits })
  assert.equal((await h.ask('/kv/big', { method: 'PUT', body: Buffer.alloc(VALUE_BYTES, 'x') })).status, 204)
  return h
}

/** Asks many times in one go, and reads nothing. */
async function greedy(h: Harness): Promise<net.Socket> {
  const answered = h.observed.length
  const socket = await h.connect()
  socket.pause()
  socket.on('error', () => {})
  socket.write('GET /kv/big HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(ASKED))
  // All of them are answered, as far as the gateway can.
  while (h.observed.length < answered + ASKED) await new Promise((resolve) => setTimeout(resolve, 5))
  return socket
}

/** Reads at last; resolves with how much there was when the connection has ended. */
function readToEnd(socket: net.Socket): Promise<number> {
  return new Promise((resolve) => {
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    socket.once('close', () => resolve(bytes))
    socket.resume()
  })
}

async function unreadBytes(h: Harness): Promise<number> {
  return (await h.ask('/stats')).json().gateway.unreadBytes as number
}

test('who reads nothing loses the connection, and its answers their memory', async (t) => {
  const h = await withValue(t, { stallMsMax: 300 })
  const stalled = await greedy(h)
  while ((await unreadBytes(h)) > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  assert((await readToEnd(stalled)) < ASKED * VALUE_BYTES, 'all of it was sent')
})

test('who reads slowly gets everything, and may ask again after a while', async (t) => {
  const h = await withValue(t, { stallMsMax: 4_000 })
  const slow = await greedy(h)
  let bytes = 0
  slow.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    slow.pause()
    setTimeout(() => slow.resume(), 1)
  })
  slow.resume()
  while (bytes < ASKED * VALUE_BYTES) {
    assert(!slow.destroyed, `ended after ${bytes} bytes`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.equal(await unreadBytes(h), 0)
  await new Promise((resolve) => setTimeout(resolve, 4_500))
  const before = bytes
  slow.write('GET /kv/big HTTP/1.1\r\nHost: x\r\n\r\n')
  while (bytes < before + VALUE_BYTES) {
    assert(!slow.destroyed, 'the idle connection was ended')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  slow.destroy()
})

test('all unread answers together are bounded: who has waited the longest goes', async (t) => {
  const h = await withValue(t, { unreadBytesMax: ASKED * VALUE_BYTES * 1.5 })
  const first = await greedy(h)
  const second = await greedy(h)
  assert((await unreadBytes(h)) <= ASKED * VALUE_BYTES * 1.5)
  const [firstBytes, secondBytes] = await Promise.all([
    readToEnd(first),
    Promise.race([readToEnd(second), full(second)]),
  ])
  assert(firstBytes < ASKED * VALUE_BYTES)
  assert(secondBytes >= ASKED * VALUE_BYTES)
  second.destroy()
})

/** Resolves when every answer has come. */
function full(socket: net.Socket): Promise<number> {
  return new Promise((resolve) => {
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes >= ASKED * VALUE_BYTES) resolve(bytes)
    })
  })
}
