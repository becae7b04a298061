/** The placement driver's leader dies in each step of a move, and the broker is restarted in the middle of one: the operator goes on. */
import { poll } from '../../cluster/poll.ts'
import { fill } from '../filling.ts'
import { quantilesText } from '../latencies.ts'
import { checkedKeys, LOAD, type Scene } from '../scene.ts'
import { type OperatorView, type Stage, seconds } from '../stage.ts'

const STEPS = 5
const WAIT_MS = 120_000
const FILLED_BYTES = 48 * 1024 * 1024

export const interruptions: Scene = {
  name: 'interruptions',
  shows:
    'a move goes on when the placement driver’s leader is killed in any of its steps, and when the broker is restarted',
  stage: () => ({ stores: 4, shards: 1, placement: { split: { bytes: '4GiB', opsPerSecond: 1_000_000 } } }),
  async play(stage, { clients }) {
    const load = stage.load(checkedKeys(32), { ...LOAD, clients })
    stage.cluster.start('s4')
    await stage.cluster.waitReady('s4')
    for (const name of ['balance-replicas', 'balance-leaders', 'repair'])
      await stage.admin(`schedulers/${name}/pause`, 'POST', '{"seconds":3600}')
    await fill(stage, FILLED_BYTES)
    load.latencies.take()
    for (let step = 0; step < STEPS; step++) await killDriverIn(stage, step)
    stage.say(`all the while: ${quantilesText(load.latencies.take())}`)
    await restartBroker(stage)
    stage.say(`around the restart of the broker: ${quantilesText(load.latencies.take())}`)
    stage.say(
      `${load.failures.length} operations failed around five kills and a broker that was gone: ${load.failures.slice(0, 2).join('; ')}`,
    )
  },
}

/** A move of the only data shard to whoever has no replica of it, from a follower that does not drive. */
async function move(
  stage: Stage,
): Promise<{ readonly operator: OperatorView; readonly from: string; readonly to: string }> {
  const shards = await stage.cluster.shards()
  const data = shards.find(({ kind }) => kind === 'data')
  const driver = shards.find(({ kind }) => kind === 'placement')?.leader
  const holders = data?.replicas.map(({ store }) => store) ?? []
  const from = holders.find((store) => store !== data?.leader && store !== driver) ?? 's1'
  const to = stage.cluster.ids.find((store) => !holders.includes(store)) ?? 's4'
  const operator = await stage.admin<OperatorView>(`shards/${data?.id}/move`, 'POST', JSON.stringify({ from, to }))
  return { operator, from, to }
}

async function killDriverIn(stage: Stage, step: number): Promise<void> {
  const { operator, from, to } = await move(stage)
  const shown = await poll(`step ${step}`, WAIT_MS, async () => {
    const now = await stage.admin<OperatorView>(`operators/${operator.id}`)
    return now.state !== 'running' || now.steps.slice(0, step).every(({ state }) => state === 'done') ? now : undefined
  })
  const doing = shown.steps.find(({ state }) => state === 'running')?.what ?? 'nothing any more'
  const driver = (await stage.cluster.shards()).find(({ kind }) => kind === 'placement')?.leader ?? 's1'
  const startedMs = performance.now()
  await stage.cluster.kill9(driver)
  await poll('another placement driver', WAIT_MS, async () => {
    const leader = (await stage.cluster.shards()).find(({ kind }) => kind === 'placement')?.leader ?? driver
    return leader !== driver
  })
  // It may be one of the two stores that the replica moves between.
  await stage.cluster.restart(driver)
  const ended = await stage.ended(operator.id)
  const tookMs = performance.now() - startedMs
  stage.claim(
    ended.state === 'finished',
    `${driver} drove and was killed in "${doing}" (move from ${from} to ${to}): ${ended.state}${ended.error ?? ''} ${seconds(tookMs)} later`,
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
