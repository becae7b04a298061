/** Finding a cluster through a broker, without knowing its name or its stores. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Broker, startBroker } from '../../src/broker/index.ts'
import { type DiscoveryOptions, discoverCluster, openNatsTransport, TransportError } from '../../src/transport/index.ts'
import { realClock } from './clocks.ts'
import { natsFixture, natsOptions } from './nats-fixture.ts'
import { pattern } from './support.ts'

describe('discovery', () => {
  const reasonToLive = setInterval(() => {}, 60_000)
  let broker: Broker

  before(async () => {
    broker = await startBroker({ host: '127.0.0.1', port: 0 })
  })
  after(async () => {
    clearInterval(reasonToLive)
    await broker.stop()
  })

  function discover(more: Partial<DiscoveryOptions> = {}): ReturnType<typeof discoverCluster> {
    return discoverCluster({ servers: [broker.url], clock: realClock, waitMsMax: 20_000, ...more })
  }

  function code(expected: string): (error: unknown) => boolean {
    return (error) => error instanceof TransportError && error.code === expected
  }

  it('finds the stores of a cluster, not its clients, whatever else is said on the subject', async () => {
    const open = (address: string, clusterId: string, role: 'store' | 'client' = 'store') =>
      openNatsTransport(natsOptions(broker.url, { address, clusterId, role }))
    const transports = [await open('s2', 'one'), await open('s1', 'one'), await open('client', 'one', 'client')]
    const wire = await natsFixture({ url: broker.url, stop: never, start: never, end: never }).openWire()
    for (let i = 0; i < 50; i++) wire.publish('flotilla.hello', pattern(i, i))
    await wire.close()
    assert.deepEqual(await discover(), { clusterId: 'one', stores: ['s1', 's2'] })
    transports.push(await open('s1', 'two'))
    await assert.rejects(discover(), (error) => code('SEVERAL_CLUSTERS')(error) && /one, two/.test(String(error)))
    assert.deepEqual(await discover({ clusterId: 'two' }), { clusterId: 'two', stores: ['s1'] })
    await assert.rejects(discover({ clusterId: 'three', waitMsMax: 400 }), code('NO_CLUSTER'))
    await assert.rejects(discover({ clusterId: 'a.b' }), code('BAD_ID'))
    await Promise.all(transports.map((transport) => transport.close()))
    await assert.rejects(discover({ waitMsMax: 400 }), code('NO_CLUSTER'))
  })

  it('waits for a store that starts late', async () => {
    const found = discover()
    await new Promise((resolve) => setTimeout(resolve, 400))
    const store = await openNatsTransport(natsOptions(broker.url, { address: 's9', clusterId: 'late' }))
    assert.deepEqual(await found, { clusterId: 'late', stores: ['s9'] })
    await store.close()
  })

  it('says that there is no broker, or that it refuses us', async () => {
    const gone = await startBroker({ host: '127.0.0.1', port: 0 })
    await gone.stop()
    await assert.rejects(discover({ servers: [gone.url], waitMsMax: 300 }), code('NO_BROKER'))
    const strict = await startBroker({ host: '127.0.0.1', port: 0, auth: { token: 'secret' } })
    await assert.rejects(discover({ servers: [strict.url] }), code('AUTH_FAILED'))
    await strict.stop()
  })
})

async function never(): Promise<void> {}
