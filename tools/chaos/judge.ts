/**
 * What must hold once all faults are undone: every shard serves through every gateway within a bound, every key can be read everywhere, replicas
 * are equal, nobody complained, and one order of operations explains everything that clients saw. Each step writes what fails to the scene.
 */
import { checkHistory, type History } from '../../src/testing/check/index.ts'
import { NoAnswer } from '../cluster/http.ts'
import { poll } from '../cluster/poll.ts'
import { HttpTarget } from './http-target.ts'
import type { ShardBounds } from './keys.ts'
import type { Scene } from './scene.ts'

const LIVE_MS_MAX = 30_000
const EQUAL_MS_MAX = 30_000
const ATTEMPT_MS = 1_000
const READERS_PER_STORE = 4
/** For each key; generous, because an undecided key fails the run. */
const CHECK_MS_MAX = 60_000

/** Puts to each shard through each gateway until they succeed; answers how long the slowest took. */
export async function becomesLive(scene: Scene, bounds: ShardBounds): Promise<number> {
  const startedMs = scene.recorder.nowMs()
  await Promise.all(
    scene.cluster.ids.map(async (id) => {
      await scene.waitServing(id, LIVE_MS_MAX)
      const target = readerAt(scene, id)
      for (const start of bounds.starts) {
        const key = `${start}!live.${id}`
        await poll(`shard ${bounds.shardOf(key)} serves writes through ${id}`, LIVE_MS_MAX, async () => {
          const value = `live.${id}.${scene.recorder.nowMs()}`
          const calledMs = scene.recorder.nowMs()
          const action = { kind: 'put', value, condition: { kind: 'none' } } as const
          const outcome = await target.perform(key, action)
          if (outcome === undefined) return false
          scene.recorder.operation(`live-${id}`, key, action, calledMs, outcome)
          return outcome.kind === 'written'
        })
      }
      await target.close()
    }),
  )
  return scene.recorder.nowMs() - startedMs
}

/** Reads every key through every gateway into the history, so that a lost write shows in it. */
export async function readEverything(scene: Scene, keys: readonly string[]): Promise<void> {
  await Promise.all(
    scene.cluster.ids.flatMap((id) =>
      Array.from({ length: READERS_PER_STORE }, async (_, reader) => {
        const target = readerAt(scene, id)
        for (let position = reader; position < keys.length; position += READERS_PER_STORE) {
          const key = keys[position] ?? ''
          await poll(`${id} reads ${JSON.stringify(key)}`, LIVE_MS_MAX, async () => {
            const calledMs = scene.recorder.nowMs()
            const outcome = await target.perform(key, { kind: 'get' })
            if (outcome?.kind !== 'read') return false
            scene.recorder.operation(`last-${id}-${reader}`, key, { kind: 'get' }, calledMs, outcome)
            return true
          })
        }
        await target.close()
      }),
    ),
  )
}

function readerAt(scene: Scene, id: string): HttpTarget {
  return new HttpTarget({
    address: () => scene.cluster.address(id),
    timeoutMs: ATTEMPT_MS,
    complain: scene.recorder.complain,
  })
}

/** Waits until all replicas of a shard have applied the same, and compares what the stores hold. Only after the load has ended. */
export async function becomesEqual(scene: Scene): Promise<void> {
  const { cluster } = scene
  await poll('all replicas of each shard have applied the same', EQUAL_MS_MAX, async () => {
    for (const { id: shard, replicas } of await cluster.shards()) {
      const indexes = new Map<string, unknown>()
      for (const { store } of replicas) {
        if (scene.damaged?.store === store && scene.damaged.shards.includes(shard)) continue
        const { commitIndex, appliedIndex } = await cluster.replica(store, shard)
        indexes.set(store, `${commitIndex}/${appliedIndex}`)
        if (commitIndex !== appliedIndex) throw new Error(`shard ${shard} at ${store}: ${commitIndex}/${appliedIndex}`)
      }
      if (new Set(indexes.values()).size > 1) throw new Error(`shard ${shard}: ${JSON.stringify([...indexes])}`)
    }
    return true
  })
  const [first = '', ...others] = cluster.ids
  const expected = await contentsOf(scene, first)
  for (const id of others) {
    const contents = await contentsOf(scene, id)
    const different = [...new Set([...expected.keys(), ...contents.keys()])].filter(
      (key) => expected.get(key) !== contents.get(key),
    )
    for (const key of different.slice(0, 5))
      scene.fail(
        `${first} holds ${expected.get(key) ?? 'nothing'} and ${id} ${contents.get(key) ?? 'nothing'} at ${key}`,
      )
  }
  scene.timeline.note(`${cluster.ids.length} stores hold the same ${expected.size} records`)
}

