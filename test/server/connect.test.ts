/** Whoever cannot connect is told so in the words of the client, not in those of the transport under it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBroker } from '../../src/broker/index.ts'
import { connect, FlotillaError } from '../../src/index.ts'

async function rejection(url: string, options?: Parameters<typeof connect>[1]): Promise<FlotillaError> {
  try {
    await connect(url, options)
  } catch (error) {
    assert(error instanceof FlotillaError, String(error))
    return error
  }
  assert.fail(`connected to ${url}`)
}

test('no broker, a broker without stores, wrong credentials and impossible options each have their code', async () => {
  const broker = await startBroker({ host: '127.0.0.1', port: 0, auth: { user: 'u', password: 'p' } })
  try {
    const silent = await rejection(broker.url, { user: 'u', password: 'p' })
    assert.deepEqual([silent.code, silent.outcome, silent.retryable], ['UNAVAILABLE', 'none', true])
    const stranger = await rejection(broker.url, { user: 'u', password: 'wrong' })
    assert.deepEqual([stranger.code, stranger.retryable], ['UNAUTHENTICATED', false])
    const confused = await rejection(broker.url, { user: 'u', password: 'p', token: 't' })
    assert.equal(confused.code, 'INVALID_ARGUMENT')
    assert.equal((await rejection(broker.url, { clusterId: 'a.b' })).code, 'INVALID_ARGUMENT')
  } finally {
    await broker.stop()
  }
  const gone = await rejection(broker.url)
  assert.deepEqual([gone.code, gone.retryable], ['UNAVAILABLE', true])
  assert.equal((await rejection('ftp://host')).code, 'INVALID_ARGUMENT')
})
