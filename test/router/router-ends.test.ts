/** What callers of a router are told when things end badly: never "nothing happened" when something may have, and never what only routers understand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reply } from '../../src/protocol/index.ts'
import { failure, makeRouter, TIMING } from './answering.ts'

test('a write that was under way when this side closed may have happened; a read changes nothing', async () => {
  const { router, clock } = makeRouter(() => 'closed')
  const write = await failure(clock, router.put('a', new Uint8Array(1), { kind: 'none' }, {}))
  assert.deepEqual([write.error.code, write.error.outcome], ['CLOSED', 'unknown'])
  const read = await failure(clock, router.get('a', { consistency: 'linearizable' }))
  assert.deepEqual([read.error.code, read.error.outcome], ['CLOSED', 'none'])
})

test('a range delete that fails after it has deleted something does not say that nothing happened', async () => {
  const left: Reply = {
    kind: 'error',
    error: { code: 'OVERLOADED', message: 'too much', outcome: 'none', retryable: true },
  }
  let first = 0
  const { router, clock, map } = makeRouter((request) => {
    assert(request.kind === 'write')
    if (request.shard !== map.shards[0]?.id) return left
    return {
      kind: 'write',
      result: { kind: 'delete-range', deleted: first, more: false },
      timing: TIMING,
      epoch: { membership: 1, range: 1 },
    }
  })
  first = 3
  const some = await failure(clock, router.deleteRange('', undefined, {}))
  assert.deepEqual([some.error.code, some.error.outcome, some.error.retryable], ['OVERLOADED', 'unknown', false])
  assert.match(some.error.message, /3 keys of the range were deleted/)
  first = 0
  const none = await failure(clock, router.deleteRange('', undefined, {}))
  assert.equal(none.error.outcome, 'none')
})

test('whoever waits in vain for a shard that nobody has hears of a time-out, not of what routers tell each other', async () => {
  for (const code of ['SHARD_NOT_FOUND', 'STALE_EPOCH'] as const) {
    const { router, clock } = makeRouter(() => ({
      kind: 'error',
      error: { code, message: 'look elsewhere', outcome: 'none', retryable: true, shards: [] },
    }))
    const { error } = await failure(clock, router.put('a', new Uint8Array(1), { kind: 'none' }, { timeoutMs: 900 }))
    assert.deepEqual([error.code, error.outcome], ['TIMEOUT', 'none'])
  }
})

test('a batch ends by its deadline, however long the map took to come', async () => {
  let maps = 0
  const { router, clock } = makeRouter(() => undefined)
  const started = clock.nowMs()
  const operations = [{ kind: 'put', key: 'a', value: new Uint8Array(1), condition: { kind: 'none' } }] as const
  let endedMs = 0
  router.batch([...operations], { atomic: false, timeoutMs: 1_000 }).then((answers) => {
    maps = answers.length
    endedMs = clock.nowMs()
  })
  for (let step = 0; step < 400; step++) {
    clock.advance(10)
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }
  assert.equal(maps, 1)
  assert(endedMs - started <= 1_200, `it ended after ${endedMs - started} ms`)
})

test('a call ends by its deadline although a refresh of the map that others began takes longer', async () => {
  const refusal: Reply = {
    kind: 'error',
    error: { code: 'SHARD_NOT_FOUND', message: 'look elsewhere', outcome: 'none', retryable: true },
  }
  for (const knowsMap of [true, false]) {
    const { router, clock } = makeRouter(
      () => refusal,
      (question) => knowsMap && question === 1,
    )
    const startedMs = clock.nowMs()
    // With a second to spare, this one waits for the whole refresh.
    const patient = failure(clock, router.put('a', new Uint8Array(1), { kind: 'none' }, { timeoutMs: 5_000 }))
    const hasty = await failure(clock, router.put('a', new Uint8Array(1), { kind: 'none' }, { timeoutMs: 150 }))
    assert(hasty.atMs - startedMs <= 200, `with a deadline of 150 ms it ended after ${hasty.atMs - startedMs} ms`)
    assert.deepEqual([hasty.error.code, hasty.error.outcome], ['TIMEOUT', 'none'])
    const { error } = await patient
    assert.equal(error.code, 'TIMEOUT')
  }
})
