/**
 * What the console expects of answers is what the gateway gives: held together by the compiler, through functions that take the one and give the other,
 * and by real answers that have every member the console reads.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import type * as shapes from '../../src/console/api/shapes.ts'
import type { ShardShape, StatusShape, StoreShape } from '../../src/gateway/cluster-shapes.ts'
import type { EventView } from '../../src/gateway/history-port.ts'
import type * as schemas from '../../src/gateway/schemas.ts'
import { startHarness } from '../gateway/harness.ts'

type Step = z.infer<typeof schemas.operator>['steps'][number]

const STORE = (given: StoreShape): shapes.Store => given
const SHARD = (given: ShardShape): shapes.Shard => given
const STATUS = (given: StatusShape): shapes.Status => given
const EVENT = (given: EventView): shapes.EventRow => given
const STEP_STATE = (given: Step['state']): shapes.OperatorStep['state'] => given
const SCHEDULER = (given: z.infer<typeof schemas.scheduler>): shapes.Scheduler => given

test('the gateway gives what the console expects', async (t) => {
  const h = await startHarness(t)
  const status = STATUS((await h.ask('/admin/status')).json())
  assert.equal(typeof status.health, 'string')
  assert.ok(Array.isArray(status.shards.leaderless))
  const [store] = (await h.ask('/admin/stores')).json().stores.map(STORE)
  assert.equal(typeof store.load.readsPerSecond, 'number')
  assert.equal(typeof store.lag, 'object')
  const shard = (await h.ask('/admin/shards')).json().shards.map(SHARD).at(-1)
  assert.equal(shard.kind, 'data')
  assert.equal(typeof shard.replicas[0].role, 'string')
  const event: EventView = { id: '1', ts: '2026-01-01T00:00:00Z', level: 'info', type: 'node_ready', store: 's1' }
  assert.equal(EVENT(event).level, 'info')
  assert.equal(STEP_STATE('done'), 'done')
  assert.equal(SCHEDULER({ name: 'split', paused: false, pausedUntil: null, lastRunAt: null }).paused, false)
})
