/** What a router says while it knows no shard map: the store around it has just started, or nobody can be reached at all. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FlotillaError } from '../../src/protocol/index.ts'
import { createRouter } from '../../src/router/index.ts'
import { systemClock } from '../../src/server/system.ts'
import { createMemoryHub, openMemoryTransport } from '../../src/transport/index.ts'
import { SeededRandom } from '../raft/harness/seeded-random.ts'

for (const isInStore of [true, false]) {
  test(isInStore ? 'in a store without a map: not ready' : 'a client that reaches nobody: unavailable', async () => {
    // The clock's timers let a process end while it waits, as they should; a test has to stay.
    const reasonToLive = setInterval(() => {}, 60_000)
    const random = new SeededRandom(1)
    const clock = systemClock
    const hub = createMemoryHub({ clock, random })
    const transport = openMemoryTransport(hub, { clusterId: 'c', address: 'a', incarnation: '', clock, random })
    const router = createRouter({
      clock,
      transport,
      anyStore: () => 's1',
      close: () => transport.close(),
      ...(isInStore
        ? {
            local: {
              id: 's1',
              request: (_request, _timeoutMs, done) => done({ kind: 'map', map: undefined, leaders: {} }),
              whomToAsk: () => undefined,
              vouch: () => undefined,
            },
          }
        : {}),
    })
    try {
      await assert.rejects(
        router.batch([{ kind: 'get', key: 'k' }], { atomic: false, timeoutMs: 50 }),
        (error) =>
          error instanceof FlotillaError &&
          error.code === (isInStore ? 'NOT_READY' : 'UNAVAILABLE') &&
          error.outcome === 'none',
      )
    } finally {
      clearInterval(reasonToLive)
      await router.close()
    }
  })
}
