/** The conformance suite of the transport port over NATS, against a real nats-server. Says so plainly where there is none. */
import { it } from 'node:test'
import { findNatsServer, NATS_SERVER_ABSENT, startNatsServer } from '../../tools/cluster/nats-server.ts'
import { describeTransport } from './conformance.ts'
import { natsFixture } from './nats-fixture.ts'

if (findNatsServer() === undefined) {
  console.log(NATS_SERVER_ABSENT)
  it('transport conformance on NATS, nats-server', { skip: NATS_SERVER_ABSENT }, () => {})
} else {
  describeTransport('NATS, nats-server', async () => {
    const server = await startNatsServer()
    if (server === undefined) throw new Error('nats-server was there a moment ago')
    return natsFixture({
      url: server.url,
      stop: () => server.kill(),
      start: async () => {
        if (server.pid === undefined) await server.restart()
      },
      end: () => server.stop(),
    })
  })
}
