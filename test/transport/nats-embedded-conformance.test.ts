import { type Broker, startBroker } from '../../src/broker/index.ts'
import { describeTransport } from './conformance.ts'
import { natsFixture } from './nats-fixture.ts'

describeTransport('NATS, embedded broker', async () => {
  let broker: Broker = await startBroker({ host: '127.0.0.1', port: 0 })
  const { port, url } = broker
  return natsFixture({
    url,
    stop: () => broker.stop(),
    start: async () => {
      broker = await startBroker({ host: '127.0.0.1', port })
    },
    end: () => broker.stop(),
  })
})
