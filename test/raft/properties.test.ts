/** Properties of the arithmetic, the membership algebra and the log's memory, on random inputs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { entryBytes } from '../../src/raft/entry.ts'
import { EntryBuffer } from '../../src/raft/entry-buffer.ts'
import {
  decodeMembershipChange,
  EMPTY_MEMBERSHIP,
  encodeMembershipChange,
  type MembershipOperation,
  type MembershipState,
  RaftNode,
} from '../../src/raft/index.ts'
import { InflightWindow } from '../../src/raft/inflight.ts'
import { enterJoint, leaveJoint, membersOf, restoreMembership, simpleChange } from '../../src/raft/membership.ts'
import { jointIndex, jointVote, majorityIndex, majorityVote, quorumSize } from '../../src/raft/quorum.ts'
import { progressStatus } from '../../src/raft/status.ts'
import { Tracker } from '../../src/raft/tracker.ts'
import { MemoryLog } from './harness/memory-log.ts'
import { naiveIndex } from './harness/quorum-harness.ts'
import { entry } from './harness/test-node.ts'

const id = fc.integer({ min: 1, max: 14 })
const half = fc.uniqueArray(id, { maxLength: 9 })
const indexes = fc.dictionary(fc.integer({ min: 1, max: 14 }).map(String), fc.nat(20))

function known(values: Record<string, number>): Map<number, number> {
  return new Map(Object.entries(values).map(([key, value]) => [Number(key), value]))
}

test('the commit index of a majority, and of a joint majority, is what the definition says', () => {
  fc.assert(
    fc.property(half, half, indexes, (incoming, outgoing, values) => {
      const map = known(values)
      const fast = (voters: readonly number[]) => majorityIndex(voters.map((voter) => map.get(voter) ?? 0))
      assert.equal(fast(incoming), naiveIndex(incoming, map))
      const joint = jointIndex(fast(incoming), fast(outgoing))
      assert.equal(joint, Math.min(naiveIndex(incoming, map), naiveIndex(outgoing, map)))
    }),
  )
})

test('a tracker commits by the same arithmetic, with the members in any order', () => {
  fc.assert(
    fc.property(half, half, indexes, (voters, votersOutgoing, values) => {
      const map = known(values)
      const membership = restoreMembership({ ...EMPTY_MEMBERSHIP, voters, votersOutgoing })
      const tracker = new Tracker(membership, 0, 1, 1)
      for (const [replica, index] of map) tracker.get(replica)?.acknowledge(index)
      assert.equal(tracker.committedIndex(), Math.min(naiveIndex(voters, map), naiveIndex(votersOutgoing, map)))
    }),
  )
})

test('a vote is won exactly when a majority grants it, and lost exactly when none can any more', () => {
  fc.assert(
    fc.property(fc.nat(9), fc.nat(9), fc.nat(9), (granted, refused, silent) => {
      const count = granted + refused + silent
      const outcome = majorityVote(granted, refused, count)
      if (count === 0) assert.equal(outcome, 'won')
      else if (granted >= quorumSize(count)) assert.equal(outcome, 'won')
      else assert.equal(outcome, granted + silent >= quorumSize(count) ? 'pending' : 'lost')
    }),
  )
  for (const a of ['won', 'lost', 'pending'] as const) {
    for (const b of ['won', 'lost', 'pending'] as const) {
      const expected = a === 'lost' || b === 'lost' ? 'lost' : a === 'won' && b === 'won' ? 'won' : 'pending'
      assert.equal(jointVote(a, b), expected)
    }
  }
})

/** Never touches replica 1, so that a voter always remains. */
const operation: fc.Arbitrary<MembershipOperation> = fc.record(
  {
    kind: fc.constantFrom('add-voter', 'add-learner', 'remove', 'update'),
    replica: fc.integer({ min: 2, max: 12 }),
  },
  { noNullPrototype: true },
)

function stepByStep(start: MembershipState, operations: readonly MembershipOperation[]): MembershipState {
  let membership = start
  for (const one of operations) {
    const result = simpleChange(membership, [one])
    assert.ok(result.ok)
    membership = result.membership
  }
  return membership
}

const someMembership = fc
  .array(operation, { maxLength: 12 })
  .map((operations) => stepByStep({ ...EMPTY_MEMBERSHIP, voters: [1] }, operations))

