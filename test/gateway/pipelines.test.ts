/** Requests sent on one connection without waiting: answered in their order, and with the effects of that order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LIMITS } from '../../src/base/index.ts'
import { FakeRouter } from './fake-router.ts'
import { type Harness, startHarness } from './harness.ts'

const HOST = 'Host: x\r\n'
const put = (key: string, value: string): string =>
  `PUT /kv/${key} HTTP/1.1\r\n${HOST}Content-Length: ${value.length}\r\n\r\n${value}`
const get = (key: string): string => `GET /kv/${key} HTTP/1.1\r\n${HOST}\r\n`
const last = (path: string): string => `GET ${path} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`

function statuses(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
}

/** Every call to the router takes less time than the one before, so that what runs at once ends in reverse. */
function slowestFirst(h: Harness): void {
  let delayMs = 60
  h.router.before = () => {
    delayMs = Math.max(0, delayMs - 5)
    return sleep(delayMs)
  }
}

test('writes take effect in the order in which they were sent, and reads see the writes before them', async (t) => {
  const h = await startHarness(t)
  slowestFirst(h)
  const values = ['1', '2', '3', '4']
  const received = await h.raw(`${values.map((value) => put('k', value) + get('k')).join('')}${last('/kv/k')}`)
  assert.deepEqual(statuses(received), [204, 200, 204, 200, 204, 200, 204, 200, 200])
  assert.deepEqual(
    [...received.matchAll(/\r\n\r\n(\d)HTTP|\r\n\r\n(\d)$/g)].map(([, one, other]) => one ?? other),
    ['1', '2', '3', '4', '4'],
  )
})

test('a write waits for the reads before it', async (t) => {
  const h = await startHarness(t)
  await h.ask('/kv/k', { method: 'PUT', body: 'old' })
  slowestFirst(h)
  const received = await h.raw(get('k') + get('k') + put('k', 'new') + last('/kv/k'))
  assert.deepEqual(received.match(/\r\n\r\n(old|new)/g), ['\r\n\r\nold', '\r\n\r\nold', '\r\n\r\nnew'])
})

test('reads that no write precedes run beside one another', async (t) => {
  const h = await startHarness(t)
  let inside = 0
  let most = 0
  h.router.before = async () => {
    most = Math.max(most, ++inside)
    await sleep(30)
    inside--
  }
  const received = await h.raw(`${get('a').repeat(9)}${last('/kv/a')}`)
  assert.deepEqual(statuses(received), new Array(10).fill(404))
  assert.equal(most, 10)
})

test('what waits behind a request that ends the connection is not done', async (t) => {
  const h = await startHarness(t)
  h.router.before = () => sleep(30)
  const closing = put('a', '1').replace(HOST, `${HOST}Connection: close\r\n`)
  assert.deepEqual(statuses(await h.raw(closing + put('b', '2'))), [204])
  await sleep(100)
  assert.deepEqual([...h.router.records.keys()], ['a'])
})

test('what waits on a connection that breaks is forgotten at once', async (t) => {
  const h = await startHarness(t)
  h.router.before = () => sleep(200)
  const socket = await h.connect()
  socket.write(put('a', '1') + put('b', '2').repeat(20))
  while (h.gateway.inflight < 21) await sleep(5)
  socket.destroy()
  // The first one goes on: it may have been written.
  const startedMs = performance.now()
  while (h.gateway.inflight > 1 && performance.now() - startedMs < LIMITS.requestTimeoutMsDefault) await sleep(5)
  while (h.gateway.inflight > 0) await sleep(5)
  assert.ok(performance.now() - startedMs < LIMITS.requestTimeoutMsDefault / 2, 'it took until the deadline')
  assert.deepEqual([...h.router.records.keys()], ['a'])
})

test('as many wait as may be in progress; more are refused, in their order', async (t) => {
  const h = await startHarness(t, { limits: { inflightMax: 4, inflightMin: 4 } })
  h.router.before = () => sleep(20)
  const received = await h.raw(`${put('a', '1').repeat(9)}${last('/livez')}`)
  assert.deepEqual(statuses(received), [204, 204, 204, 204, 204, 429, 429, 429, 429, 429])
  assert.deepEqual(statuses(await h.raw(`${put('a', '1').repeat(4)}${last('/livez')}`)), [204, 204, 204, 204, 200])
})

test('waiting counts into the time that a request has', async (t) => {
  const h = await startHarness(t)
  h.router.before = () => sleep(500)
  const hasty = put('b', '2').replace(HOST, `${HOST}Flotilla-Timeout-Ms: 1\r\n`)
  const received = await h.raw(put('a', '1') + hasty + last('/livez'))
  assert.equal(statuses(received)[0], 204)
  assert.equal(statuses(received).at(-1), 200)
})

test('the order holds for many connections and random requests', async (t) => {
  const router = new FakeRouter()
  const h = await startHarness(t, {}, router)
  const seed = Math.floor(Math.random() * 2 ** 31)
  let state = seed
  const below = (bound: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >>> 8) % bound
  }
  router.before = () => sleep(below(4))
  const connection = async (name: string): Promise<void> => {
    let text = ''
    let value: string | undefined
    const expected: string[] = []
    for (let i = 0; i < 30; i++) {
      if (below(2) === 0) {
        value = `${name}.${i}`
        text += put(name, value)
      } else {
        text += get(name)
        expected.push(value ?? 'absent')
      }
    }
    const received = await h.raw(text + last('/livez'))
    const read = received
      .split(/(?=HTTP\/1\.1 \d)/)
      .filter((answer) => /octet-stream|KEY_NOT_FOUND/.test(answer))
      .map((answer) => (answer.startsWith('HTTP/1.1 404') ? 'absent' : (answer.split('\r\n\r\n')[1] ?? '')))
    assert.deepEqual(read, expected, `connection ${name}, seed ${seed}`)
  }
  await Promise.all(Array.from({ length: 20 }, (_, i) => connection(`c${i}`)))
})
