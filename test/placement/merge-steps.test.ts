/** One attempt of a step of a merge: whom it asks, in which order, and what it makes of answers that are old, lost or from after the fact. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Epoch,
  indexOfMap,
  PLAN_SETTINGS_DEFAULT,
  type PlannedOperator,
  planByHand,
  type Shard,
} from '../../shard-map/index.ts'
import { MergeAttempt, type MergeStep } from '../../src/placement/merge-steps.ts'
import { errorValue, type Reply, type ShardDescription } from '../../src/protocol/index.ts'
import { bootstrapped } from '../shard-map/arbitraries.ts'

const MAP = bootstrapped(3, 4)
const [LEFT, RIGHT] = MAP.shards as unknown as [Shard, Shard]

function planned(): PlannedOperator {
  const plan = planByHand(indexOfMap(MAP, { ...PLAN_SETTINGS_DEFAULT }), {
    kind: 'merge',
    shard: LEFT.id,
    with: RIGHT.id,
  })
  assert.ok(plan.ok, plan.ok ? '' : plan.message)
  return plan.operator
}

function at(shard: Shard, range: number, membership = shard.epoch.membership): Shard {
  return { ...shard, epoch: { membership, range } }
}

function described(shard: Shard, more: Partial<ShardDescription> = {}): Reply {
  const description: ShardDescription = {
    shard,
    leader: 's1',
    term: 1,
    commitIndex: 1,
    appliedIndex: 1,
    replicas: [],
    bytes: 0,
    keys: 0,
    load: { readsPerSecond: 0, writesPerSecond: 0 },
    merging: undefined,
    absorbed: [],
    ...more,
  }
  return { kind: 'describe', store: {} as never, shards: [description] }
}

interface Views {
  readonly gone?: readonly number[]
  readonly reached?: Readonly<Record<number, Epoch>>
}

/** Plays the answers against the step; the way it went, and its end. */
function play(
  what: MergeStep['what'],
  answers: readonly (Reply | undefined)[],
  { gone = [], reached = {} }: Views = {},
) {
  const step: MergeStep = { what, shard: RIGHT.id, into: LEFT.id }
  const shard = (id: number) => MAP.shards.find((each) => each.id === id && !gone.includes(id))
  const attempt = new MergeAttempt(step, planned(), { shard, owner: () => LEFT, reached: (id) => reached[id] })
  const asked: string[] = []
  for (const answer of answers) {
    const move = attempt.next()
    if (move.kind !== 'ask') return { asked, end: move }
    asked.push(`${move.request.kind} ${move.shard}`)
    const outcome = attempt.heard(move.request, answer)
    if (outcome !== undefined) return { asked, end: outcome }
  }
  return { asked, end: attempt.next() }
}

const shards = (...list: Shard[]): Reply => ({ kind: 'shards', shards: list })
const refused = (code: 'INVALID_ARGUMENT' | 'STALE_EPOCH' | 'NOT_READY'): Reply => ({
  kind: 'error',
  error: errorValue(code, 'no', { shard: 2 }),
})
const STOPPED = at(RIGHT, 2)
const INTO_LEFT = { merging: LEFT } as const

test('preparing asks both shards how they are, and binds the right one to the left one as it is now', () => {
  const { asked, end } = play('prepare-merge', [described(RIGHT), described(at(LEFT, 1, 4)), shards(STOPPED)])
  assert.deepEqual(asked, [`describe ${RIGHT.id}`, `describe ${LEFT.id}`, `prepare-merge ${RIGHT.id}`])
  assert.deepEqual(end, { kind: 'done', shards: [STOPPED], reached: STOPPED.epoch })
})

test('what somebody has prepared before is done; for another neighbour, or after a split, it is not', () => {
  assert.equal(play('prepare-merge', [described(STOPPED, INTO_LEFT)]).end.kind, 'done')
  assert.equal(play('prepare-merge', [described(STOPPED, { merging: at({ ...LEFT, id: 77 }, 1) })]).end.kind, 'fail')
  assert.equal(play('prepare-merge', [described(RIGHT), described(at(LEFT, 2))]).end.kind, 'fail')
  assert.equal(play('prepare-merge', [described(RIGHT), described(LEFT, { merging: RIGHT })]).end.kind, 'fail')
})

test('nothing is prepared once either shard is gone from the map: nobody is left to answer', () => {
  const noRight = play('prepare-merge', [], { gone: [RIGHT.id] })
  assert.deepEqual(noRight, { asked: [], end: { kind: 'fail', reason: `there is no shard ${RIGHT.id} any more` } })
  const noLeft = play('prepare-merge', [described(RIGHT)], { gone: [LEFT.id] })
  assert.deepEqual(noLeft.asked, [`describe ${RIGHT.id}`])
  assert.deepEqual(noLeft.end, { kind: 'fail', reason: `there is no shard ${LEFT.id} any more` })
  // What was stopped before is noted first, so that the way back finds it.
  assert.equal(play('prepare-merge', [described(STOPPED, INTO_LEFT)], { gone: [LEFT.id] }).end.kind, 'done')
})

