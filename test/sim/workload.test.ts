/** What simulated clients do: every kind of operation there is, done and counted, also while the checks that judge it look on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulate } from '../../src/testing/index.ts'

const KINDS = [
  'get',
  'put',
  'conditional-put',
  'delete',
  'conditional-delete',
  'stale-get',
  'scan',
  'stale-scan',
  'batch',
  'atomic-batch',
  'delete-range',
]

test('every kind of operation is done and counted, and the report has all that were done', async () => {
  const { ok, failure, operations, operationKinds } = await simulate({ seed: 12, ticks: 600, clients: 8, faults: [] })
  assert(ok, `seed 12: ${failure?.message}`)
  assert.deepEqual(Object.keys(operationKinds).sort(), [...KINDS].sort())
  const sum = Object.values(operationKinds).reduce((total, count) => total + count, 0)
  assert.equal(sum, operations.done)
})
