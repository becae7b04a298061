/**
 * The placement driver's leader dies in each step of a move, in a split and in a merge, and the broker is restarted in the middle of a move: the operator goes
 * on. The store that a replica moves to dies for good: the operator ends early and leaves nothing behind.
 */
import { poll } from '../../cluster/poll.ts'
import type { CheckedLoad } from '../checked-load.ts'
import { fill } from '../filling.ts'
import { quantilesText } from '../latencies.ts'
import { checkedKeys, LOAD, type Scene } from '../scene.ts'
import { type OperatorView, type Stage, seconds } from '../stage.ts'

const STEPS = 5
const WAIT_MS = 120_000
/** Fifteen seconds of silence, and what noticing it takes on a busy machine. */
const TARGET_LOST_MS_MAX = 30_000
const FILLED_BYTES = 48 * 1024 * 1024

export const interruptions: Scene = {
  name: 'interruptions',
  shows:
    'operators go on when the placement driver’s leader is killed in any of their steps, and when the broker is restarted; a dead target ends them',
  stage: () => ({ stores: 4, shards: 1, placement: { split: { bytes: '4GiB', opsPerSecond: 1_000_000 } } }),
  async play(stage, { clients }) {
    const load = stage.load(checkedKeys(32), { ...LOAD, clients })
    stage.cluster.start('s4')
    await stage.cluster.waitReady('s4')
    for (const name of ['balance-replicas', 'balance-leaders', 'repair'])
      await stage.admin(`schedulers/${name}/pause`, 'POST', '{"seconds":3600}')
    await fill(stage, FILLED_BYTES)
    load.latencies.take()
    for (let step = 0; step < STEPS; step++) await killDriverIn(stage, step, () => move(stage))
    await killDriverIn(stage, 0, () => change(stage, 'split', '{"policy":"size"}'))
    await killDriverIn(stage, 0, () => change(stage, 'merge', '{}'))
    await stage.operate(`shards/${await firstShard(stage)}/split`, '{"policy":"size"}')
    await killDriverIn(stage, 1, () => change(stage, 'merge', '{}'))
    stage.say(`all the while: ${quantilesText(load.latencies.take())}`)
    tellFailures(stage, load, 'eight kills of a driver')
    await restartBroker(stage)
    stage.say(`around the restart of the broker: ${quantilesText(load.latencies.take())}`)
    tellFailures(stage, load, 'a broker that was gone')
    await killTarget(stage)
    stage.say(`around the loss of a target: ${quantilesText(load.latencies.take())}`)
    tellFailures(stage, load, 'the kill of a target')
  },
}

/** What a client cannot hide: writes that were under way where something was killed, whose outcome nobody knows. */
function tellFailures(stage: Stage, load: CheckedLoad, around: string): void {
  const reasons = new Map<string, number>()
  for (const failure of load.failures.splice(0)) {
    const reason = failure.replace(/^(\w+) \S+:/, '$1:')
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  const text = [...reasons].map(([reason, count]) => `${count} × ${reason}`).join('; ')
  stage.say(`operations failed around ${around}: ${text === '' ? 'none' : text}`)
}

interface Begun {
  readonly operator: OperatorView
  /** In a few words. */
  readonly text: string
}

async function firstShard(stage: Stage): Promise<number> {
  const [first] = (await stage.dataShards()).filter(({ start }) => start === '')
  return first?.id ?? 2
}

async function change(stage: Stage, what: string, body: string): Promise<Begun> {
  const operator = await stage.begin(async () => ({ path: `shards/${await firstShard(stage)}/${what}`, body }))
  return { operator, text: `${what} of shard ${operator.shard}` }
}

/** A move of the only data shard to whoever has no replica of it, from a follower that does not drive. */
async function move(stage: Stage): Promise<Begun & { readonly to: string }> {
  let from = ''
  let to = ''
  const operator = await stage.begin(async () => {
    const shards = await stage.shards()
    const data = shards.find(({ kind }) => kind === 'data')
    const driver = shards.find(({ kind }) => kind === 'placement')?.leader
    const holders = data?.replicas.map(({ store }) => store) ?? []
    from = holders.find((store) => store !== data?.leader && store !== driver) ?? 's1'
    to = stage.cluster.ids.find((store) => !holders.includes(store)) ?? 's4'
    return { path: `shards/${data?.id}/move`, body: JSON.stringify({ from, to }) }
  })
  return { operator, to, text: `move from ${from} to ${to}` }
}

async function killDriverIn(stage: Stage, step: number, begin: () => Promise<Begun>): Promise<void> {
  const { operator, text } = await begin()
  const shown = await poll(`step ${step}`, WAIT_MS, async () => {
    const now = await stage.admin<OperatorView>(`operators/${operator.id}`)
    return now.state !== 'running' || now.steps.slice(0, step).every(({ state }) => state === 'done') ? now : undefined
  })
  const doing = shown.steps.find(({ state }) => state === 'running')?.what ?? 'nothing any more'
  const driver = (await stage.shards()).find(({ kind }) => kind === 'placement')?.leader ?? 's1'
  const startedMs = performance.now()
  await stage.cluster.kill9(driver)
  await poll('another placement driver', WAIT_MS, async () => {
    const leader = (await stage.shards()).find(({ kind }) => kind === 'placement')?.leader ?? driver
    return leader !== driver
  })
  // It may be one of the two stores that the replica moves between.
  await stage.cluster.restart(driver)
  const ended = await stage.ended(operator.id)
  const tookMs = performance.now() - startedMs
  stage.claim(
    ended.state === 'finished',
    `${driver} drove and was killed in "${doing}" (${text}): ${endText(ended)} ${seconds(tookMs)} later`,
  )
  await stage.cluster.leaders()
}

async function restartBroker(stage: Stage): Promise<void> {
  const { operator } = await move(stage)
  await poll('the snapshot is on its way', WAIT_MS, async () => {
    const { steps } = await stage.admin<OperatorView>(`operators/${operator.id}`)
    return steps[0]?.state === 'done'
  })
  const startedMs = performance.now()
  await stage.cluster.broker.kill()
  await stage.cluster.broker.restart()
  const ended = await stage.ended(operator.id)
  stage.claim(
    ended.state === 'finished',
    `the broker was killed and started again in the middle of a move: ${ended.state} ${seconds(performance.now() - startedMs)} later`,
  )
}

/** The store that a replica moves to is lost. Nobody waits for it any longer than for a restart. */
async function killTarget(stage: Stage): Promise<void> {
  await stage.cluster.leaders()
  const { operator, to } = await move(stage)
  await poll('the learner is there', WAIT_MS, async () => {
    const { steps } = await stage.admin<OperatorView>(`operators/${operator.id}`)
    return steps[0]?.state === 'done'
  })
  const startedMs = performance.now()
  await stage.cluster.kill9(to)
  const ended = await stage.ended(operator.id)
  const tookMs = performance.now() - startedMs
  const isEarly = ended.state === 'failed' && tookMs < TARGET_LOST_MS_MAX
  stage.claim(isEarly, `${to} was to receive a replica and was killed: ${endText(ended)} ${seconds(tookMs)} later`)
  const holders = (await stage.dataShards()).flatMap(({ replicas }) => replicas.map(({ store }) => store))
  stage.claim(!holders.includes(to), `replicas are on ${holders.join(', ')}, none is left on ${to}`)
  await stage.cluster.restart(to)
}

function endText({ state, error }: OperatorView): string {
  return error === null ? state : `${state}, ${error},`
}