test('answers that are lost, late or of a leader that is behind begin the attempt anew', () => {
  const reached = { [RIGHT.id]: STOPPED.epoch }
  for (const what of ['prepare-merge', 'commit-merge', 'rollback-merge'] as const) {
    assert.equal(play(what, [undefined]).end.kind, 'again')
    assert.equal(play(what, [{ kind: 'describe', store: {} as never, shards: [] }]).end.kind, 'again')
    assert.equal(play(what, [refused('NOT_READY')]).end.kind, 'again')
  }
  // It has not applied what stopped the shard: taking its word for it would give the merge up.
  assert.equal(play('commit-merge', [described(LEFT), described(RIGHT)], { reached }).end.kind, 'again')
  assert.equal(play('rollback-merge', [described(LEFT), described(RIGHT)], { reached }).end.kind, 'again')
  const stale = [described(LEFT), described(STOPPED, INTO_LEFT), refused('STALE_EPOCH')]
  assert.equal(play('commit-merge', stale).end.kind, 'again')
})

test('a merge is committed for the epoch that it was prepared for, or has been', () => {
  const merged = { ...at(LEFT, 3), end: RIGHT.end }
  const whole = play('commit-merge', [described(LEFT), described(STOPPED, INTO_LEFT), shards(merged)])
  assert.deepEqual(whole.asked, [`describe ${LEFT.id}`, `describe ${RIGHT.id}`, `commit-merge ${LEFT.id}`])
  assert.deepEqual(whole.end, { kind: 'done', shards: [merged], reached: undefined })
  // The right shard is not asked any more: nobody may be left to answer.
  const done = play('commit-merge', [described(merged, { absorbed: [9, RIGHT.id] })], { gone: [RIGHT.id] })
  assert.deepEqual([done.asked.length, done.end.kind], [1, 'done'])
  assert.equal(play('commit-merge', [described(at(LEFT, 2)), described(STOPPED, INTO_LEFT)]).end.kind, 'fail')
  assert.equal(play('commit-merge', [described(LEFT), described(at(RIGHT, 3))]).end.kind, 'fail')
  const refusal = [described(LEFT), described(STOPPED, INTO_LEFT), refused('INVALID_ARGUMENT')]
  assert.equal(play('commit-merge', refusal).end.kind, 'fail')
  assert.equal(play('commit-merge', [], { gone: [LEFT.id] }).end.kind, 'fail')
})

test('the way back fences first, and finds out when it comes too late', () => {
  const fenced = at(LEFT, 2)
  const back = play('rollback-merge', [
    described(LEFT),
    described(STOPPED, INTO_LEFT),
    shards(fenced),
    shards(at(RIGHT, 3)),
  ])
  assert.deepEqual(back.asked.slice(2), [`fence-merge ${LEFT.id}`, `rollback-merge ${RIGHT.id}`])
  assert.deepEqual(back.end, { kind: 'done', shards: [at(RIGHT, 3), fenced], reached: { membership: 1, range: 3 } })
  assert.equal(play('rollback-merge', [described(at(LEFT, 3), { absorbed: [RIGHT.id] })]).end.kind, 'merged')
  assert.equal(play('rollback-merge', [described(LEFT), described(at(RIGHT, 3))]).end.kind, 'done')
  // Never given up: nobody else would let the shard serve again.
  const refusal = [described(LEFT), described(STOPPED, INTO_LEFT), refused('INVALID_ARGUMENT')]
  assert.equal(play('rollback-merge', refusal).end.kind, 'again')
})

test('a shard that may yet be stopped by a late request gets another range epoch', () => {
  const { asked, end } = play('rollback-merge', [described(LEFT), described(RIGHT), shards(at(RIGHT, 2))])
  assert.deepEqual(asked.at(-1), `fence-merge ${RIGHT.id}`)
  assert.equal(end.kind, 'again')
})

test('a shard that somebody stopped for another neighbour is theirs to release: the way back has nothing to do', () => {
  const elsewhere = { merging: at({ ...LEFT, id: 77 }, 1) }
  const { asked, end } = play('rollback-merge', [described(LEFT), described(RIGHT, elsewhere)])
  assert.deepEqual(asked, [`describe ${LEFT.id}`, `describe ${RIGHT.id}`])
  assert.deepEqual(end, { kind: 'done', shards: [RIGHT], reached: RIGHT.epoch })
})

test('where a shard is gone from the map, whoever has its keys decides', () => {
  const heir = play('rollback-merge', [described(STOPPED, INTO_LEFT)], { gone: [LEFT.id] })
  assert.deepEqual(heir.asked, [`describe ${RIGHT.id}`])
  assert.ok(heir.end.kind === 'ask' && heir.end.request.kind === 'fence-merge')
  assert.equal(play('rollback-merge', [described(LEFT)], { gone: [RIGHT.id] }).end.kind, 'done')
})
