/**
 * The table of errors agrees with what users were promised, and the constructors agree with the table.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ERROR_TABLE,
  type ErrorCode,
  errorValue,
  exitCodeOf,
  FlotillaError,
  isErrorCode,
  notLeader,
  preconditionFailed,
  timeout,
} from '../../src/protocol/index.ts'

const STATUSES: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'KEY_NOT_FOUND SHARD_NOT_FOUND STORE_NOT_FOUND OPERATOR_NOT_FOUND SCHEDULER_NOT_FOUND ROUTE_NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'REQUEST_TIMEOUT',
  409: 'OPERATOR_CONFLICT',
  410: 'WATCH_COMPACTED',
  412: 'PRECONDITION_FAILED',
  413: 'KEY_TOO_LARGE VALUE_TOO_LARGE BATCH_TOO_LARGE',
  422: 'CROSS_SHARD IDEMPOTENCY_KEY_REUSED',
  429: 'OVERLOADED',
  431: 'HEADERS_TOO_LARGE',
  500: 'INTERNAL',
  503: 'NO_LEADER QUORUM_LOST DRAINING NOT_READY',
  504: 'TIMEOUT',
  507: 'DISK_FULL',
}

test('statuses are the promised ones', () => {
  for (const [status, codes] of Object.entries(STATUSES)) {
    for (const code of codes.split(' ')) assert.equal(ERROR_TABLE[code as ErrorCode].httpStatus, Number(status), code)
  }
})

test('every code has words that end as sentences do', () => {
  for (const [code, { title, explanation, cure }] of Object.entries(ERROR_TABLE)) {
    assert.match(title, /^[A-Z].*[^.]$/, code)
    assert.match(explanation, /^[A-Z].*\.$/, code)
    assert.match(cure, /^[A-Z].*\.$/, code)
  }
  assert.ok(isErrorCode('TIMEOUT'))
  assert.ok(!isErrorCode('toString'))
})

test('exit codes follow the contract, an unknown outcome first', () => {
  assert.equal(exitCodeOf({ code: 'KEY_NOT_FOUND', outcome: 'none' }), 3)
  assert.equal(exitCodeOf({ code: 'PRECONDITION_FAILED', outcome: 'none' }), 4)
  assert.equal(exitCodeOf({ code: 'OVERLOADED', outcome: 'none' }), 5)
  assert.equal(exitCodeOf({ code: 'QUORUM_LOST', outcome: 'none' }), 5)
  assert.equal(exitCodeOf({ code: 'TIMEOUT', outcome: 'unknown' }), 6)
})

test('errors carry a cure and are never retryable while the outcome is unknown', () => {
  for (const code of Object.keys(ERROR_TABLE) as ErrorCode[]) {
    const error = errorValue(code, 'm', { outcome: 'unknown' })
    assert.equal(error.retryable, false)
    assert.equal(error.hint, ERROR_TABLE[code].cure)
    assert.equal(errorValue(code, 'm').retryable, ERROR_TABLE[code].retryable)
  }
  assert.deepEqual(timeout('late', 'unknown', 4).shard, 4)
  assert.equal(notLeader(4, undefined).leader, undefined)
  assert.equal('leader' in notLeader(4, undefined), false)
  assert.equal(preconditionFailed(4, undefined).revision, null)
  const thrown = new FlotillaError(preconditionFailed(4, 9, 2))
  assert.deepEqual([thrown.code, thrown.revision, thrown.index, thrown.shard], ['PRECONDITION_FAILED', 9, 2, 4])
})
