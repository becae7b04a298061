/**
 * What happens in a simulated world, in order: a cluster is founded in calm, lives through faults under load, is left alone, and must then be
 * whole again: every store up, every shard writable through every gateway, replicas equal, and everything that clients saw explicable.
 */

import { sameShard } from '../../shard-map/index.ts'
import { FlotillaError } from '../protocol/index.ts'
import type { Router } from '../router/index.ts'
import { checkHistory, type History } from './check/index.ts'
import { compareReplicas, hasSettled } from './compare-replicas.ts'
import { hasStopped, runningMerges } from './merge-nemesis.ts'
import { runNemesis } from './nemesis.ts'
import type { Gateway } from './simulated-client.ts'
import type { World } from './world.ts'

/** Virtual time within which a new cluster must serve. */
const FOUNDING_MS_MAX = 60_000
/** Stores may come up one after the other, with everything that first founders then do without the last ones. */
const STAGGER_MS_MAX = 5_000
/** Virtual time within which everything must be well again after the last fault. Covers the longest pause, stop and back-off. */
const RECOVERY_MS_MAX = 60_000
/**
 * Virtual time within which merges must have ended: a leader of group 1 may wait a minute, from when it became one, until all replicas of a shard are fit to be
 * stopped, which those on a damaged or lost disk never are; then comes the way back.
 */
const MERGES_MS_MAX = 60_000 + RECOVERY_MS_MAX
/** Virtual time of one attempt of a last read or write. */
const LAST_TIMEOUT_MS = 3_000
const POLL_MS = 50

export interface ScenarioOptions {
  /** How long faults go on. */
  readonly faultMs: number
}

/** Runs the world to its end; the verdict is `world.failure`. */
export async function playScenario(world: World, { faultMs }: ScenarioOptions): Promise<void> {
  await found(world)
  await endure(world, faultMs)
  await recover(world)
  await conclude(world)
  world.end()
}

async function found(world: World): Promise<void> {
  const isRough = world.random.chance(500)
  if (isRough) world.network.faults = world.plan.network
  const staggerMs = isRough ? world.random.between(200, STAGGER_MS_MAX) : 200
  for (const store of world.stores) world.later(world.random.below(staggerMs), () => store.start())
  world.startClientProcesses()
  await within(world, FOUNDING_MS_MAX, 'the new cluster serves', () => notReady(world))
  world.note('scenario', 'the cluster is founded')
}

async function endure(world: World, faultMs: number): Promise<void> {
  for (const client of world.clients) client.start()
  await world.sleep(1_000)
  const { plan } = world
  world.note('scenario', `faults begin: ${[...plan.families].join(', ')}`)
  world.hasFaults = true
  world.network.faults = plan.network
  for (const store of world.stores) store.disk.speed = plan.disk
  runNemesis(world, () => !world.hasFaults)
  await world.sleep(faultMs)
  world.hasFaults = false
}

async function recover(world: World): Promise<void> {
  world.note('scenario', 'faults end')
  world.changer.stop()
  world.network.heal()
  for (const store of world.stores) {
    store.disk.heal()
    store.process?.spare()
    if (!store.isLost) store.start()
  }
  await within(world, RECOVERY_MS_MAX, 'every store is ready again', () => notReady(world))
  world.note('scenario', 'every store is ready again')
  const forgotten = (): string[] =>
    world.changer.forgotten().map((shard) => `shard ${shard} stopped for a merge that nobody goes on with`)
  await within(world, RECOVERY_MS_MAX, 'no shard is stopped for a merge of the placement driver', forgotten)
  await within(world, MERGES_MS_MAX, 'no merge of the placement driver is under way', () => [
    // Until a shard has stopped, a merge may wait for a replica that is being made.
    ...runningMerges(world)
      .filter(hasStopped)
      .map(({ id, steps }) => `operator ${id}: ${JSON.stringify(steps)}`),
    ...forgotten(),
  ])
  await world.changer.settle()
  const load = world.recorder.counts.done
  await within(world, RECOVERY_MS_MAX, 'clients succeed again', () =>
    world.recorder.counts.done > load + 10 ? [] : [`${world.recorder.counts.done - load} operations succeeded`],
  )
  await within(world, RECOVERY_MS_MAX, 'no change of a shard is under way', () =>
    world.changer.isIdle ? [] : ['somebody still asks for one'],
  )
  for (const client of world.clients) client.stop()
  await within(world, RECOVERY_MS_MAX, 'every client has its last answer', () =>
    world.clients.filter(({ isIdle }) => !isIdle).map(({ name }) => `${name} waits`),
  )
}

async function conclude(world: World): Promise<void> {
  const { keys } = world.settings.load
  for (const gateway of world.gateways()) {
    for (const key of keys) await lastRead(world, gateway, key)
    for (const key of firstKeysOfShards(world)) await lastWrite(world, gateway, key)
  }
  // Leaders may still be moved: everything must be true at one moment.
  await within(
    world,
    RECOVERY_MS_MAX,
    'replicas have caught up, and every map says what the leaders have applied',
    () => [...hasSettled(world), ...outdatedMaps(world)],
  )
  world.checkAtRest()
  const difference = await compareReplicas(world)
  if (difference !== undefined) world.fail(difference.message, difference.group)
  const verdict = checkHistory(withDrift(world))
  if (verdict.ok) return
  // Many open outcomes on one key are more orders than anybody can try. That says nothing either way, so it is counted, and nothing is claimed.
  if (verdict.kind === 'undecided') world.counts.add('(histories undecided)')
  else world.failHistory(verdict.reason, verdict.focus)
}

