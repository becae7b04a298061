/** The conformance suite's fixture over any NATS broker that can be stopped and started again on its port. */
import { silentLogger } from '../../src/base/index.ts'
import { type NatsTransportOptions, openNatsTransport, type Transport } from '../../src/transport/index.ts'
import { toConnectionOptions } from '../../src/transport/nats/nats-options.ts'
import { NatsWire } from '../../src/transport/nats/nats-wire.ts'
import { realClock, testRandom } from './clocks.ts'
import type { Fixture } from './support.ts'

export interface RestartableBroker {
  readonly url: string
  stop(): Promise<void>
  /** Does nothing when it runs. */
  start(): Promise<void>
  end(): Promise<void>
}

/** Options with which a test needs to say only what it is about. */
export function natsOptions(url: string, more: Partial<NatsTransportOptions> = {}): NatsTransportOptions {
  return {
    servers: [url],
    role: 'store',
    clusterId: 'c',
    address: 'a',
    incarnation: '',
    clock: realClock,
    random: testRandom,
    startWaitMsMax: 20_000,
    ...more,
  }
}

export function natsFixture(broker: RestartableBroker): Fixture {
  return {
    open: (options): Promise<Transport> => openNatsTransport(natsOptions(broker.url, options)),
    async openWire() {
      const connection = await toConnectionOptions({ servers: [broker.url] }, 'spy')
      const wire = new NatsWire({ connection, servers: broker.url, clock: realClock, logger: silentLogger })
      await wire.connect()
      return wire
    },
    stopBroker: () => broker.stop(),
    startBroker: () => broker.start(),
    end: () => broker.end(),
  }
}
