/** Who may found a cluster: a store with an empty directory cannot know by itself whether it is new or has lost its data. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY_MAP, planBootstrap, type ShardMap, type StoreInfo } from '../../shard-map/index.ts'
import { decodeRequest, encodeReply, type Reply, type Request } from '../../src/protocol/index.ts'
import { type FoundingVerdict, judgeFounding } from '../../src/server/founding.ts'
import type { RequestFailure, Transport } from '../../src/transport/index.ts'
import { VirtualClock } from '../transport/clocks.ts'

type Peer = (request: Request) => Reply | RequestFailure

const SILENT: Peer = () => 'no-answer'
/** No map, and no replica of the placement driver's group. */
const NEW: Peer = ({ kind }) =>
  kind === 'map'
    ? { kind: 'map', map: undefined, leaders: {} }
    : { kind: 'error', error: { code: 'SHARD_NOT_FOUND', message: '', outcome: 'none', retryable: true } }

/** Restarted a moment ago: no map yet, but a replica whose log ends at `lastIndex`. */
function holder(lastIndex: number): Peer {
  return ({ kind }) =>
    kind === 'map'
      ? { kind: 'map', map: undefined, leaders: {} }
      : { kind: 'describe-replica', replica: { group: 1, lastIndex } }
}

function withMap(map: ShardMap): Peer {
  return () => ({ kind: 'map', map, leaders: {} })
}

function mapKnowing(incarnation: string): ShardMap {
  const info = (id: string): StoreInfo => ({
    id,
    address: '',
    labels: {},
    incarnation: id === 's1' ? incarnation : `of-${id}`,
    version: '1',
    state: id === 's1' && incarnation === '' ? 'registered' : 'up',
  })
  const { change } = planBootstrap({ stores: ['s1', 's2', 's3'].map(info), replicas: 3, shards: 1 })
  return { ...EMPTY_MAP, version: 1, placement: change.placement, shards: change.shards, stores: change.stores }
}

/** s1 asks; the answer after ten virtual seconds, undefined while it waits. */
async function judge(peers: Readonly<Record<string, Peer>>): Promise<FoundingVerdict | undefined> {
  const clock = new VirtualClock()
  const transport = {
    request(to: string, body: Uint8Array, timeoutMs: number, done: (answer: Uint8Array | RequestFailure) => void) {
      const request = decodeRequest(body)
      assert(request.ok)
      const reply = (peers[to] ?? SILENT)(request.value)
      clock.after(typeof reply === 'string' ? timeoutMs : 1, () =>
        done(typeof reply === 'string' ? reply : encodeReply(reply)),
      )
    },
  } as unknown as Transport
  let verdict: FoundingVerdict | undefined
  const founders = ['s1', ...Object.keys(peers)]
  judgeFounding({ clock, transport, id: 's1', incarnation: 'mine', founders }).then((judged) => {
    verdict = judged
  })
  for (let step = 0; step < 1_000; step++) {
    clock.advance(10)
    await Promise.resolve()
  }
  return verdict
}

test('the only founder founds at once', async () => {
  assert.deepEqual(await judge({}), { kind: 'found' })
})

test('most founders are new, and one of them is silent: they found', async () => {
  assert.deepEqual(await judge({ s2: NEW, s3: SILENT }), { kind: 'found' })
})

test('a founder that founded a moment ago and holds nothing yet counts as new', async () => {
  assert.deepEqual(await judge({ s2: holder(5), s3: SILENT }), { kind: 'found' })
})

test('silence is no permission: whoever lost its data would vote a second time', async () => {
  assert.equal(await judge({ s2: SILENT, s3: SILENT }), undefined)
  assert.equal(await judge({ s2: NEW, s3: SILENT, s4: SILENT, s5: SILENT }), undefined)
})

test('a founder that restarted and knows no map yet, but has entries, is not new', async () => {
  assert.equal(await judge({ s2: holder(9), s3: SILENT }), undefined)
  assert.equal(await judge({ s2: holder(9), s3: holder(9) }), undefined)
})

test('a map decides: it knows this data, other data, or none', async () => {
  assert.deepEqual(await judge({ s2: SILENT, s3: withMap(mapKnowing('mine')) }), { kind: 'join' })
  assert.deepEqual(await judge({ s2: SILENT, s3: withMap(mapKnowing('')) }), { kind: 'join' })
  assert.equal((await judge({ s2: SILENT, s3: withMap(mapKnowing('another')) }))?.kind, 'refuse')
})
