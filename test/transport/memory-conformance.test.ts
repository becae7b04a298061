/** The conformance suite of the transport port on the memory adapter, with and without a key of the cluster. */
import { createMemoryHub, type FrameKeys, openMemoryTransport } from '../../src/transport/index.ts'
import { MemoryWire } from '../../src/transport/memory/memory-wire.ts'
import { realClock, testRandom } from './clocks.ts'
import { describeTransport } from './conformance.ts'

const KINDS: readonly (readonly [string, FrameKeys])[] = [
  ['memory', {}],
  ['memory with a cluster key', { clusterKey: 'a key of at least thirty-two characters' }],
]

for (const [name, keys] of KINDS) {
  describeTransport(name, async () => {
    const hub = createMemoryHub({ clock: realClock, random: testRandom })
    return {
      open: async (options) =>
        openMemoryTransport(hub, { incarnation: '', clock: realClock, random: testRandom, ...keys, ...options }),
      openWire: async () => new MemoryWire(hub, 'spy'),
      stopBroker: async () => hub.stop(),
      startBroker: async () => hub.start(),
      end: async () => {},
    }
  })
}
