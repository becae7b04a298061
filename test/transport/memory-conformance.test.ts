/** The conformance suite of the transport port on the memory adapter. */
import { createMemoryHub, openMemoryTransport } from '../../src/transport/index.ts'
import { MemoryWire } from '../../src/transport/memory/memory-wire.ts'
import { realClock, testRandom } from './clocks.ts'
import { describeTransport } from './conformance.ts'

describeTransport('memory', async () => {
  const hub = createMemoryHub({ clock: realClock, random: testRandom })
  return {
    open: async (options) =>
      openMemoryTransport(hub, { incarnation: '', clock: realClock, random: testRandom, ...options }),
    openWire: async () => new MemoryWire(hub, 'spy'),
    stopBroker: async () => hub.stop(),
    startBroker: async () => hub.start(),
    end: async () => {},
  }
})
