/** Faults of the network and of the broker: everything between processes that are themselves well. */
import type { BrokerProcess } from '../cluster/broker-process.ts'
import type { Fault, Mark } from './fault.ts'
import { hold, oneStore } from './fault.ts'
import type { Scene } from './scene.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Conduct, Direction } from './tcp-proxy.ts'

export const CUT_MS = [500, 8_000] as const
const SLOW_MS = [2_000, 8_000] as const
const DELAY_MS = [20, 250] as const
const LOST_PER_MILLE = [5, 150] as const
const BROKER_AWAY_MS = [50, 5_000] as const
/** A store that hears nobody for this long must say that it cannot serve. */
export const UNREADY_AFTER_MS = 6_000

/** Lets a store's proxy misbehave for a while. */
async function misconduct(
  scene: Scene,
  ids: readonly string[],
  mark: Mark,
  change: Partial<Conduct>,
  hold: () => Promise<void>,
  resets: boolean,
): Promise<void> {
  const good = { stalled: new Set<Direction>(), delayMs: 0, refuses: false, isLost: () => false }
  for (const id of ids) scene.proxy(id).behave(change)
  await hold()
  for (const id of ids) {
    // A real network either delivers late what was under way, or finds the connection dead.
    if (resets) scene.proxy(id).breakConnections()
    scene.proxy(id).behave(good)
  }
  mark.ends()
  await Promise.all(ids.map((id) => scene.waitServing(id)))
}

function cutFault(name: string, weight: number, directions: readonly Direction[]): Fault {
  return {
    name,
    weight,
    async run(scene, random, mark) {
      const ids = await oneStore(scene, random)
      const [id] = ids
      if (id === undefined) return 'not now'
      const resets = random.chance(50)
      mark.begins(`${id} is cut off (${directions.join(' and ')}${resets ? ', then its connections break' : ''})`)
      const heldMs = random.between(...CUT_MS)
      const held = async (): Promise<void> => {
        await hold(random, heldMs, heldMs)
        if (heldMs > UNREADY_AFTER_MS) await mustNotBeReady(scene, id)
      }
      await misconduct(scene, ids, mark, { stalled: new Set(directions) }, held, resets)
      scene.release(ids)
      return 'done'
    },
  }
}

/** One that cannot reach any other store and says that it is ready lies. */
export async function mustNotBeReady(scene: Scene, id: string): Promise<void> {
  const reasons = await scene.reasonsOf(id)
  if (reasons.length === 0)
    scene.fail(`${id} is cut off from all others for ${UNREADY_AFTER_MS} ms and says that it is ready`)
}

const pair: Fault = {
  name: 'pair',
  weight: 4,
  async run(scene, random, mark) {
    const ids = scene.reserve(2, random)
    const [from, to] = ids
    if (from === undefined || to === undefined) return 'not now'
    const isOneWay = random.chance(50)
    mark.begins(`${from} ${isOneWay ? 'is not heard by' : 'and'} ${to}${isOneWay ? '' : ' do not hear each other'}`)
    scene.proxy(from).behave({ isLost: (subject) => subject.endsWith(`.${to}`) })
    if (!isOneWay) scene.proxy(to).behave({ isLost: (subject) => subject.endsWith(`.${from}`) })
    await hold(random, ...CUT_MS)
    for (const id of ids) scene.proxy(id).behave({ isLost: () => false })
    mark.ends()
    await Promise.all(ids.map((id) => scene.waitServing(id)))
    scene.release(ids)
    return 'done'
  },
}

const slow: Fault = {
  name: 'slow-network',
  weight: 2,
  async run(scene, random, mark) {
    const ids = await oneStore(scene, random)
    if (ids.length === 0) return 'not now'
    const delayMs = random.between(...DELAY_MS)
    mark.begins(`the way of ${ids.join()} to the broker takes ${delayMs} ms longer`)
    await misconduct(scene, ids, mark, { delayMs }, () => hold(random, ...SLOW_MS), false)
    scene.release(ids)
    return 'done'
  },
}

const lossy: Fault = {
  name: 'loss',
  weight: 2,
  async run(scene, random, mark) {
    const ids = await oneStore(scene, random)
    if (ids.length === 0) return 'not now'
    const perMille = random.between(...LOST_PER_MILLE)
    const chance = random.fork()
    mark.begins(`${perMille} of 1000 messages of ${ids.join()} are lost`)
    // Only the cluster's own messages: a lost ping would not be the network's doing.
    const isLost = (subject: string): boolean => subject.startsWith('flotilla.') && chance.below(1_000) < perMille
    await misconduct(scene, ids, mark, { isLost }, () => hold(random, ...SLOW_MS), false)
    scene.release(ids)
    return 'done'
  },
}

const reset: Fault = {
  name: 'reset',
  weight: 2,
  async run(scene, random, mark) {
    const ids = await oneStore(scene, random)
    if (ids.length === 0) return 'not now'
    const refuses = random.chance(50)
    mark.begins(`the connections of ${ids.join()} break${refuses ? ' and are refused' : ''}`)
    for (const id of ids) scene.proxy(id).breakConnections()
    await misconduct(scene, ids, mark, { refuses }, () => hold(random, 0, refuses ? 4_000 : 0), false)
    scene.release(ids)
    return 'done'
  },
}

function brokerFault(
  name: string,
  weight: number,
  what: string,
  away: (broker: BrokerProcess) => Promise<void> | void,
  back: (broker: BrokerProcess) => Promise<void> | void,
): Fault {
  return {
    name,
    weight,
    async run(scene: Scene, random: SeededRandom, mark: Mark) {
      // The broker is everybody's trouble.
      const ids = scene.reserve(scene.cluster.ids.length, random)
      if (ids.length === 0) return 'not now'
      mark.begins(what)
      await away(scene.broker)
      await hold(random, ...BROKER_AWAY_MS)
      await back(scene.broker)
      mark.ends()
      await Promise.all(ids.map((id) => scene.waitServing(id)))
      scene.release(ids)
      return 'done'
    },
  }
}

export const NETWORK_FAULTS: readonly Fault[] = [
  cutFault('cut', 4, ['toBroker', 'toStore']),
  cutFault('cut-to-broker', 2, ['toBroker']),
  cutFault('cut-to-store', 2, ['toStore']),
  pair,
  slow,
  lossy,
  reset,
  brokerFault(
    'broker-restart',
    3,
    'kill -9 of the broker',
    (broker) => broker.kill(),
    (broker) => broker.restart(),
  ),
  brokerFault(
    'broker-pause',
    2,
    'SIGSTOP of the broker',
    (broker) => broker.pause(),
    (broker) => broker.continue(),
  ),
]
