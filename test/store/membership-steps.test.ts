/** Steps of a membership change that are asked for again, at the epoch that they have led to: they are done, and nothing else is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shard } from '../../shard-map/index.ts'
import type { MembershipStep } from '../../src/protocol/index.ts'
import { judgeStep } from '../../src/store/membership-steps.ts'

type Role = Shard['replicas'][number]['role']

function verdict(
  step: MembershipStep,
  roles: Readonly<Record<string, Role>>,
  silent: readonly string[] = [],
  unborn: readonly string[] = [],
): string {
  const replicas = Object.entries(roles).map(([store, role], i) => ({ id: 20 + i, store, role }))
  const shard = { id: 2, start: '', end: undefined, epoch: { membership: 3, range: 1 }, replicas }
  const progress = new Map(
    replicas.map(({ id, store }) => {
      // A leader counts itself, and has no answers of its own.
      const heardLately = store !== 's1' && !silent.includes(store)
      const isUnborn = unborn.includes(store)
      return [id, { matchIndex: isUnborn ? 0 : 9, state: isUnborn ? 'probe' : 'replicate', heardLately }] as const
    }),
  )
  return judgeStep(step, { shard, self: 's1', lastIndex: 9, progress }).kind
}

const ENTER = { kind: 'enter-joint', promote: ['s4'], demote: ['s3'], lagEntriesMax: 10, votersMin: 3 } as const
const JOINT = { s1: 'voter', s2: 'voter', s3: 'outgoing', s4: 'incoming' } as const

test('a joint membership that was entered for this very change is done; one for another change is in the way', () => {
  assert.equal(verdict(ENTER, { s1: 'voter', s2: 'voter', s3: 'voter', s4: 'learner' }), 'propose')
  assert.equal(verdict(ENTER, JOINT), 'done')
  assert.equal(verdict({ ...ENTER, demote: ['s2'] }, JOINT), 'refuse')
  assert.equal(verdict({ ...ENTER, promote: ['s5'] }, { ...JOINT, s5: 'learner' }), 'refuse')
  assert.equal(verdict(ENTER, { ...JOINT, s3: 'voter' }), 'refuse')
})

test('a joint membership is not entered while too few of those that would stay answer', () => {
  const three = { s1: 'voter', s2: 'voter', s3: 'voter' } as const
  const drop = { ...ENTER, promote: [], votersMin: 2 }
  assert.equal(verdict(drop, three), 'propose')
  assert.equal(verdict(drop, three, ['s3']), 'propose', 'the one that goes need not answer')
  assert.equal(verdict(drop, three, ['s2']), 'refuse', 'the two that stay are needed both')
  assert.equal(verdict(ENTER, { ...three, s4: 'learner' }, ['s3']), 'propose')
  assert.equal(verdict(ENTER, { ...three, s4: 'learner' }, ['s2']), 'propose')
  assert.equal(verdict(ENTER, { ...three, s4: 'learner' }, ['s4']), 'refuse')
  const five = { ...three, s4: 'learner', s5: 'voter', s6: 'voter' } as const
  assert.equal(verdict(ENTER, five, ['s2', 's5']), 'propose')
  assert.equal(verdict(ENTER, five, ['s2', 's5', 's6']), 'refuse')
})

test('a learner that has stored nothing yet is not made a voter, however short the log is', () => {
  const four = { s1: 'voter', s2: 'voter', s3: 'voter', s4: 'learner' } as const
  assert.equal(verdict(ENTER, four), 'propose')
  assert.equal(verdict(ENTER, four, [], ['s4']), 'refuse')
  assert.equal(verdict({ ...ENTER, lagEntriesMax: 10_000 }, four, [], ['s4']), 'refuse')
})

test('every other step that is asked for again is done', () => {
  const after = { s1: 'voter', s2: 'voter', s4: 'voter' } as const
  assert.equal(verdict({ kind: 'leave-joint' }, { ...after, s3: 'learner' }), 'done')
  assert.equal(verdict({ kind: 'leave-joint' }, JOINT), 'propose')
  assert.equal(verdict({ kind: 'remove-learner', store: 's3' }, after), 'done')
  assert.equal(
    verdict({ kind: 'add-learner', store: 's4', replica: 23 }, { ...JOINT, s3: 'voter', s4: 'learner' }),
    'done',
  )
})