test('changes step by step and through one joint membership lead to the same place', () => {
  fc.assert(
    fc.property(
      someMembership,
      fc.array(operation, { maxLength: 10 }),
      fc.boolean(),
      (start, operations, autoLeave) => {
        const entered = enterJoint(start, operations, autoLeave)
        assert.ok(entered.ok)
        assert.equal(entered.membership.autoLeave, autoLeave)
        assert.deepEqual(entered.membership.votersOutgoing, start.voters)
        const left = leaveJoint(entered.membership)
        assert.ok(left.ok)
        assert.deepEqual(left.membership, stepByStep(start, operations))
      },
    ),
  )
})

test('without a joint membership at most one voter changes (Thesis §4.1)', () => {
  fc.assert(
    fc.property(someMembership, fc.array(operation, { maxLength: 4 }), (start, operations) => {
      const result = simpleChange(start, operations)
      const after = stepByStep(start, operations).voters
      const gone = start.voters.filter((voter) => !after.includes(voter)).length
      const come = after.filter((voter) => !start.voters.includes(voter)).length
      assert.equal(result.ok, gone + come <= 1)
    }),
  )
})

test('the members keep their progress through both ways alike', () => {
  fc.assert(
    fc.property(someMembership, fc.array(operation, { maxLength: 10 }), (start, operations) => {
      const stepwise = new Tracker(start, 1, 4, 1000)
      for (const one of operations) {
        const result = simpleChange(stepwise.membership, [one])
        assert.ok(result.ok)
        stepwise.replaceMembers(result.membership, result.fresh, 1)
      }
      const joint = new Tracker(start, 1, 4, 1000)
      const entered = enterJoint(start, operations, true)
      assert.ok(entered.ok)
      joint.replaceMembers(entered.membership, entered.fresh, 1)
      const left = leaveJoint(joint.membership)
      assert.ok(left.ok)
      joint.replaceMembers(left.membership, left.fresh, 1)
      assert.deepEqual(joint.membership, stepwise.membership)
      assert.deepEqual(joint.ids, stepwise.ids)
      assert.deepEqual(joint.all.map(progressStatus), stepwise.all.map(progressStatus))
    }),
  )
})

test('every membership has its members ascending, each with a progress, and learners that do not vote', () => {
  fc.assert(
    fc.property(someMembership, fc.array(operation, { maxLength: 10 }), (start, operations) => {
      const entered = enterJoint(start, operations, false)
      assert.ok(entered.ok)
      const { membership } = entered
      const tracker = new Tracker(membership, 5, 1, 1)
      assert.deepEqual(tracker.ids, membersOf(membership))
      assert.deepEqual(
        [...tracker.ids],
        [...tracker.ids].sort((a, b) => a - b),
      )
      for (const replica of tracker.ids) {
        assert.equal(tracker.get(replica)?.isLearner, membership.learners.includes(replica))
      }
    }),
  )
})

test('a membership restored from what was stored is the same', () => {
  fc.assert(
    fc.property(
      someMembership,
      fc.array(operation, { maxLength: 10 }),
      fc.boolean(),
      fc.func(fc.nat()),
      (start, operations, autoLeave, mix) => {
        const entered = enterJoint(start, operations, autoLeave)
        assert.ok(entered.ok)
        for (const membership of [start, entered.membership]) {
          const shuffled = (ids: readonly number[]) => [...ids].sort((a, b) => mix(a) - mix(b))
          const { voters, votersOutgoing, learners, learnersNext } = membership
          const stored: MembershipState = {
            voters: shuffled(voters),
            votersOutgoing: shuffled(votersOutgoing),
            learners: shuffled(learners),
            learnersNext: shuffled(learnersNext),
            autoLeave: membership.autoLeave,
          }
          assert.deepEqual(restoreMembership(stored), membership)
        }
      },
    ),
  )
})

test('a stored membership that cannot exist is not accepted', () => {
  const impossible: Partial<MembershipState>[] = [
    { voters: [1], learners: [1] },
    { voters: [1], votersOutgoing: [2], learners: [2] },
    { voters: [1], votersOutgoing: [2], learnersNext: [3] },
    { voters: [1, 2], votersOutgoing: [2], learnersNext: [2] },
    { voters: [1], autoLeave: true },
  ]
  for (const parts of impossible) {
    assert.throws(() => restoreMembership({ ...EMPTY_MEMBERSHIP, ...parts }), /./, JSON.stringify(parts))
  }
})

