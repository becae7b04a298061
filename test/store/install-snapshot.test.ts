/** A snapshot takes the place of what a replica had: nobody is told more than can be known then, and nothing older is applied to it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StateMachine } from '../../src/machine/index.ts'
import type { Reply } from '../../src/protocol/index.ts'
import type { SnapshotMeta } from '../../src/raft/index.ts'
import type { Call } from '../../src/store/call.ts'
import { adoptSnapshot, beginInstall } from '../../src/store/install-snapshot.ts'
import type { Replica } from '../../src/store/replica.ts'
import type { StateRecord } from '../../src/store/state-record.ts'
import { WaitingWrites } from '../../src/store/waiting-writes.ts'

const META: SnapshotMeta = {
  index: 40,
  term: 3,
  membership: { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
}

test('writes that were proposed have an unknown outcome, those that were not did not happen, and old entries are dropped', () => {
  const writes = new WaitingWrites()
  const answers: Record<string, Reply> = {}
  const makeCall = (name: string): Call =>
    ({
      answer(reply: Reply) {
        assert(answers[name] === undefined, `${name} is answered twice`)
        answers[name] = reply
      },
    }) as unknown as Call
  writes.enqueue(makeCall('proposed'))
  for (const call of writes.takeQueued()) writes.proposed(7, 2, call)
  writes.enqueue(makeCall('queued'))
  const queue = [{ index: 6 }, { index: 7 }]
  const replica = {
    group: 9,
    leaderStore: 's2',
    installing: false,
    dataGeneration: 3,
    writes,
    queue: { clear: () => queue.splice(0) },
  } as unknown as Replica
  beginInstall(replica)
  assert.deepEqual([replica.installing, replica.dataGeneration, queue], [true, 4, []])
  const told = Object.entries(answers).map(([name, reply]) => {
    assert(reply.kind === 'error')
    return [name, reply.error.code, reply.error.outcome, reply.error.leader]
  })
  assert.deepEqual(told.sort(), [
    ['proposed', 'TIMEOUT', 'unknown', undefined],
    ['queued', 'NOT_LEADER', 'none', 's2'],
  ])
  assert.equal(writes.size, 0)
})

test('log, machine and state begin where the snapshot ends', () => {
  const did: unknown[] = []
  const machine = {} as StateMachine
  const record = {} as StateRecord
  const replica = {
    log: {
      log: { reset: (index: number, term: number) => did.push(['log begins after', index, term]) },
      flushedTo: (index: number, term: number, membership: unknown) => did.push(['durable', index, term, membership]),
    },
    restored: (state: StateRecord) => did.push(['state', state === record]),
  } as unknown as Replica
  adoptSnapshot(replica, record, META, machine)
  assert.equal(replica.machine, machine)
  assert.deepEqual(did, [
    ['log begins after', 40, 3],
    ['state', true],
    ['durable', 40, 3, META.membership],
  ])
})