/** The history with the ages that stores stated on their own clocks turned into what they are at most on ours. */
function withDrift(world: World): History {
  const { operations, staleReads, pages } = world.recorder.history
  const longest = 1 / (1 - world.plan.driftPerMillionMax / 1e6)
  const stretch = <Read extends { readonly stalenessMs: number }>(read: Read): Read => ({
    ...read,
    stalenessMs: read.stalenessMs * longest,
  })
  return { operations, staleReads: staleReads.map(stretch), pages: pages.map(stretch) }
}

/** Waits until `missing` names nothing any more; fails the world after `ms`. */
async function within(world: World, ms: number, what: string, missing: () => readonly string[]): Promise<void> {
  const deadlineMs = world.nowMs + ms
  for (;;) {
    const reasons = missing()
    if (reasons.length === 0 || world.isOver) return
    if (world.nowMs > deadlineMs) {
      world.fail(`not within ${ms} ms: ${what}. ${reasons.slice(0, 8).join('; ')}`)
      return
    }
    await world.sleep(POLL_MS)
  }
}

/** Why the cluster does not serve; replicas whose data was damaged for good are excused, and so are those that should have been split off them. */
function notReady(world: World): string[] {
  return world.stores.flatMap((store) => {
    if (store.isLost) return []
    if (store.node === undefined) return [`${store.id} is not up`]
    return store.node
      .notReady()
      .filter((reason) => !(store.disk.isDamaged && /is damaged on this store|do not exist yet/.test(reason)))
      .map((reason) => `${store.id}: ${reason}`)
  })
}

/** Where a store's map differs from what the leaders of the shards have applied. */
function outdatedMaps(world: World): string[] {
  return world.changer.shards().flatMap((shard) =>
    world.stores.flatMap(({ id, node }) => {
      const known = node?.store.map.map.shards.find((each) => each.id === shard.id)
      const isCurrent = node === undefined || (known !== undefined && sameShard(known, shard))
      return isCurrent
        ? []
        : [`${id} knows shard ${shard.id} as ${JSON.stringify(known)}, not ${JSON.stringify(shard)}`]
    }),
  )
}

/** One key in every shard. */
function firstKeysOfShards(world: World): string[] {
  const map = world.stores.find(({ node, isLost }) => node !== undefined && !isLost)?.node?.store.map.map
  return (map?.shards ?? []).map((shard) => `${shard.start}+last`)
}

async function lastRead(world: World, gateway: Gateway, key: string): Promise<void> {
  const calledMs = world.nowMs
  const answer = await insist(world, gateway, `read ${key}`, (router) =>
    router.get(key, { timeoutMs: LAST_TIMEOUT_MS, consistency: 'linearizable' }),
  )
  if (answer === undefined) return
  const { found } = answer
  const text = found === undefined ? '' : Buffer.from(found.value).toString('latin1')
  world.recorder.operation({
    client: `last reader at ${gateway.process.name}`,
    key,
    action: { kind: 'get' },
    calledMs,
    returnedMs: world.nowMs,
    outcome: {
      kind: 'read',
      found: found === undefined ? undefined : { value: text.slice(0, text.indexOf('|')), revision: found.revision },
    },
  })
}

async function lastWrite(world: World, gateway: Gateway, key: string): Promise<void> {
  await insist(world, gateway, `write ${key}`, (router) =>
    router.put(key, new Uint8Array(3), { kind: 'none' }, { timeoutMs: LAST_TIMEOUT_MS }),
  )
}

/** Asks until it is answered: everything is well, so it must be answered soon. */
async function insist<T>(
  world: World,
  gateway: Gateway,
  what: string,
  run: (router: Router) => Promise<T>,
): Promise<T | undefined> {
  const deadlineMs = world.nowMs + RECOVERY_MS_MAX
  for (;;) {
    if (world.isOver || isLost(world, gateway)) return undefined
    const result = await attempt(world, gateway, run)
    if (result.ok) return result.answer
    if (world.nowMs > deadlineMs) {
      world.fail(`${gateway.process.name} cannot ${what} although everything is well: ${result.reason}`)
      return undefined
    }
    await world.sleep(POLL_MS)
  }
}

/** A store that came back without its data ends for good as soon as it hears from the cluster that it had some. */
function isLost(world: World, gateway: Gateway): boolean {
  return world.stores.some((store) => store.id === gateway.process.name && store.isLost)
}

type Attempt<T> = { readonly ok: true; readonly answer: T } | { readonly ok: false; readonly reason: string }

function attempt<T>(world: World, gateway: Gateway, run: (router: Router) => Promise<T>): Promise<Attempt<T>> {
  return new Promise((resolve) => {
    if (!gateway.process.isAlive) {
      resolve({ ok: false, reason: 'its process has ended' })
      return
    }
    gateway.process.arrival(0, () => {
      run(gateway.router).then(
        (answer) => resolve({ ok: true, answer }),
        (error: unknown) => {
          if (!(error instanceof FlotillaError)) world.onError(gateway.process, error)
          resolve({ ok: false, reason: String(error) })
        },
      )
    })
  })
}
