/** What a router makes of several shards, and of the map that names them: pages that continue, batches that it may not cut, versions that only grow. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shard, ShardMap } from '../../shard-map/index.ts'
import type { Item, Reply, Request } from '../../src/protocol/index.ts'
import type { Router, ScanRequest } from '../../src/router/index.ts'
import type { VirtualClock } from '../transport/clocks.ts'
import { answer, failure, makeRouter, TIMING } from './answering.ts'

const KEYS = ['a', 'a\0', 'aa', 'b', '\x7f', '\x80', '\xc3', '\xff', '\xff\xff'].sort()
/** A store gives no more items than this at a time. */
const SLICE_ITEMS_MAX = 2

/** Serves scans as a store does: its shard's part of the range, some at a time. */
function scanReply(request: Request, shard: Shard): Reply {
  assert(request.kind === 'scan')
  const { start, end, reverse } = request
  const inside = KEYS.filter(
    (key) =>
      key >= start &&
      (end === undefined || key < end) &&
      key >= shard.start &&
      (shard.end === undefined || key < shard.end),
  )
  const most = Math.min(request.itemsMax, SLICE_ITEMS_MAX)
  const some = (reverse ? inside.reverse() : inside).slice(0, most)
  const items = some.map((key): Item => ({ key, value: new Uint8Array(1), revision: 1 }))
  return { kind: 'scan', items, more: inside.length > most, stalenessMs: 0, timing: TIMING, epoch: shard.epoch }
}

async function pages(router: Router, clock: VirtualClock, wish: Partial<ScanRequest>): Promise<string[]> {
  const all: string[] = []
  let request: ScanRequest = {
    start: '',
    end: undefined,
    reverse: false,
    keysOnly: false,
    itemsMax: 3,
    consistency: 'linearizable',
    ...wish,
  }
  for (let page = 0; page < 20; page++) {
    const { items, next } = await answer(clock, router.scan(request, {}))
    assert(items.length <= request.itemsMax)
    all.push(...items.map(({ key }) => key))
    if (next === undefined) return all
    request = request.reverse ? { ...request, end: next } : { ...request, start: next }
  }
  return assert.fail(`no end after ${all.length} items`)
}

test('a scan shows every key of its range once, page by page and shard by shard, in both directions', async () => {
  const { router, clock, map } = makeRouter((request) => {
    assert(request.kind === 'scan')
    const shard = map.shards.find(({ id }) => id === request.shard)
    assert(shard !== undefined)
    return scanReply(request, shard)
  })
  const bounds = [undefined, '', 'a', 'a\0', 'ab', '\x80', '\x81', '\xff', '\xff\xff\0']
  for (const itemsMax of [1, 2, 3, 100]) {
    for (const start of bounds) {
      for (const end of bounds) {
        const expected = KEYS.filter((key) => key >= (start ?? '') && (end === undefined || key < end))
        const range = { start: start ?? '', end, itemsMax }
        assert.deepEqual(await pages(router, clock, range), expected)
        assert.deepEqual(await pages(router, clock, { ...range, reverse: true }), [...expected].reverse())
      }
    }
  }
})

test('an atomic batch across shards is refused with its first operation outside, and nothing is sent', async () => {
  const seen: Request[] = []
  const { router, clock, map } = makeRouter((request) => {
    seen.push(request)
    return undefined
  })
  const border = map.shards[1]?.start
  assert(border !== undefined)
  const put = (key: string) => ({ kind: 'put', key, value: new Uint8Array(1), condition: { kind: 'none' } }) as const
  const { error } = await failure(clock, router.batch([put('a'), put('b'), put(border), put('c')], { atomic: true }))
  assert.deepEqual([error.code, error.outcome, error.index], ['CROSS_SHARD', 'none', 2])
  assert.deepEqual(seen, [])
})

test('a router only learns newer maps', async () => {
  const asked: number[] = []
  const older = (map: ShardMap): ShardMap => ({ ...map, version: 1, shards: map.shards.map(renamed) })
  const renamed = (shard: Shard): Shard => ({ ...shard, id: shard.id + 1000 })
  let first: ShardMap | undefined
  const { router, clock, map } = makeRouter(
    (request) => {
      assert(request.kind === 'get')
      asked.push(request.shard)
      // Makes the router ask for the map again, three times.
      if (asked.length % 4 !== 0)
        return {
          kind: 'error',
          error: { code: 'SHARD_NOT_FOUND', message: 'not here', outcome: 'none', retryable: true },
        }
      return { kind: 'get', values: [undefined], stalenessMs: 0, timing: TIMING, epoch: { membership: 1, range: 1 } }
    },
    (question) => {
      first ??= { ...map, version: 5 }
      return question === 1 ? first : older(first)
    },
  )
  await answer(clock, router.get('a', { consistency: 'linearizable' }))
  assert.deepEqual(new Set(asked), new Set([map.shards[0]?.id]))
})