test('a membership change survives its bytes, and no bytes crash the decoder', () => {
  const plain = { noNullPrototype: true } as const
  const kind = fc.constantFrom('add-voter', 'add-learner', 'remove', 'update')
  const transition = fc.constantFrom('auto', 'joint-implicit', 'joint-explicit')
  const operations = fc.array(fc.record({ kind, replica: fc.nat(Number.MAX_SAFE_INTEGER) }, plain))
  const change = fc.record({ transition, operations, context: fc.uint8Array() }, plain)
  fc.assert(
    fc.property(change, (one) => {
      assert.deepEqual(decodeMembershipChange(encodeMembershipChange(one)), { ok: true, value: one })
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const decoded = decodeMembershipChange(bytes)
      assert.equal(typeof decoded.ok, 'boolean')
    }),
  )
})

test('the in-flight window behaves like a list of messages', () => {
  const action = fc.oneof(
    fc.record({ add: fc.nat(50) }),
    fc.record({ freeTo: fc.nat(60) }),
    fc.constant({ reset: true as const }),
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (actions, countMax) => {
      const window = new InflightWindow(countMax, 200)
      let model: { index: number; bytes: number }[] = []
      let last = 0
      for (const one of actions) {
        if ('add' in one) {
          last += 1
          window.add(last, one.add)
          model.push({ index: last, bytes: one.add })
        } else if ('freeTo' in one) {
          window.freeTo(one.freeTo)
          model = model.filter((message) => message.index > one.freeTo)
        } else {
          window.reset()
          model = []
        }
        const bytes = model.reduce((sum, message) => sum + message.bytes, 0)
        assert.deepEqual([window.count, window.bytes], [model.length, bytes])
        assert.equal(window.isFull, model.length >= countMax || bytes >= 200)
      }
    }),
  )
})

test('the buffer of entries behaves like a window over a list, and keeps less than twice what is live', () => {
  const action = fc.oneof(
    fc.record({ push: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ truncate: fc.nat(12) }),
    fc.record({ drop: fc.nat(12) }),
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const buffer = new EntryBuffer(1)
      let start = 1
      let model = [] as ReturnType<typeof entry>[]
      let term = 0
      for (const one of actions) {
        if ('push' in one) {
          term += 1
          const added = Array.from({ length: one.push }, (_, i) => entry(start + model.length + i, term, 'x'.repeat(i)))
          buffer.push([entry(0, 0), ...added], 1)
          model.push(...added)
        } else if ('truncate' in one) {
          const at = start + one.truncate
          if (at > start + model.length) continue
          buffer.truncate(at)
          model = model.slice(0, at - start)
        } else {
          const dropped = Math.min(one.drop, model.length)
          buffer.dropBefore(start + one.drop)
          start += dropped
          model = model.slice(dropped)
        }
        assert.deepEqual([buffer.start, buffer.end], [start, start + model.length])
        assert.deepEqual(buffer.slice(buffer.start, buffer.end), model)
        assert.equal(
          buffer.bytes,
          model.reduce((sum, kept) => sum + entryBytes(kept), 0),
        )
      }
    }),
  )
})

test('a replica starts from any log that its storage may hold', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2), { maxLength: 12 }), fc.nat(12), fc.nat(12), (steps, compacted, applied) => {
      const storage = new MemoryLog()
      let term = 1
      for (const [i, step] of steps.entries()) {
        term += step
        storage.append([entry(i + 1, term)])
      }
      const last = storage.lastIndex()
      const before = Math.min(compacted, last)
      if (before > 0) storage.compact(before)
      const appliedIndex = Math.min(Math.max(applied, before), last)
      const options = {
        id: 1,
        electionTicks: 10,
        heartbeatTicks: 1,
        preVote: true,
        checkQuorum: true,
        readMode: 'safe',
        asyncStorage: true,
        maxMessageBytes: 100,
        maxInflightMessages: 4,
        maxInflightBytes: 100,
        maxUncommittedBytes: 100,
        maxCommittedBytesPerReady: 100,
        forwardProposals: false,
        forwardReads: false,
        validateMembership: true,
        stepDownOnRemoval: true,
        batchAppends: true,
        quietCommits: true,
        random: { below: () => 0 },
      } as const
      const membership = { ...EMPTY_MEMBERSHIP, voters: [1, 2, 3] }
      const raft = new RaftNode(options, storage, {
        hardState: { term, votedFor: 0, commitIndex: before },
        membership,
        appliedIndex,
      })
      for (let index = before; index <= last; index++) assert.equal(raft.termOf(index), storage.term(index))
      assert.equal(raft.termOf(last + 1), undefined)
      assert.equal(raft.termOf(before - 1), undefined)
    }),
  )
})
