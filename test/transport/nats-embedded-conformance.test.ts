/** The conformance suite of the transport port over NATS, against the embedded broker. */
import { type Broker, startBroker } from '../../src/broker/index.ts'
import { describeTransport } from './conformance.ts'
import { natsFixture } from './nats-fixture.ts'

describeTransport('NATS, embedded broker', async () => {
  let broker: Broker = await startBroker({ host: '127.0.0.1', port: 0 })
  let isUp = true
  const { port, url } = broker
  return natsFixture({
    url,
    stop: () => {
      isUp = false
      return broker.stop()
    },
    start: async () => {
      if (isUp) return
      isUp = true
      broker = await startBroker({ host: '127.0.0.1', port })
    },
    end: () => broker.stop(),
  })
})
