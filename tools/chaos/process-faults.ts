/** Faults of processes: ended by force, stopped for a while, restarted in order, restarted in the middle of a snapshot. */
import type { Fault } from './fault.ts'
import { hold, oneStore } from './fault.ts'
import type { Scene } from './scene.ts'
import type { SeededRandom } from './seeded-random.ts'

/** From well below to well above an election time-out, which is half a second to a second. */
const DOWN_MS = [100, 5_000] as const
const PAUSED_MS = [1_200, 6_000] as const
/** Long enough that the others' logs are shortened under the load of the run. */
const SNAPSHOT_DOWN_MS = [4_000, 8_000] as const
const SNAPSHOT_BEGINS_MS = [150, 2_500] as const

function majority(scene: Scene): number {
  return Math.floor(scene.cluster.ids.length / 2) + 1
}

async function killAndStart(scene: Scene, ids: readonly string[], random: SeededRandom): Promise<void> {
  await scene.cluster.kill9(...ids)
  await hold(random, ...DOWN_MS)
}

async function startAll(scene: Scene, ids: readonly string[]): Promise<void> {
  for (const id of ids) scene.cluster.start(id)
  await Promise.all(ids.map((id) => scene.waitServing(id)))
  scene.release(ids)
}

function killFault(name: string, weight: number, count: (scene: Scene) => number): Fault {
  return {
    name,
    weight,
    async run(scene, random, mark) {
      const wanted = count(scene)
      const ids = wanted === 1 ? await oneStore(scene, random) : scene.reserve(wanted, random)
      if (ids.length === 0) return 'not now'
      mark.begins(`kill -9 of ${ids.join(', ')}`)
      await killAndStart(scene, ids, random)
      mark.ends()
      await startAll(scene, ids)
      return 'done'
    },
  }
}

function pauseFault(name: string, weight: number, count: (scene: Scene) => number): Fault {
  return {
    name,
    weight,
    async run(scene, random, mark) {
      const wanted = count(scene)
      const ids = wanted === 1 ? await oneStore(scene, random) : scene.reserve(wanted, random)
      if (ids.length === 0) return 'not now'
      mark.begins(`SIGSTOP of ${ids.join(', ')}`)
      for (const id of ids) scene.cluster.pause(id)
      await hold(random, ...PAUSED_MS)
      for (const id of ids) scene.cluster.continue(id)
      mark.ends()
      await Promise.all(ids.map((id) => scene.waitServing(id)))
      scene.release(ids)
      return 'done'
    },
  }
}

const restart: Fault = {
  name: 'restart',
  weight: 3,
  async run(scene, random, mark) {
    const ids = await oneStore(scene, random)
    const [id] = ids
    if (id === undefined) return 'not now'
    mark.begins(`orderly stop of ${id}`)
    const exit = await scene.cluster.stop(id)
    if (exit.code !== 0) scene.fail(`${id} ended an orderly stop with ${exit.signal ?? `code ${exit.code}`}`)
    await hold(random, ...DOWN_MS)
    mark.ends()
    await scene.start(id)
    scene.release(ids)
    return 'done'
  },
}

const snapshotRestart: Fault = {
  name: 'kill-in-snapshot',
  weight: 2,
  async run(scene, random, mark) {
    const ids = scene.reserve(1, random)
    const [id] = ids
    if (id === undefined) return 'not now'
    mark.begins(`kill -9 of ${id} until it needs snapshots, and again while it gets them`)
    await scene.cluster.kill9(id)
    await Promise.all([hold(random, ...SNAPSHOT_DOWN_MS), scene.writeBulk(random)])
    for (let round = random.between(1, 2); round > 0; round--) {
      scene.cluster.start(id)
      await hold(random, ...SNAPSHOT_BEGINS_MS)
      await scene.cluster.kill9(id)
    }
    mark.ends()
    await scene.start(id)
    const installed = scene.cluster.logged(id, 'snapshot_installed').length
    if (installed > 0) scene.timeline.note(`${id} installed ${installed} snapshots`)
    scene.release(ids)
    return 'done'
  },
}

export const PROCESS_FAULTS: readonly Fault[] = [
  killFault('kill', 5, () => 1),
  killFault('kill-majority', 2, majority),
  killFault('kill-all', 2, (scene) => scene.cluster.ids.length),
  pauseFault('pause', 5, () => 1),
  pauseFault('pause-majority', 2, majority),
  restart,
  snapshotRestart,
]