/** Every record as one store has it, by its key. */
async function contentsOf(scene: Scene, id: string): Promise<ReadonlyMap<string, string>> {
  const answer = await scene.cluster.http(id, {
    method: 'GET',
    path: '/kv?consistency=stale',
    headers: { Accept: 'application/x-ndjson' },
    hangMs: LIVE_MS_MAX,
  })
  const contents = new Map<string, string>()
  for (const line of answer.body.toString('utf8').split('\n')) {
    if (line === '') continue
    const item = JSON.parse(line) as Readonly<Record<string, unknown>>
    if (item.error !== undefined) scene.fail(`the stale scan at ${id} ended with ${JSON.stringify(item.error)}`)
    contents.set(String(item.key), `${JSON.stringify(item.value)} at ${String(item.revision)}`)
  }
  return contents
}

/** What stores may log as an error because of what was done to them. */
function expectedComplaints(scene: Scene): readonly RegExp[] {
  const full = [/disk_full/, /store_failed/, /DISK_FULL/, /ENOSPC/, /disk space/, /No space/]
  const damaged = [/corruption_detected/, /does not start/, /the log of a group is damaged/]
  return [
    ...(scene.smallDisk === undefined ? [] : full),
    ...(scene.isDamageDone ? damaged : []),
    // The broker's words when it was killed, or when a proxy broke a connection in the middle of a message.
    /the broker complains/,
    // Stores in namespaces listen where others could reach them, so they want tokens; nobody else is on those networks.
    /gateway\.tokens on line \d+ are sent unencrypted/,
  ]
}

/** Words that no fault excuses, at whatever level. */
const NEVER = /unhandled|uncaught|assertion|out of memory|MaxListenersExceeded/i

export function judgeLogs(scene: Scene): void {
  for (const complaint of scene.cluster.complaints(expectedComplaints(scene)).slice(0, 10)) scene.fail(complaint)
  for (const child of scene.cluster.past) {
    for (const line of child.lines) if (NEVER.test(line)) scene.fail(`${child.name}: ${line}`)
  }
  for (const complaint of scene.recorder.complaints.slice(0, 10)) scene.fail(`answer against the contract ${complaint}`)
}

/** Judges what clients saw; answers a line per checker. */
export function judgeHistory(scene: Scene): readonly string[] {
  const { operations, staleReads, pages } = scene.recorder
  const startedMs = performance.now()
  const isOver = (): boolean => performance.now() - startedMs > CHECK_MS_MAX
  const judge = (what: string, history: History): string => {
    const verdict = checkHistory(history, { isOver })
    if (!verdict.ok) scene.fail(`${what}: ${verdict.kind}: ${verdict.reason}`)
    return `${what}: ${verdict.ok ? 'passed' : verdict.kind}`
  }
  const verdicts = [
    judge(`one order explains ${operations.length} operations`, { operations, staleReads: [], pages: [] }),
    judge(`and ${pages.length} pages of scans`, { operations, staleReads: [], pages }),
    judge(`and ${staleReads.length} stale reads are no older than they say`, { operations, staleReads, pages: [] }),
  ]
  return [...verdicts, `judged in ${Math.round(performance.now() - startedMs)} ms`]
}

/** Every store ends in order when asked to. */
export async function stopsInOrder(scene: Scene): Promise<void> {
  await Promise.all(
    scene.cluster.ids.map(async (id) => {
      const { code, signal } = await scene.cluster.stop(id)
      if (code !== 0) scene.fail(`${id} ended its last stop with ${signal ?? `code ${code}`}`)
    }),
  )
}

/** Ready is what serves: after healing, each store says so, or names nothing but its damage, which lasts until the replica has been made anew. */
export async function readinessIsTrue(scene: Scene): Promise<void> {
  for (const id of scene.cluster.ids) {
    try {
      const reasons = await scene.reasonsOf(id)
      const unexplained = reasons.filter((reason) => !scene.isKnownDamage(id, reason))
      if (unexplained.length > 0) scene.fail(`${id} serves and says that it is not ready: ${unexplained.join('; ')}`)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      scene.fail(`${id} does not answer /readyz: ${error.message}`)
    }
  }
}
