/** Faults of disks: full, and damaged. Damage stays, so it is done to one store of a run at most: the cluster promises to survive no more. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { poll } from '../cluster/poll.ts'
import type { Fault } from './fault.ts'
import { hold } from './fault.ts'
import type { Scene } from './scene.ts'
import type { SeededRandom } from './seeded-random.ts'
import { NO_SMALL_DISK } from './small-disk.ts'

const FULL_MS_MAX = 20_000
const LEFT_BYTES_MAX = 512 * 1024
/** Batch headers, footers and records begin after this many bytes of a segment. */
const SEGMENT_HEADER_BYTES = 64
/** The end of the youngest segment is left alone: there, damage and a torn write look the same. */
const TAIL_BYTES = 8_192

const full: Fault = {
  name: 'disk-full',
  weight: 2,
  impossible: (scene) => (scene.smallDisk === undefined ? NO_SMALL_DISK : undefined),
  async run(scene, random, mark) {
    const { smallDisk, storeOnSmallDisk } = scene
    const ids = scene.reserve(1, random, (id) => id === storeOnSmallDisk)
    const [id] = ids
    if (id === undefined || smallDisk === undefined) return 'not now'
    mark.begins(`the disk of ${id} is full`)
    smallDisk.fill(random.below(LEFT_BYTES_MAX))
    const untilMs = scene.recorder.nowMs() + FULL_MS_MAX
    while (scene.cluster.running.includes(id) && scene.recorder.nowMs() < untilMs) {
      await scene.writeBulk(random)
      await delay(50)
    }
    if (scene.cluster.running.includes(id)) {
      scene.timeline.note(`${id} needed no more room within ${FULL_MS_MAX} ms`)
      smallDisk.free()
      mark.ends()
    } else {
      const { code, signal } = await scene.cluster.process(id).exited
      const lastWords = scene.cluster.process(id).lines.slice(-12).join('\n')
      if (code !== 1 || !/full|space/i.test(lastWords))
        scene.fail(`${id} ended on a full disk with ${signal ?? `code ${code}`} and without naming it`)
      await hold(random, 0, 2_000)
      smallDisk.free()
      mark.ends()
      scene.cluster.start(id)
    }
    await scene.waitServing(id)
    scene.release(ids)
    return 'done'
  },
}

const damage: Fault = {
  name: 'damage',
  weight: 1,
  async run(scene, random, mark) {
    if (scene.isDamageDone) return 'not now'
    const ids = scene.reserve(1, random)
    const [id] = ids
    if (id === undefined) return 'not now'
    scene.isDamageDone = true
    mark.begins(`kill -9 of ${id} and a flipped bit in its log`)
    await scene.cluster.kill9(id)
    const where = flipBit(scene, id, random)
    scene.timeline.note(where)
    mark.ends()
    scene.cluster.start(id)
    await learnDamage(scene, id)
    scene.release(ids)
    return 'done'
  },
}

/** Flips one bit of a segment; answers where. */
function flipBit(scene: Scene, id: string, random: SeededRandom): string {
  const root = scene.cluster.directory(id)
  const segments = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.segment'))
    .sort()
    .map((name) => ({ name, bytes: readFileSync(path.join(root, name)) }))
    .map(({ name, bytes }, position, all) => {
      const usedBytes = bytes.findLastIndex((byte) => byte !== 0) + 1
      return { name, bytes, endsAt: position === all.length - 1 ? usedBytes - TAIL_BYTES : usedBytes }
    })
    .filter(({ endsAt }) => endsAt > SEGMENT_HEADER_BYTES)
  const segment = random.pick(segments)
  if (segment === undefined) return `${id} has no log yet that could be damaged`
  const { name, bytes, endsAt } = segment
  const at = random.between(SEGMENT_HEADER_BYTES, endsAt - 1)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
  writeFileSync(path.join(root, name), bytes)
  return `flipped a bit at byte ${at} of ${name} of ${id} (${endsAt} bytes in use)`
}

/**
 * The store comes back and names the replicas that it lost, or none where the bit was in something that is not needed any more. Which it is cannot be
 * known from outside; that nothing acknowledged is lost and that its data equals the others' is checked at the end.
 */
async function learnDamage(scene: Scene, id: string): Promise<void> {
  await poll(`${id} answers after the damage`, 60_000, async () => {
    const reasons = await scene.reasonsOf(id)
    const shards = reasons.flatMap((reason) => {
      const named = /^shard (\d+) is damaged on this store/.exec(reason)
      return named === null ? [] : [Number(named[1])]
    })
    scene.damaged = { store: id, shards }
    return true
  })
  const shards = scene.damaged?.shards ?? []
  const told = scene.cluster.logged(id, 'corruption_detected').length
  if (shards.length !== told) scene.fail(`${id} names ${shards.length} damaged shards and logged ${told}`)
  if (shards.length > 1) scene.fail(`one flipped bit damaged the shards ${shards.join(', ')} of ${id}`)
  scene.timeline.note(
    shards.length === 0 ? `${id} lost nothing` : `${id} stopped its replica of shard ${shards.join()}`,
  )
  await scene.waitServing(id)
}

export const DISK_FAULTS: readonly Fault[] = [full, damage]
