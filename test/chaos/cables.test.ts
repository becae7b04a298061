/** Networks of their own for stores: packets pass, are lost in the direction that was asked for, and pass again; people reach the store all the time. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { ManagedProcess } from '../../tools/cluster/managed-process.ts'
import { type Deafness, NetworkNamespace, NO_NAMESPACES } from '../../tools/cluster/network-namespace.ts'
import { poll } from '../../tools/cluster/poll.ts'

const WAIT_MS = 30_000
/** Nothing may arrive for so long where nothing can; what was under way is let in first. */
const SILENCE_MS = 600
const SETTLE_MS = 200

/**
 * Inside: says a word to the broker's side every 20 ms and counts those that it hears; answers people with how many they are. Datagrams, because
 * TCP stops talking once nobody acknowledges, and then silence says nothing about the cable.
 */
const STORE = `
const { createSocket } = require('node:dgram')
const { createServer } = require('node:net')
const [, host, port, ownHost] = process.argv
let heard = 0
const socket = createSocket('udp4', () => { heard += 1 })
socket.bind(0, () => setInterval(() => socket.send('.', Number(port), host, () => {}), 20))
createServer((person) => person.end(String(heard))).listen(4000, ownHost, () => console.log('listens'))
`

test('a cable is pulled, deaf on either side, and whole again', async (context) => {
  const [network] = NetworkNamespace.make(1)
  if (network === undefined) {
    context.skip(`SKIPPED: ${NO_NAMESPACES}`)
    return
  }
  let brokerHeard = 0
  let storeSide: RemoteInfo | undefined
  const broker = createSocket('udp4', (_, from) => {
    brokerHeard += 1
    storeSide = from
  })
  broker.bind(0, network.brokerHost)
  await once(broker, 'listening')
  const timer = setInterval(() => {
    // Where the cable is pulled there is no way to the other side, and that is the point.
    if (storeSide !== undefined) broker.send('.', storeSide.port, storeSide.address, () => {})
  }, 20)
  const { port } = broker.address()
  const words = ['-e', STORE, network.brokerHost, String(port), network.storeHost]
  const store = new ManagedProcess('store', network.inside([process.execPath, ...words]))
  const storeHeard = async (): Promise<number> => {
    const person = connect(4000, network.storeHost)
    let text = ''
    person.on('data', (bytes) => {
      text += bytes.toString()
    })
    await once(person, 'close')
    return Number(text)
  }
  /** Who hears something while `SILENCE_MS` pass. */
  const hearing = async (): Promise<Deafness[]> => {
    await delay(SETTLE_MS)
    const before = [await storeHeard(), brokerHeard]
    await delay(SILENCE_MS)
    const after = [await storeHeard(), brokerHeard]
    return (['store', 'broker'] as const).filter((_, side) => (after[side] ?? 0) > (before[side] ?? 0))
  }
  /** A busy machine may make them late, so this may take a while. */
  const nowHear = (...sides: readonly Deafness[]): Promise<boolean> =>
    poll(`${sides.join(' and ') || 'nobody'} hears the other`, WAIT_MS, async () =>
      isDeepStrictEqual(await hearing(), sides),
    )
  const allHear = (): Promise<boolean> => nowHear('store', 'broker')
  try {
    await poll('the store listens', WAIT_MS, () => store.lines.includes('listens'))
    await allHear()
    network.pull()
    await nowHear()
    network.mend()
    await allHear()
    network.deafen('broker')
    await nowHear('store')
    network.mend()
    await allHear()
    network.deafen('store')
    await nowHear('broker')
    network.mend()
    await allHear()
  } finally {
    await store.kill()
    clearInterval(timer)
    broker.close()
    network.remove()
  }
  const left = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout
  assert(!left.includes(network.name), left)
})
