/**
 * Somebody who may speak to the broker and is no part of the cluster: what it publishes on the cluster's subjects neither ends a store nor changes what is stored. (Whoever forges
 * whole frames of a member is beyond what stores can see; broker credentials keep such people out.)
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Encoder } from '@msgpack/msgpack'
import { connect, type NatsConnection } from 'nats'
import { BROKER_KINDS } from '../../tools/cluster/broker-process.ts'
import { withCluster } from '../support/process-cluster.ts'

const ROUNDS = 40
const FRAMES_PER_ROUND = 20

/** Small, fast, and the same every time. */
function generator(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

function randomBytes(below: (bound: number) => number, lengthMax: number): Uint8Array {
  return Uint8Array.from({ length: below(lengthMax) }, () => below(256))
}

/** A frame whose form is right, from an address that the cluster does not know, with a body that means nothing. */
function foreignFrame(below: (bound: number) => number, genuine: Uint8Array): Uint8Array {
  const body = below(3) === 0 ? genuine.slice(below(genuine.length)) : randomBytes(below, 300)
  const id = below(1000)
  const entries: readonly (readonly unknown[])[] = [
    [0, body],
    [1, id, 1000, body],
    [2, id, body],
    [3, below(3), id, 1000, below(2 ** 31), body],
    [4, below(3), id, below(2 ** 31), body],
    [5],
    [6, 1],
  ]
  const chosen = entries[below(entries.length)] ?? []
  const header = [1, `stranger${below(5)}`, 'nobody', below(2 ** 31), 0, below(2 ** 31), below(2 ** 31)]
  return new Encoder().encode([...header, ...chosen])
}

function damaged(below: (bound: number) => number, genuine: Uint8Array): Uint8Array {
  const cut = genuine.slice(0, below(genuine.length))
  return below(2) === 0 ? cut : Uint8Array.from([...genuine, ...randomBytes(below, 50), 0])
}

/** Subjects and frames of the cluster, as anybody with access to the broker sees them. */
function listen(stranger: NatsConnection): Map<string, Uint8Array> {
  const seen = new Map<string, Uint8Array>()
  stranger.subscribe('flotilla.>', {
    callback: (_error, message) => {
      if (seen.size < 1000) seen.set(message.subject, message.data.slice())
    },
  })
  return seen
}

for (const { kind, skip } of BROKER_KINDS) {
  test(`garbage of strangers on the cluster's subjects changes nothing (${kind})`, { skip }, async () => {
    await withCluster({ broker: kind }, async (cluster) => {
      const below = generator(20_260_131)
      const keys = await cluster.keysPerShard(3)
      const load = cluster.load('strangers', { keys, clients: 4 })
      const stranger = await connect({ servers: cluster.broker.url })
      try {
        const seen = listen(stranger)
        await load.succeed(50)
        assert.ok(seen.size >= 6, `${seen.size} subjects`)
        for (let round = 0; round < ROUNDS; round++) {
          const known = [...seen]
          for (let i = 0; i < FRAMES_PER_ROUND; i++) {
            const [subject, genuine] = known[below(known.length)] ?? ['flotilla.hello', new Uint8Array(1)]
            const bytes = [
              () => randomBytes(below, 2000),
              () => damaged(below, genuine),
              () => foreignFrame(below, genuine),
            ][below(3)]?.()
            stranger.publish(below(10) === 0 ? 'flotilla.hello' : subject, bytes)
          }
          await stranger.flush()
          await load.succeed(5)
        }
        await load.succeed(100)
      } finally {
        await stranger.close()
      }
      for (const id of cluster.ids) {
        const page = await cluster.http(id, { method: 'GET', path: '/metrics' })
        const refused = /^transport_malformed_frames_total(?:\{[^}]*\})? (\d+)/m.exec(page.body.toString('utf8'))
        assert.ok(Number(refused?.[1]) > 0, `${id} refused no frame`)
      }
      await load.verify(cluster.readers())
      assert.deepEqual([...cluster.running].sort(), [...cluster.ids].sort(), 'a store ended')
    })
  })
}
