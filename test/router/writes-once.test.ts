/** A write is sent again only when the attempt before it certainly did nothing, and what is said of its outcome holds whatever the store really did. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorValue, FlotillaError, type Reply, type Request } from '../../src/protocol/index.ts'
import type { RequestFailure } from '../../src/transport/index.ts'
import { answer, failure, makeRouter, TIMING } from './answering.ts'

const EPOCH = { membership: 1, range: 1 }
const WRITTEN: Reply = {
  kind: 'write',
  result: { kind: 'operations', results: [{ kind: 'put', revision: 7 }] },
  timing: TIMING,
  epoch: EPOCH,
}
const READ: Reply = { kind: 'get', values: [undefined], stalenessMs: 0, timing: TIMING, epoch: EPOCH }

function refusal(code: ErrorValue['code'], outcome: ErrorValue['outcome']): Reply {
  return { kind: 'error', error: { code, message: 'no', outcome, retryable: true } }
}

/** A router whose stores say `first`, and then that all is done; and how many writes and reads reached them. */
function saying(...first: readonly (Reply | Uint8Array | RequestFailure)[]) {
  const left = [...first]
  const seen: Request['kind'][] = []
  const { router, clock } = makeRouter((request) => {
    seen.push(request.kind)
    return left.shift() ?? (request.kind === 'get' ? READ : WRITTEN)
  })
  return {
    seen,
    put: () => router.put('a', new Uint8Array(1), { kind: 'none' }, { timeoutMs: 3_000 }),
    get: () => router.get('a', { consistency: 'linearizable', timeoutMs: 3_000 }),
    clock,
  }
}

/** What may come of an attempt that perhaps did the write. */
const PERHAPS_DONE: Readonly<Record<string, Reply | Uint8Array | RequestFailure>> = {
  'no answer came': 'no-answer',
  'the answer cannot be read': new Uint8Array([0xc1, 0xff, 0x00]),
  'the store leaves and does not know': refusal('DRAINING', 'unknown'),
  'the store is not ready and does not know': refusal('NOT_READY', 'unknown'),
  'the store does not know in time': refusal('TIMEOUT', 'unknown'),
}

for (const [what, said] of Object.entries(PERHAPS_DONE)) {
  test(`${what}: a write is not sent again, and its outcome is unknown`, async () => {
    const { seen, put, clock } = saying(said)
    const { error } = await failure(clock, put())
    assert.equal(error.outcome, 'unknown')
    assert.deepEqual(seen, ['write'])
  })
}

test('what certainly did nothing is sent again', async () => {
  for (const said of ['not-sent', refusal('NOT_LEADER', 'none'), refusal('DRAINING', 'none')] as const) {
    const { seen, put, clock } = saying(said)
    const { result } = await answer(clock, put())
    assert.deepEqual([result, seen], [{ kind: 'put', revision: 7 }, ['write', 'write']])
  }
})

test('a read changes nothing and is asked again, whatever became of it', async () => {
  for (const said of ['no-answer', new Uint8Array([0xc1]), refusal('DRAINING', 'unknown')] as const) {
    const { seen, get, clock } = saying(said)
    const { found } = await answer(clock, get())
    assert.deepEqual([found, seen], [undefined, ['get', 'get']])
  }
})

test('a write that its caller gives up may have happened once it was on its way, and has not before', async () => {
  for (const isOnItsWay of [true, false]) {
    const { router, clock } = makeRouter(
      () => undefined,
      () => isOnItsWay,
    )
    const controller = new AbortController()
    const call = router.put('a', new Uint8Array(1), { kind: 'none' }, { timeoutMs: 3_000, signal: controller.signal })
    clock.after(500, () => controller.abort())
    const { error, atMs } = await failure(clock, call)
    assert.deepEqual([error.code, error.outcome], ['ABORTED', isOnItsWay ? 'unknown' : 'none'])
    assert(atMs <= 520, `it ended at ${atMs}`)
  }
})

test('a read that its caller gives up did nothing', async () => {
  const { router, clock } = makeRouter(() => undefined)
  const controller = new AbortController()
  const call = router.get('a', { consistency: 'linearizable', signal: controller.signal })
  clock.after(100, () => controller.abort())
  const { error } = await failure(clock, call)
  assert(error instanceof FlotillaError)
  assert.deepEqual([error.code, error.outcome], ['ABORTED', 'none'])
})
