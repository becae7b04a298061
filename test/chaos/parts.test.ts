/** The parts of chaos that a run only shows when they are wrong: the proxy, its filter, chance, windows, and a judgement that can fail. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { checkLinearizable } from '../../src/testing/check/index.ts'
import { unavailability } from '../../tools/chaos/availability.ts'
import { encodeKey, keyOfBound, ShardBounds } from '../../tools/chaos/keys.ts'
import { PublishFilter } from '../../tools/chaos/publish-filter.ts'
import { Recorder } from '../../tools/chaos/recorder.ts'
import { SeededRandom } from '../../tools/chaos/seeded-random.ts'
import { type Direction, TcpProxy } from '../../tools/chaos/tcp-proxy.ts'
import { poll } from '../../tools/cluster/poll.ts'

interface Message {
  readonly subject: string
  readonly reply: boolean
  readonly payload: string
}

const anyMessage = fc.record({
  subject: fc.constantFrom('flotilla.c.q.s1', 'flotilla.c.r.s2', 'flotilla.c.r.s1', 'other'),
  reply: fc.boolean(),
  payload: fc.string({ maxLength: 40 }),
})

function publication({ subject, reply, payload }: Message): string {
  return `PUB ${subject}${reply ? ' inbox' : ''} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`
}

describe('the filter of publications', () => {
  it('leaves out what it should and nothing else, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(anyMessage), fc.array(fc.nat(50)), (messages, cuts) => {
        const isLost = (subject: string): boolean => subject.endsWith('.s2')
        const other = ['CONNECT {"x":1}\r\n', 'PING\r\n', 'SUB PUB.s2 1\r\n']
        const all = messages.map((message, position) => (other[position % 4] ?? '') + publication(message)).join('')
        const kept = messages
          .map(
            (message, position) => (other[position % 4] ?? '') + (isLost(message.subject) ? '' : publication(message)),
          )
          .join('')
        const filter = new PublishFilter(isLost)
        const bytes = Buffer.from(all)
        const passed: Buffer[] = []
        let at = 0
        for (const cut of [...cuts, bytes.length]) {
          passed.push(...filter.pass(bytes.subarray(at, at + cut)))
          at += cut
        }
        assert.equal(Buffer.concat(passed).toString(), kept)
        assert.equal(filter.lost, messages.filter(({ subject }) => isLost(subject)).length)
      }),
    )
  })
})

/** An echo server of lines behind a proxy, and a connection through it. */
async function throughProxy(run: (proxy: TcpProxy, dial: () => Socket) => Promise<void>): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await TcpProxy.open(`nats://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const dialed: Socket[] = []
  const dial = (): Socket => {
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1')
    socket.on('error', () => {})
    dialed.push(socket)
    return socket
  }
  try {
    await run(proxy, dial)
  } finally {
    for (const socket of dialed) socket.destroy()
    proxy.close()
    server.close()
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('close', () => resolve())
  })
}

function heard(socket: Socket): { text: string } {
  const sink = { text: '' }
  socket.on('data', (bytes: Buffer) => {
    sink.text += bytes.toString()
  })
  return sink
}

describe('the proxy', () => {
  for (const direction of ['toBroker', 'toStore'] as const) {
    it(`holds back what goes ${direction} and delivers it later, whole and in order`, async () => {
      await throughProxy(async (proxy, dial) => {
        const socket = dial()
        const sink = heard(socket)
        socket.write('a\n')
        await poll('the first echo', 10_000, () => sink.text === 'a\n')
        proxy.behave({ stalled: new Set<Direction>([direction]) })
        const long = `${'b'.repeat(99)}\n`.repeat(30_000)
        socket.write(long)
        await new Promise((resolve) => setTimeout(resolve, 100))
        assert.equal(sink.text, 'a\n')
        proxy.behave({ stalled: new Set() })
        await poll('the rest', 10_000, () => sink.text.length === long.length + 2)
        assert.equal(sink.text, `a\n${long}`)
      })
    })
  }

  it('delays without reordering', async () => {
    await throughProxy(async (proxy, dial) => {
      const socket = dial()
      const sink = heard(socket)
      proxy.behave({ delayMs: 50 })
      const startedMs = performance.now()
      for (let i = 0; i < 10; i++) {
        socket.write(`${i}\n`)
        await new Promise((resolve) => setTimeout(resolve, 5))
        if (i === 7) proxy.behave({ delayMs: 0 })
      }
      await poll('all echoes', 10_000, () => sink.text.length === 20)
      assert.equal(sink.text, '0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n')
      assert.ok(performance.now() - startedMs >= 50)
    })
  })

  it('breaks connections, and refuses new ones', async () => {
    await throughProxy(async (proxy, dial) => {
      const socket = dial()
      const sink = heard(socket)
      socket.write('a\n')
      await poll('the first echo', 10_000, () => sink.text === 'a\n')
      proxy.behave({ refuses: true })
      proxy.breakConnections()
      await closed(socket)
      const refused = dial()
      await closed(refused)
      proxy.behave({ refuses: false })
      const again = heard(
        dial().on('connect', function greet(this: Socket) {
          this.write('b\n')
        }),
      )
      await poll('another echo', 10_000, () => again.text === 'b\n')
    })
  })
})

describe('chance', () => {
  it('repeats from its seed, stays in its bounds, and a fork does not depend on later draws', () => {
    const draws = (seed: number): number[] => {
      const random = new SeededRandom(seed)
      return Array.from({ length: 1_000 }, () => random.below(10))
    }
    assert.deepEqual(draws(7), draws(7))
    assert.notDeepEqual(draws(7), draws(8))
    assert.deepEqual([...new Set(draws(7))].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const one = new SeededRandom(3).fork()
    const parent = new SeededRandom(3)
    const other = parent.fork()
    parent.below(5)
    assert.deepEqual([one.below(100), one.below(100)], [other.below(100), other.below(100)])
    assert.equal(new SeededRandom(1).pick([]), undefined)
  })
})

describe('keys', () => {
  it('any bytes survive the way into a path', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const key = Buffer.from(bytes).toString('latin1')
        assert.equal(keyOfBound(encodeKey(key)), key)
      }),
    )
  })
})

const BOUNDS = new ShardBounds([
  { id: 2, kind: 'data', start: '', end: 'm', leader: null, term: 1, commitIndex: 1, replicas: [] },
  { id: 3, kind: 'data', start: 'm', end: null, leader: null, term: 1, commitIndex: 1, replicas: [] },
])

describe('windows without service', () => {
  it('counts from the fault to the first success that began after it, on the shard that waited longest', () => {
    const put = (key: string, calledMs: number, returnedMs: number, kind: 'written' | 'unknown') => ({
      client: 'c',
      key,
      action: { kind: 'put', value: `${calledMs}`, condition: { kind: 'none' } } as const,
      calledMs,
      returnedMs,
      outcome: kind === 'written' ? ({ kind, revision: 1 } as const) : ({ kind } as const),
    })
    const operations = [
      put('a', 90, 120, 'written'),
      put('a', 105, 130, 'unknown'),
      put('a', 140, 150, 'written'),
      put('z', 110, 115, 'written'),
    ]
    const happened = [{ fault: 'kill', what: '', beganMs: 100, endedMs: 110, recoveredMs: 200 }]
    assert.deepEqual(unavailability(operations, happened, BOUNDS), [
      { fault: 'kill', count: 1, middleMs: 50, longestMs: 50 },
    ])
    // A shard that never served again gives no window; the run fails for it elsewhere.
    assert.deepEqual(unavailability(operations.slice(0, 3), happened, BOUNDS), [])
  })
})

describe('what is recorded', () => {
  it('shows a lost write to the checker', () => {
    const recorder = new Recorder()
    const put = { kind: 'put', value: 'v1', condition: { kind: 'none' } } as const
    recorder.operation('c', 'k', put, recorder.nowMs(), { kind: 'written', revision: 1 })
    assert.equal(checkLinearizable(recorder.operations).ok, true)
    recorder.operation('last', 'k', { kind: 'get' }, recorder.nowMs(), { kind: 'read', found: undefined })
    assert.equal(checkLinearizable(recorder.operations).ok, false)
  })
})
