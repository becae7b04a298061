/** The target for Flotilla's own client, on a client made here: what becomes of answers, errors and late results. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LaneObserver } from '../../bench/load/index.ts'
import { FlotillaNativeTarget, type NativeClient } from '../../bench/targets/index.ts'

class FakeError extends Error {
  readonly code = 'NO_LEADER'
  readonly outcome = 'none'
}

function recorder(): { observer: LaneObserver; seen: string[]; next: () => Promise<void> } {
  const seen: string[] = []
  let wake: () => void = () => {}
  const note = (text: string): void => {
    seen.push(text)
    wake()
  }
  return {
    seen,
    next: () =>
      new Promise((resolve) => {
        wake = resolve
      }),
    observer: {
      putDone: (lane) => note(`${lane} put`),
      getDone: (lane, value) => note(`${lane} got ${value === undefined ? 'nothing' : Buffer.from(value).toString()}`),
      failed: (lane, code, outcome) => note(`${lane} ${code} ${outcome}`),
    },
  }
}

test('lanes share the clients; answers, absence and errors arrive', async () => {
  const urls: string[] = []
  let disposed = 0
  const connect = async (url: string): Promise<NativeClient> => {
    urls.push(url)
    const store = new Map<string, Uint8Array>()
    return {
      put: async (key, value) => {
        if (key === 'bad') throw new FakeError()
        if (key === 'odd') throw new Error('no code')
        store.set(String(key), Buffer.from(value))
        return { revision: 1 }
      },
      get: async (key) => store.get(String(key)),
      close: async () => {
        disposed++
      },
    }
  }
  const { observer, seen, next } = recorder()
  const target = new FlotillaNativeTarget({ url: 'nats://x', clients: 2, connect })
  const lanes = await target.open(3, observer)
  for (const [lane, key] of [
    [0, 'a'],
    [2, 'a'],
    [1, 'bad'],
    [1, 'odd'],
  ] as const) {
    const settled = next()
    lanes[lane]?.put(key, Buffer.from(`v${lane}`))
    await settled
  }
  for (const lane of [0, 1]) {
    const settled = next()
    lanes[lane]?.get('a')
    await settled
  }
  // Lanes 0 and 2 have the same client, lane 1 the other.
  assert.deepEqual(seen, ['0 put', '2 put', '1 NO_LEADER none', '1 CLIENT_ERROR unknown', '0 got v2', '1 got nothing'])
  await target.close()
  assert.deepEqual(urls, ['nats://x', 'nats://x'])
  assert.equal(disposed, 2)
})

test('an abandoned operation settles once', async () => {
  let answer: (value: Uint8Array | undefined) => void = () => {}
  const connect = async (): Promise<NativeClient> => ({
    put: async () => ({ revision: 1 }),
    get: () =>
      new Promise((resolve) => {
        answer = resolve
      }),
    close: async () => {},
  })
  const { observer, seen, next } = recorder()
  const [lane] = await new FlotillaNativeTarget({ url: 'nats://x', clients: 1, connect }).open(1, observer)
  assert.ok(lane !== undefined)
  lane.get('a')
  lane.abandon()
  answer(Buffer.from('late'))
  const settled = next()
  lane.put('a', Buffer.from('v'))
  await settled
  assert.deepEqual(seen, ['0 TIMEOUT unknown', '0 put'])
})
