/**
 * What every adapter of the transport must do, run by `*-conformance.test.ts` on each of them. Nothing here depends on speed: waiting is
 * patient, and only what the port promises about time ("not before") is measured. The rules themselves are in the files beside.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { present } from '../../src/base/index.ts'
import type { Transport } from '../../src/transport/index.ts'
import { failureRules } from './conformance-failures.ts'
import { messageRules } from './conformance-messages.ts'
import type { Fixture, OpenOptions, Recorder } from './support.ts'

export function describeTransport(name: string, makeFixture: () => Promise<Fixture>): void {
  describe(`transport conformance on ${name}`, () => {
    const suite = new Suite()
    // The clock's timers let a process end while it waits, as they should; a test has to stay.
    const reasonToLive = setInterval(() => {}, 60_000)

    before(async () => {
      suite.begin(await makeFixture())
    })

    after(async () => {
      clearInterval(reasonToLive)
      await suite.fixture.end()
    })

    messageRules(suite)
    failureRules(suite)
  })
}

/** One adapter with a broker that its tests share, each as a cluster of its own. */
export class Suite {
  clusterId = ''
  #fixture: Fixture | undefined
  #clusters = 0
  #opened: Transport[] = []

  begin(fixture: Fixture): void {
    this.#fixture = fixture
  }

  get fixture(): Fixture {
    return present(this.#fixture, 'fixture')
  }

  test(what: string, run: () => Promise<void>): void {
    it(what, async () => {
      this.clusterId = `c${++this.#clusters}`
      this.#opened = []
      try {
        await run()
      } finally {
        await Promise.all(this.#opened.map((transport) => transport.close()))
      }
    })
  }

  /** Opens a transport that is closed after the test. */
  async open(address: string, handlers?: Recorder, more: Partial<OpenOptions> = {}): Promise<Transport> {
    const { clusterId } = this
    const transport = await this.fixture.open({
      clusterId,
      address,
      ...(handlers === undefined ? {} : { handlers }),
      ...more,
    })
    this.#opened.push(transport)
    assert.equal(transport.state, 'open')
    assert.equal(transport.address, address)
    return transport
  }
}
