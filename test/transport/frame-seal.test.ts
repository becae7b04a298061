/** The cluster's key: what is sealed with it is believed, and nothing else, down to the last bit; keys are introduced and exchanged one process after the other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameSeal } from '../../src/transport/frame-seal.ts'
import { createMemoryHub, type FrameKeys, openMemoryTransport, TransportError } from '../../src/transport/index.ts'
import { realClock, testRandom } from './clocks.ts'

const OLD = 'an old key that is long enough, but old'
const NEW = 'a new key that is long enough, and is new'
const SUBJECT = 'flotilla.dev.request.s1'

function sealOf(keys: FrameKeys): FrameSeal {
  const seal = FrameSeal.of(keys)
  assert(seal !== undefined)
  return seal
}

test('what is sealed comes back, and any changed bit, other subject or other key makes it nothing', () => {
  const seal = sealOf({ clusterKey: OLD })
  const frame = Uint8Array.from([0x93, 1, 2, 3])
  const sealed = seal.seal(SUBJECT, frame)
  assert.deepEqual(Uint8Array.from(seal.open(SUBJECT, sealed) ?? []), frame)
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Uint8Array.from(sealed)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.equal(seal.open(SUBJECT, changed), undefined, `bit ${bit}`)
  }
  for (let length = 0; length < sealed.length; length++)
    assert.equal(seal.open(SUBJECT, sealed.subarray(0, length)), undefined, `${length} bytes`)
  assert.equal(seal.open('flotilla.dev.request.s2', sealed), undefined)
  assert.equal(seal.open(SUBJECT, frame), undefined, 'a bare frame')
  assert.equal(sealOf({ clusterKey: NEW }).open(SUBJECT, sealed), undefined)
})

test('any bytes are opened or not, and never throw', () => {
  const seal = sealOf({ clusterKey: OLD, clusterKeyAccepted: NEW })
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.uint8Array({ maxLength: 100 }).map((rest) => Uint8Array.from([0xc1, 1, ...rest])),
  )
  fc.assert(fc.property(bytes, (given) => seal.open(SUBJECT, given) === undefined))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (frame) => {
      assert.deepEqual(Uint8Array.from(seal.open(SUBJECT, seal.seal(SUBJECT, frame)) ?? [0xc1]), frame)
    }),
  )
})

test('keys of no use are refused without being shown', () => {
  for (const [keys, why] of [
    [{ clusterKey: 'hunter2' }, /clusterKey has 7 characters; expected at least 32/],
    [{ clusterKeyAccepted: 'hunter2' }, /clusterKeyAccepted has 7 characters/],
    [{ clusterKeyAccepted: 'none' }, /accepted anyway/],
  ] as const) {
    const refused = (error: unknown): boolean =>
      error instanceof TransportError &&
      error.code === 'BAD_OPTIONS' &&
      why.test(error.message) &&
      !error.message.includes('hunter2')
    assert.throws(() => FrameSeal.of(keys), refused)
  }
  assert.equal(FrameSeal.of({}), undefined)
})

/** Whether a request from one with the first keys is answered by one with the second, and what the second counted. */
async function ask(from: FrameKeys, to: FrameKeys): Promise<{ answered: boolean; refused: number }> {
  // The timers of a transport do not keep a process alive.
  const alive = setInterval(() => {}, 1_000)
  const hub = createMemoryHub({ clock: realClock, random: testRandom })
  const common = { clusterId: 'c', incarnation: '', clock: realClock, random: testRandom }
  const asker = openMemoryTransport(hub, { ...common, address: 'a', ...from })
  const server = openMemoryTransport(hub, {
    ...common,
    address: 's1',
    ...to,
    handlers: { onItems: () => {}, onRequest: (request) => request.reply(request.body), onState: () => {} },
  })
  asker.start({ onItems: () => {}, onRequest: () => {}, onState: () => {} })
  const answer = await new Promise((resolve) => asker.request('s1', Uint8Array.from([7]), 400, resolve))
  const { malformedFrames } = server.stats()
  await Promise.all([asker.close(), server.close()])
  clearInterval(alive)
  return { answered: answer instanceof Uint8Array, refused: malformedFrames }
}

test('only those who know the key are heard', async () => {
  assert.deepEqual(await ask({ clusterKey: OLD }, { clusterKey: OLD }), { answered: true, refused: 0 })
  for (const stranger of [{}, { clusterKey: NEW }]) {
    const { answered, refused } = await ask(stranger, { clusterKey: OLD })
    assert.equal(answered, false)
    assert(refused > 0, 'it is counted')
  }
})

/** Of the three restarts that SECURITY.md names, each step works with the one before it and the one after it. */
for (const [what, steps] of [
  [
    'introduced',
    [{}, { clusterKeyAccepted: NEW }, { clusterKey: NEW, clusterKeyAccepted: 'none' }, { clusterKey: NEW }],
  ],
  [
    'exchanged',
    [
      { clusterKey: OLD },
      { clusterKey: OLD, clusterKeyAccepted: NEW },
      { clusterKey: NEW, clusterKeyAccepted: OLD },
      { clusterKey: NEW },
    ],
  ],
] as const) {
  test(`a key is ${what} one process after the other`, async () => {
    for (let step = 0; step + 1 < steps.length; step++) {
      for (const [from, to] of [
        [steps[step], steps[step + 1]],
        [steps[step + 1], steps[step]],
      ]) {
        assert(from !== undefined && to !== undefined)
        assert.deepEqual(await ask(from, to), { answered: true, refused: 0 }, `step ${step}`)
      }
    }
  })
}
