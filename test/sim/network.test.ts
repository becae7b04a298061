/** Each fault of the simulated network really happens, and without faults it keeps the order that the transport relies on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FaultCounts } from '../../src/testing/fault-counts.ts'
import { CALM_NETWORK, Network, type NetworkFaults, type SimulatedWire } from '../../src/testing/network.ts'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { SimulatedProcess } from '../../src/testing/simulated-process.ts'
import { Timeline } from '../../src/testing/timeline.ts'

interface Pair {
  readonly timeline: Timeline
  readonly network: Network
  readonly counts: FaultCounts
  readonly sender: SimulatedWire
  readonly receiver: SimulatedWire
  readonly senderProcess: SimulatedProcess
  readonly received: { readonly number: number; readonly timeUs: number }[]
  send(from: number, to: number): void
  run(): void
}

function makePair(faults: Partial<NetworkFaults> = {}): Pair {
  const timeline = new Timeline({
    afterEvent() {},
    onError(_owner, error) {
      throw error
    },
  })
  const counts = new FaultCounts()
  const network = new Network(timeline, new SeededRandom(11, 'network'), counts)
  network.faults = { ...CALM_NETWORK, ...faults }
  const [one, other] = ['a', 'b'].map(
    (name, number) =>
      new SimulatedProcess(
        name,
        number + 1,
        timeline,
        new SeededRandom(number, name),
        { driftPerMillion: 0, wallOffsetMs: 0 },
        () => {},
      ),
  ) as [SimulatedProcess, SimulatedProcess]
  const sender = network.connect(one, 'a')
  const receiver = network.connect(other, 'b')
  const received: { number: number; timeUs: number }[] = []
  receiver.subscribe('flotilla.sim.r.b', (bytes) => {
    received.push({ number: Buffer.from(bytes).readUInt32BE(), timeUs: timeline.nowUs })
  })
  const run = (): void => {
    while (timeline.step()) {
      // Frames have no promises.
    }
  }
  run()
  const send = (from: number, to: number): void => {
    for (let number = from; number < to; number++) {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(number)
      assert.equal(sender.publish('flotilla.sim.r.b', bytes), true)
    }
  }
  return { timeline, network, counts, sender, receiver, senderProcess: one, received, send, run }
}

const numbers = ({ received }: Pair): number[] => received.map(({ number }) => number)
const range = (count: number): number[] => Array.from({ length: count }, (_, number) => number)

test('in calm, every frame arrives once and in order', () => {
  const pair = makePair()
  pair.send(0, 500)
  pair.run()
  assert.deepEqual(numbers(pair), range(500))
})

test('frames that take long hold those behind them, as a connection does', () => {
  const pair = makePair({ spikePerMille: 50, spikeUsMax: 500_000 })
  pair.send(0, 500)
  pair.run()
  assert.deepEqual(numbers(pair), range(500))
  assert(pair.counts.get('frame-delayed') > 5)
})

test('frames are lost, repeated and reordered where a run asks for it', () => {
  const lossy = makePair({ lostPerMille: 200 })
  lossy.send(0, 500)
  lossy.run()
  assert.equal(lossy.received.length, 500 - lossy.counts.get('frame-lost'))
  assert(lossy.counts.get('frame-lost') > 50)

  const twice = makePair({ repeatedPerMille: 200 })
  twice.send(0, 500)
  twice.run()
  assert.equal(twice.received.length, 500 + twice.counts.get('frame-repeated'))
  assert(twice.counts.get('frame-repeated') > 50)

  const mixed = makePair({ reorderedPerMille: 200 })
  mixed.send(0, 500)
  mixed.run()
  assert.notDeepEqual(numbers(mixed), range(500))
  assert.deepEqual(
    numbers(mixed).sort((a, b) => a - b),
    range(500),
  )
})

test('a cut loses frames in one direction only, those under way included', () => {
  const pair = makePair()
  pair.send(0, 10)
  pair.network.cut('a', 'b')
  pair.send(10, 20)
  pair.run()
  assert.equal(pair.received.length, 0)
  assert.equal(pair.counts.get('frame-cut'), 20)
  pair.network.mend('a', 'b')
  pair.network.cut('b', 'a')
  pair.send(20, 30)
  pair.run()
  assert.equal(pair.received.length, 10)
})

test('a clogged way holds frames until its time and then lets them through in order', () => {
  const pair = makePair()
  pair.network.clog('a', 'b', pair.timeline.nowUs + 1_000_000)
  pair.send(0, 20)
  pair.run()
  assert.deepEqual(numbers(pair), range(20))
  assert(pair.received.every(({ timeUs }) => timeUs >= 1_000_000))
})

test('a broker that stops takes frames and connections with it; they come back, the frames do not', () => {
  const pair = makePair()
  const states: boolean[] = []
  pair.sender.watch(() => states.push(pair.sender.isOpen))
  pair.send(0, 10)
  pair.network.stopBroker()
  assert.equal(pair.sender.isOpen, false)
  assert.equal(pair.sender.publish('flotilla.sim.r.b', new Uint8Array(4)), false)
  pair.run()
  assert.equal(pair.received.length, 0)
  pair.network.startBroker()
  pair.run()
  assert.deepEqual(states, [false, true])
  pair.send(10, 20)
  pair.run()
  assert.equal(pair.received.length, 10)
})

test('a dead process is heard no more, and does not learn why', () => {
  const pair = makePair()
  pair.senderProcess.dieAfterEffects(5)
  pair.send(0, 10)
  pair.run()
  assert.deepEqual(numbers(pair), range(5))
})
