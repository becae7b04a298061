/** Random histories of small groups. A failing seed prints itself; RAFT_SEED=n plays that one again, RAFT_SEEDS=n plays more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RandomGroup, type RandomModes } from './harness/random-group.ts'

const SEEDS = Number(process.env.RAFT_SEEDS ?? 400)
const STEPS = 25_000

const ALL_ON: RandomModes = {
  asyncStorage: true,
  preVote: true,
  checkQuorum: true,
  batchAppends: true,
  quietCommits: true,
}

/** Most seeds run as the product does; the others switch each mode off in turn. */
function modesOf(seed: number): RandomModes {
  switch (seed % 8) {
    case 3:
      return { ...ALL_ON, asyncStorage: false }
    case 4:
      return { ...ALL_ON, preVote: false, checkQuorum: false }
    case 5:
      return { ...ALL_ON, batchAppends: false }
    case 6:
      return { ...ALL_ON, quietCommits: false }
    case 7:
      return { asyncStorage: false, preVote: false, checkQuorum: false, batchAppends: false, quietCommits: false }
    default:
      return ALL_ON
  }
}

function play(seed: number): RandomGroup {
  try {
    const modes = modesOf(seed)
    const group = new RandomGroup(seed, modes)
    group.run(STEPS)
    // With neither PreVote nor CheckQuorum, a replica that was removed raises terms for ever, and one that may not campaign
    // (a learner) keeps a term that its leader never hears of: such groups are safe, but not sure to get on.
    if (modes.preVote || modes.checkQuorum) group.settle()
    return group
  } catch (error) {
    // Whatever went wrong, the seed is what finds it again.
    throw new Error(`RAFT_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

test(`the five properties of Raft (Figure 3) hold in ${SEEDS} random histories, and every group gets on afterwards`, (context) => {
  const only = process.env.RAFT_SEED
  if (only !== undefined) {
    play(Number(only))
    return
  }
  const total = { committed: 0, leaders: 0, reads: 0, vouched: 0 }
  for (let seed = 0; seed < SEEDS; seed++) {
    const { committed, leaders, reads, vouched } = play(seed).summary
    total.committed += committed
    total.leaders += leaders
    total.reads += reads
    total.vouched += vouched
  }
  context.diagnostic(JSON.stringify(total))
  // A history in which nothing happens proves nothing.
  assert.ok(total.committed > 30 * SEEDS, `only ${total.committed} entries were committed`)
  assert.ok(total.leaders > 5 * SEEDS, `only ${total.leaders} leaders were elected`)
  assert.ok(total.reads > SEEDS, `only ${total.reads} reads were answered`)
  assert.ok(total.vouched > SEEDS, `only ${total.vouched} reads were vouched for`)
})
