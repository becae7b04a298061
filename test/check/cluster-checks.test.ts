/** Each check of a running cluster refuses what is planted, with its own words, and accepts the correct run that is nearest to it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterChecks, type MapView, type ShardView } from '../../src/testing/index.ts'
import { crash, inTurn, observeAll, refuses, type Script, viewOf, wipe } from './cluster-views.ts'

interface Case {
  readonly says: string
  readonly wrong: readonly (readonly [RegExp, Script])[]
  readonly right: readonly Script[]
}

const committed = { commitIndex: 3 }

function map(version: number, ...shards: readonly ShardView[]): Script {
  const view: MapView = { version, shards }
  return (checks) => checks.observeMap(view)
}

function shard(id: number, start: string, end: string | undefined, range = 1): ShardView {
  return { id, start, end, epoch: { membership: 1, range } }
}

const applied =
  (store: string, index: number, term = 1): Script =>
  (checks) =>
    checks.applied({ group: 2, replica: 1, store, index, term, hash: index * 1000 + term })

const startsFrom =
  (store: string, index: number): Script =>
  (checks) =>
    checks.startsFrom({ group: 2, replica: 1, store, index })

const snapshot =
  (index: number, term: number, stateHash: number): Script =>
  (checks) =>
    checks.observeSnapshot({ group: 2, store: 's3', index, term, stateHash })

const uses =
  (value: number): Script =>
  (checks) =>
    checks.observeResource({ store: 's1', name: 'apply queue', value, valueMax: 10 })

const rests =
  (...views: Parameters<typeof viewOf>[0][]): Script =>
  (checks) =>
    checks.atRest(views.map(viewOf), { version: 1, shards: [shard(2, '', undefined)] })

const resting = { ...committed, appliedIndex: 3 }

const CASES: readonly Case[] = [
  {
    says: 'one leader per term and group',
    wrong: [
      [/which replica 1 led/, observeAll({ store: 's1', role: 'leader' }, { store: 's2', role: 'leader' })],
      // Also when the first one has been gone for long.
      [
        /leads term 1/,
        inTurn(observeAll({ store: 's1', role: 'leader' }), wipe('s1'), observeAll({ store: 's2', role: 'leader' })),
      ],
    ],
    right: [
      observeAll({ store: 's1', role: 'leader', term: 1 }, { store: 's2', role: 'leader', term: 2 }),
      observeAll({ store: 's1', role: 'leader' }, { store: 's2', role: 'leader', group: 3 }),
      inTurn(observeAll({ store: 's1', role: 'leader' }), crash('s1'), observeAll({ store: 's1', role: 'leader' })),
    ],
  },
  {
    says: 'committed entries never change',
    wrong: [
      [
        /committed entry 3 was/,
        observeAll({ store: 's1', ...committed }, { store: 's2', commitIndex: 3, log: { terms: [1, 1, 2] } }),
      ],
      [
        /two entries have index 2/,
        observeAll({ ...committed }, { store: 's2', log: { terms: [1, 1], hashes: { 2: 7 } } }),
      ],
      // The same store after a restart.
      [
        /committed entry 3 was/,
        inTurn(observeAll({ ...committed }), crash('s1'), observeAll({ ...committed, log: { terms: [1, 1, 2] } })),
      ],
      [/beyond the end of the log/, observeAll({ commitIndex: 4 })],
    ],
    right: [
      observeAll({ store: 's1', ...committed }, { store: 's2', commitIndex: 2, log: { terms: [1, 1, 2] } }),
      observeAll({ ...committed }, { store: 's2', commitIndex: 4, log: { terms: [1, 1, 1, 2], firstIndex: 4 } }),
    ],
  },
  {
    says: 'log matching',
    wrong: [
      [
        /before \(index 3, term 2\) stands term 1/,
        observeAll({ log: { terms: [1, 1, 2] } }, { store: 's2', log: { terms: [1, 2, 2] } }),
      ],
      [/two entries have index 3/, observeAll({}, { store: 's2', log: { terms: [1, 1, 1], hashes: { 3: 5 } } })],
      [
        /two entries have index 2/,
        observeAll({ log: { terms: [1, 1] } }, { log: { terms: [1] } }, { log: { terms: [1, 1], hashes: { 2: 5 } } }),
      ],
      [
        /hole at 1/,
        (checks) =>
          checks.observe({ ...viewOf({}), entry: (index) => (index > 1 ? { term: 1, hash: index } : undefined) }),
      ],
    ],
    right: [
      observeAll({ log: { terms: [1, 1, 2] } }, { store: 's2', log: { terms: [1, 1, 3] } }),
      observeAll({ log: { terms: [1, 1, 1] } }, { log: { terms: [1, 2] } }, { log: { terms: [1, 2, 3] } }),
      observeAll({ log: { terms: [1, 1, 2] } }, { store: 's2', log: { terms: [9, 9, 2], firstIndex: 3 } }),
    ],
  },
  {
    says: 'leader completeness',
    wrong: [
      [
        /leads term 3 without entry 3/,
        observeAll({ ...committed }, { store: 's2', role: 'leader', term: 3, log: { terms: [1, 1] } }),
      ],
      [
        /leads term 3 with/,
        observeAll({ ...committed }, { store: 's2', role: 'leader', term: 3, log: { terms: [1, 1, 2] } }),
      ],
    ],
    right: [
      observeAll({ ...committed }, { store: 's2', role: 'leader', term: 3, log: { terms: [1, 1, 1, 3] } }),
      // A leader of an older term that is only now seen need not have what a newer one committed.
      observeAll(
        { term: 3, commitIndex: 3, log: { terms: [1, 1, 3] } },
        { store: 's2', role: 'leader', term: 2, log: { terms: [1, 1] } },
      ),
      observeAll({ ...committed }, { store: 's2', role: 'leader', term: 3, log: { terms: [1, 1, 1], firstIndex: 4 } }),
    ],
  },
  {
    says: 'terms, votes and indexes go forward',
    wrong: [
      [/term fell/, observeAll({ term: 3 }, { term: 2 })],
      [/vote of term 3 changed/, observeAll({ term: 3, votedFor: 1 }, { term: 3, votedFor: 2 })],
      [/commit fell/, observeAll({ commitIndex: 2 }, { commitIndex: 1 })],
      [/applied fell/, observeAll({ commitIndex: 2, appliedIndex: 2 }, { commitIndex: 2, appliedIndex: 1 })],
      [/applied 2 beyond commit 1/, observeAll({ commitIndex: 1, appliedIndex: 2 })],
      [
        /after the durable term 3/,
        inTurn(observeAll({ term: 3, durable: { term: 3, votedFor: 0 } }), crash('s1'), observeAll({ term: 2 })),
      ],
      [
        /was durably for 2 and is for 1/,
        inTurn(
          observeAll({ term: 3, votedFor: 2, durable: { term: 3, votedFor: 2 } }),
          crash('s1'),
          observeAll({ term: 3, votedFor: 1 }),
        ),
      ],
    ],
    right: [
      observeAll({ term: 3, votedFor: 1 }, { term: 4, votedFor: 2 }),
      observeAll({ term: 3, votedFor: 0 }, { term: 3, votedFor: 2 }),
      // What was not durable may be gone.
      inTurn(observeAll({ term: 3, votedFor: 2, commitIndex: 2 }), crash('s1'), observeAll({ term: 2, votedFor: 1 })),
      inTurn(
        observeAll({ term: 3, durable: { term: 3, votedFor: 2 }, votedFor: 2 }),
        wipe('s1'),
        observeAll({ term: 1 }),
      ),
    ],
  },
  {
    says: 'applied in order and once',
    wrong: [
      [/applies 2 again/, inTurn(startsFrom('s1', 0), applied('s1', 1), applied('s1', 2), applied('s1', 2))],
      [/applies 3 right after 1/, inTurn(startsFrom('s1', 0), applied('s1', 1), applied('s1', 3))],
      [/applies another entry at 3/, inTurn(observeAll({ ...committed }), startsFrom('s1', 2), applied('s1', 3, 2))],
      [/takes s1 back from 2 to 1/, inTurn(startsFrom('s1', 2), startsFrom('s1', 1))],
    ],
    right: [
      inTurn(startsFrom('s1', 0), applied('s1', 1), applied('s1', 2), applied('s2', 2)),
      inTurn(startsFrom('s1', 0), applied('s1', 1), crash('s1'), startsFrom('s1', 0), applied('s1', 1)),
      inTurn(startsFrom('s1', 0), applied('s1', 1), startsFrom('s1', 5), applied('s1', 6)),
      inTurn(observeAll({ ...committed }), startsFrom('s1', 2), applied('s1', 3, 1)),
    ],
  },
  {
    says: 'epochs grow and name one thing',
    wrong: [
      [
        /epoch 1\.1 after 1\.2/,
        observeAll({ epoch: { membership: 1, range: 2 } }, { epoch: { membership: 1, range: 1 } }),
      ],
      [
        /range epoch 1 is "" to the end, and "m" to the end on s2/,
        observeAll({}, { store: 's2', range: { start: 'm', end: undefined } }),
      ],
      [/membership epoch 1 has the voters 1,2,3, and 1,2 on s2/, observeAll({}, { store: 's2', voters: [1, 2] })],
      [/has epoch 1\.1 after 1\.2/, inTurn(map(1, shard(2, '', undefined, 2)), map(2, shard(2, '', undefined, 1)))],
      [/range epoch 1 is/, inTurn(observeAll({ range: { start: '', end: 'm' } }), map(1, shard(2, '', undefined)))],
    ],
    right: [
      // A child may have reported before its parent did.
      inTurn(observeAll({}), map(1, shard(2, '', 'm'), shard(3, 'm', undefined))),
      observeAll({}, { epoch: { membership: 1, range: 2 }, range: { start: '', end: 'm' } }),
      observeAll({}, { store: 's2', epoch: { membership: 2, range: 1 }, voters: [1, 2] }),
      inTurn(observeAll({ epoch: { membership: 1, range: 2 } }), crash('s1'), observeAll({})),
      inTurn(map(1, shard(2, '', undefined, 2)), map(1, shard(2, '', undefined, 2))),
      observeAll({ voters: [1, 2, 3] }, { store: 's2', voters: [3, 1, 2] }),
    ],
  },
  {
    says: 'every map covers each key exactly once',
    wrong: [
      [/no shard has the keys below "b"/, map(1, shard(2, 'b', undefined))],
      [/no shard has the keys from "m" to "n"/, map(1, shard(2, '', 'm'), shard(3, 'n', undefined))],
      [/both have "l"/, map(1, shard(2, '', 'm'), shard(3, 'l', undefined))],
      [/no shard has the keys from "z"/, map(1, shard(2, '', 'z'))],
      [/is empty/, map(1, shard(2, '', ''), shard(3, '', undefined))],
    ],
    right: [map(1, shard(3, 'm', undefined), shard(2, '', 'm')), map(0), map(1, shard(2, '', undefined))],
  },
  {
    says: 'equal states at equal applied indexes, in snapshots too',
    wrong: [
      [
        /after entry 3 the state is 7 on s1 and 8 on s2/,
        observeAll({ ...resting, stateHash: 7 }, { store: 's2', ...resting, stateHash: 8 }),
      ],
      [/in a snapshot: .*after entry 3/, inTurn(observeAll({ ...resting, stateHash: 7 }), snapshot(3, 1, 8))],
      [/claims term 2 at 3/, inTurn(observeAll({ ...committed }), snapshot(3, 2, 7))],
      // Across a restart too: a replica that applied something twice is not what it was.
      [
        /after entry 3/,
        inTurn(observeAll({ ...resting, stateHash: 7 }), crash('s1'), observeAll({ ...resting, stateHash: 8 })),
      ],
    ],
    right: [
      observeAll({ ...resting, stateHash: 7 }, { store: 's2', commitIndex: 3, appliedIndex: 2, stateHash: 8 }),
      observeAll({ ...resting, stateHash: 7 }, { store: 's2', ...resting }),
      inTurn(observeAll({ ...resting, stateHash: 7 }), snapshot(3, 1, 7)),
    ],
  },
  {
    says: 'resources are bounded',
    wrong: [[/apply queue is 11, more than 10/, uses(11)]],
    right: [uses(10)],
  },
  {
    says: 'a cluster at rest is complete',
    wrong: [
      [/has no leader although/, rests({ ...resting }, { store: 's2', ...resting })],
      [
        /s2 rests at 2 although 3/,
        rests({ ...resting, role: 'leader' }, { store: 's2', ...committed, appliedIndex: 2 }),
      ],
      [
        /by the leaders themselves: no shard has the keys from "m"/,
        rests({ ...resting, role: 'leader', epoch: { membership: 1, range: 2 }, range: { start: '', end: 'm' } }),
      ],
    ],
    right: [
      rests({ ...resting, role: 'leader' }, { store: 's2', ...resting }),
      // A leader that does not know yet that it is one no more does not count.
      rests({ ...resting, role: 'leader' }, { store: 's2', ...resting, role: 'leader', term: 2 }),
    ],
  },
]

for (const { says, wrong, right } of CASES) {
  test(says, () => {
    for (const [pattern, script] of wrong) refuses(script(new ClusterChecks()), pattern)
    for (const script of right) assert.equal(script(new ClusterChecks()), undefined)
  })
}

test('the highest use of each resource is remembered', () => {
  const checks = new ClusterChecks()
  for (const value of [3, 9, 4]) assert.equal(uses(value)(checks), undefined)
  assert.deepEqual(checks.highestUse(), [{ name: 'apply queue', value: 9, valueMax: 10, store: 's1' }])
})

test('a log is looked at only where it is new', () => {
  const checks = new ClusterChecks()
  let asked = 0
  const terms = Array.from({ length: 1000 }, () => 1)
  for (let commitIndex = 900; commitIndex <= 1000; commitIndex++) {
    const view = viewOf({ commitIndex, log: { terms } })
    assert.equal(
      checks.observe({
        ...view,
        entry: (index) => {
          asked++
          return view.entry(index)
        },
      }),
      undefined,
    )
  }
  assert(asked < 4000, `${asked} entries were asked for`)
})
