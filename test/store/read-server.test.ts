/** A read that waited for its round is judged by the shard as it is when it is served: a split may have been applied meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentTracer } from '../../src/base/index.ts'
import { encodeRecord } from '../../src/machine/index.ts'
import type { Reply, Request } from '../../src/protocol/index.ts'
import type { DataStore } from '../../src/storage/index.ts'
import { LocalCall } from '../../src/store/call.ts'
import type { Fetcher } from '../../src/store/fetcher.ts'
import { ReadServer } from '../../src/store/read-server.ts'
import type { Replica } from '../../src/store/replica.ts'
import { TracedWrites } from '../../src/store/traced-writes.ts'
import { VirtualClock } from '../transport/clocks.ts'

const VALUE = new Uint8Array([1, 2, 3])
const SUCCESSOR = { id: 9, start: 'm', end: undefined, epoch: { membership: 1, range: 3 }, replicas: [] }

/** What a replica of range epoch 3 answers to a read that was routed by `rangeEpoch`. */
async function answerTo(kind: 'get' | 'scan', rangeEpoch: number): Promise<Reply> {
  const replica = {
    group: 2,
    shard: { id: 2, start: '', end: 'm', epoch: { membership: 1, range: 3 }, replicas: [] },
    successors: [SUCCESSOR],
    freshness: { asOfMs: 0 },
    load: { read() {}, scanned() {} },
    dataGeneration: 0,
  } as unknown as Replica
  const page = { items: [], more: false }
  const data = {
    peek: () => encodeRecord(4, VALUE),
    scan: async () => page,
  } as unknown as DataStore
  const server = new ReadServer(
    data,
    new VirtualClock(),
    {} as Fetcher,
    () => assert.fail(),
    new TracedWrites(silentTracer, new VirtualClock()),
  )
  const shared = { shard: 2, rangeEpoch, consistency: 'linearizable' } as const
  const request: Request =
    kind === 'get'
      ? { kind, keys: ['t'], ...shared }
      : { kind, start: '', end: undefined, reverse: false, keysOnly: false, itemsMax: 10, bytesMax: 1000, ...shared }
  return new Promise((resolve) => server.serve(replica, [new LocalCall(request, 0, 1_000, resolve)]))
}

for (const kind of ['get', 'scan'] as const) {
  test(`a ${kind} that was routed by an older range is refused with the shards that took over`, async () => {
    const old = await answerTo(kind, 2)
    assert(old.kind === 'error' && old.error.code === 'STALE_EPOCH', JSON.stringify(old))
    assert(old.error.shards?.some(({ id }) => id === SUCCESSOR.id))
    assert.equal((await answerTo(kind, 3)).kind, kind)
  })
}
