/** Frames of another version: refused, counted, and told, but not once for each. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pack } from '../../src/machine/index.ts'
import { systemClock } from '../../src/server/system.ts'
import { REQUEST } from '../../src/transport/channels.ts'
import { FRAME_VERSION, FrameReader } from '../../src/transport/frame.ts'
import { createMemoryHub, openMemoryTransport } from '../../src/transport/index.ts'
import { MemoryWire } from '../../src/transport/memory/memory-wire.ts'
import { subjectOf } from '../../src/transport/subject.ts'
import { SeededRandom } from '../raft/harness/seeded-random.ts'

test('a reader tells a frame of another version from what is no frame', () => {
  const reader = new FrameReader()
  for (const [plain, version] of [
    [[FRAME_VERSION + 1, 'whatever', 'follows'], FRAME_VERSION + 1],
    [[7], 7],
    [[], 0],
    [['text'], 0],
    ['text', 0],
    [[FRAME_VERSION, 's1'], 0],
  ] as const) {
    assert.equal(reader.read(pack(plain)), false)
    assert.equal(reader.otherVersion, version, JSON.stringify(plain))
  }
})

test('a transport says once that somebody speaks another version, and goes on', async () => {
  let nowMs = 0
  const clock = { ...systemClock, nowMs: () => nowMs }
  const hub = createMemoryHub({ clock: systemClock })
  const logged: string[] = []
  const transport = openMemoryTransport(hub, {
    clusterId: 'c',
    address: 's1',
    incarnation: 'i',
    clock,
    random: new SeededRandom(1),
    logger: { log: (level, message) => void logged.push(`${level} ${message}`) },
  })
  const stranger = new MemoryWire(hub, 's2')
  const arrive = async (count: number): Promise<void> => {
    const wanted = transport.stats().malformedFrames + count
    for (let each = 0; each < count; each++) stranger.publish(subjectOf('c', REQUEST, 's1'), pack([2, 's2', 'i']))
    while (transport.stats().malformedFrames < wanted) await new Promise((resolve) => setImmediate(resolve))
  }
  await arrive(100)
  assert.deepEqual(logged, [
    'warn frames of version 2 arrive, and this release reads version 1: upgrade the older stores first',
  ])
  nowMs += 3_600_000
  await arrive(1)
  assert.equal(logged.length, 2)
  assert.equal(transport.stats().framesReceived, 0)
  await transport.close()
})
