/** A store with a cluster key believes whoever knows it and nobody else, on a broker that lets everybody in; the key is shown nowhere. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, FlotillaError } from '../../src/index.ts'
import { loadConfig } from '../../src/server/config/index.ts'
import { freePort } from '../../tools/cluster/ports.ts'
import { startStore } from './running-store.ts'

const KEY = 'the key of the cluster, rather long'

test('programs with the key are served, and those without it or with another are not', async (t) => {
  const url = `nats://127.0.0.1:${await freePort()}`
  await startStore(t, { 'transport.servers': url, 'transport.clusterKey': KEY })
  const member = await connect(url, { clusterKey: KEY })
  t.after(() => member.close())
  await member.put('who', 'a member')
  for (const options of [{}, { clusterKey: 'another key, which is long as well' }]) {
    const stranger = await connect(url, options)
    const refused = (error: unknown): boolean => error instanceof FlotillaError && error.code !== 'INTERNAL'
    await assert.rejects(stranger.put('who', 'a stranger', { timeout: 1_000 }), refused)
    await assert.rejects(stranger.get('who', { timeout: 1_000 }), refused)
    await stranger.close()
  }
  assert.equal(Buffer.from((await member.get('who')) ?? []).toString(), 'a member')
})

test('a key that is too short is refused with what to do, and no key is shown', () => {
  const short = loadConfig({ env: {}, flags: { 'transport.clusterKey': 'hunter2' } })
  assert(!short.ok)
  const said = JSON.stringify(short.errors)
  assert.match(said, /transport\.clusterKey/)
  assert.match(said, /openssl rand -base64 32/)
  assert.doesNotMatch(said, /hunter2/)
  const alone = loadConfig({ env: {}, flags: { 'transport.clusterKeyAccepted': 'none' } })
  assert(!alone.ok)
  assert.match(JSON.stringify(alone.errors), /expected transport\.clusterKey beside it/)
})
