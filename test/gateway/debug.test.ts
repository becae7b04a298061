/** Profiles and the support bundle over HTTP: who gets them, one at a time, and how they end. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { DebugPort } from '../../src/gateway/index.ts'
import { checkProblem, type Harness, startHarness } from './harness.ts'

/** Takes as long as the test wants. */
class FakeDebug implements DebugPort {
  readonly calls: string[] = []
  #release: (() => void)[] = []

  cpuProfile(seconds: number, signal: AbortSignal): Promise<string> {
    return this.#wait(`cpu ${seconds}`, signal, '{"nodes":[]}')
  }

  heapProfile(seconds: number, signal: AbortSignal): Promise<string> {
    return this.#wait(`heap ${seconds}`, signal, '{"head":{}}')
  }

  bundle(signal: AbortSignal): Promise<Uint8Array> {
    return this.#wait('bundle', signal, new Uint8Array([0x1f, 0x8b]))
  }

  release(): void {
    for (const release of this.#release.splice(0)) release()
  }

  #wait<Made>(call: string, signal: AbortSignal, made: Made): Promise<Made> {
    this.calls.push(call)
    return new Promise((resolve, reject) => {
      this.#release.push(() => resolve(made))
      signal.addEventListener('abort', () => {
        this.calls.push(`${call} aborted`)
        reject(signal.reason)
      })
    })
  }
}

async function called(debug: FakeDebug, count: number): Promise<void> {
  while (debug.calls.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
}

async function ended(h: Harness): Promise<void> {
  while (h.gateway.inflight > 0) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('profiles and the bundle are files with names, made one at a time', async (t) => {
  const debug = new FakeDebug()
  const h = await startHarness(t, { debug, storeId: 's/1' })
  for (const [path, call, contentType, ending] of [
    ['/debug/profile/cpu', 'cpu 10', 'application/json', 'cpuprofile'],
    ['/debug/profile/cpu?seconds=60', 'cpu 60', 'application/json', 'cpuprofile'],
    ['/debug/profile/heap?seconds=1', 'heap 1', 'application/json', 'heapprofile'],
    ['/debug/bundle', 'bundle', 'application/gzip', 'tar.gz'],
  ] as const) {
    const asked = debug.calls.length
    const running = h.ask(path)
    await called(debug, asked + 1)
    assert.equal(debug.calls.at(-1), call)
    for (const other of ['/debug/profile/cpu?seconds=1', '/debug/profile/heap', '/debug/bundle'])
      checkProblem(await h.ask(other), 429, 'OVERLOADED')
    assert.equal(debug.calls.length, asked + 1)
    debug.release()
    const answer = await running
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['content-type'], contentType)
    assert.match(
      String(answer.headers['content-disposition']),
      new RegExp(`^attachment; filename="flotilla-s_1-[0-9TZ-]+\\.${ending.replace('.', '\\.')}"$`),
    )
  }
})

test('seconds is a whole number from 1 to 60', async (t) => {
  const debug = new FakeDebug()
  const h = await startHarness(t, { debug })
  for (const kind of ['cpu', 'heap'])
    for (const seconds of ['0', '61', '-1', '1.5', '', 'x', '1e1', '9999999999'])
      await h.problem(`/debug/profile/${kind}?seconds=${seconds}`, {}, 400, 'INVALID_ARGUMENT')
  assert.deepEqual(debug.calls, [])
})

test('a client that leaves ends its profile, and the next one may come', async (t) => {
  const debug = new FakeDebug()
  const h = await startHarness(t, { debug })
  const socket = await h.connect()
  socket.write('GET /debug/profile/cpu?seconds=60 HTTP/1.1\r\nHost: x\r\n\r\n')
  await called(debug, 1)
  socket.destroy()
  await called(debug, 2)
  assert.deepEqual(debug.calls, ['cpu 60', 'cpu 60 aborted'])
  await ended(h)
  const next = h.ask('/debug/bundle')
  await called(debug, 3)
  debug.release()
  assert.equal((await next).status, 200)
})

test('with tokens, only administrators see the inside', async (t) => {
  const debug = new FakeDebug()
  const token = (name: string, role: 'read' | 'write' | 'admin') => ({
    name,
    role,
    digest: createHash('sha256').update(name).digest(),
    prefixes: [],
  })
  const tokens = [token('reader', 'read'), token('writer', 'write'), token('admin', 'admin')]
  const h = await startHarness(t, { debug, tokens })
  for (const path of ['/debug/profile/cpu', '/debug/profile/heap', '/debug/bundle', '/debug/raft/1']) {
    await h.problem(path, {}, 401, 'UNAUTHENTICATED')
    for (const name of ['reader', 'writer'])
      await h.problem(path, { headers: { Authorization: `Bearer ${name}` } }, 403, 'PERMISSION_DENIED')
  }
  assert.deepEqual(debug.calls, [])
  const running = h.ask('/debug/bundle', { headers: { Authorization: 'Bearer admin' } })
  await called(debug, 1)
  debug.release()
  assert.equal((await running).status, 200)
})
