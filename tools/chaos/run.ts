/**
 * One run of chaos: a fresh cluster, load, faults until the time is over, healing, judgement, report. The command line and the short form among the
 * tests both call it. It cleans up whatever happens; what was recorded stays in its folder.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connect } from '../../src/server/index.ts'
import { unavailability } from './availability.ts'
import type { Fault } from './fault.ts'
import { HttpTarget } from './http-target.ts'
import {
  becomesEqual,
  becomesLive,
  judgeHistory,
  judgeLogs,
  readEverything,
  readinessIsTrue,
  stopsInOrder,
} from './judge.ts'
import { ShardBounds } from './keys.ts'
import { KeySpace, LoadClient } from './load.ts'
import { NativeTarget } from './native-target.ts'
import { type Happened, Nemesis } from './nemesis.ts'
import { Recorder } from './recorder.ts'
import { type Report, reportText } from './report.ts'
import { Scene } from './scene.ts'
import { SeededRandom } from './seeded-random.ts'
import { Watch } from './watch.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly seconds: number
  readonly stores: number
  readonly shards: number
  readonly clients: number
  readonly broker: 'nats-server' | 'embedded'
  readonly faults: readonly Fault[]
  /** How a person repeats this run. */
  readonly command: string
  readonly print: (line: string) => void
}

const REQUEST_TIMEOUT_MS = 3_000
/** Of so many clients one uses the native client, and shares its connection with the others of its kind. */
const NATIVE_OF = 3

/** Prints the report. Resolves with what failed; empty when the cluster kept its promises. */
export async function runChaos(options: ChaosOptions): Promise<readonly string[]> {
  const { seed, print } = options
  const folder = mkdtempSync(path.join(tmpdir(), `flotilla-chaos-${seed}-`))
  const recorder = new Recorder()
  print(`chaos: seed ${seed}; history and logs go to ${folder}`)
  const scene = await Scene.open({ ...options, recorder })
  const clients: LoadClient[] = []
  const results = { verdicts: [] as readonly string[], liveAfterHealingMs: undefined as number | undefined }
  let happened: readonly Happened[] = []
  let bounds: ShardBounds | undefined
  let watch: Watch | undefined
  const possible = options.faults.filter((fault) => fault.impossible?.(scene) === undefined)
  try {
    await scene.cluster.startAll()
    await scene.cluster.leaders()
    watch = new Watch(scene)
    const shards = await scene.cluster.dataShards()
    bounds = new ShardBounds(shards)
    scene.starts = shards.map(({ start = '' }) => start)
    const keys = new KeySpace(bounds.starts, recorder)
    const random = new SeededRandom(seed)
    clients.push(...(await openClients(scene, keys, options.clients, random)))
    for (const client of clients) client.start()
    scene.timeline.note(`${options.stores} stores and ${clients.length} clients run`)
    const nemesis = new Nemesis(scene, possible, random.fork(), recorder.nowMs() + options.seconds * 1_000)
    happened = nemesis.happened
    await nemesis.run()
    await scene.heal()
    scene.timeline.note('healed')
    results.liveAfterHealingMs = await becomesLive(scene, bounds)
    await Promise.all(clients.splice(0).map((client) => client.stop()))
    await readinessIsTrue(scene)
    await readEverything(scene, [...keys.used])
    await becomesEqual(scene)
    watch.stop()
    await stopsInOrder(scene)
  } catch (error) {
    // A step of the judgement that did not come about is a finding like any other; what was recorded so far is still judged.
    scene.fail(error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    watch?.stop()
    const stopping = clients.map((client) => client.stop())
    await scene.close()
    await Promise.all(stopping)
  }
  results.verdicts = judgeHistory(scene)
  judgeLogs(scene)
  const report: Report = {
    ...options,
    ...results,
    seconds: recorder.nowMs() / 1_000,
    folder,
    faults: countBy(happened.map(({ fault }) => fault)),
    skipped: skippedOf(options.faults, scene),
    operations: Object.fromEntries([...recorder.counts].map(([kind, counts]) => [kind, Object.fromEntries(counts)])),
    unavailability: bounds === undefined ? [] : unavailability(recorder.operations, happened, bounds),
    lostMessages: scene.lostMessages,
    residentMibMax: Object.fromEntries(watch?.residentMibMax ?? []),
    failures: scene.failures,
  }
  keep(folder, scene, report)
  print(reportText(report, scene.timeline.entries))
  return scene.failures
}

async function openClients(
  scene: Scene,
  keys: KeySpace,
  count: number,
  random: SeededRandom,
): Promise<readonly LoadClient[]> {
  const { recorder, cluster } = scene
  const clients: LoadClient[] = []
  for (let number = 0; number < count; number++) {
    const choice = random.fork()
    const address = (): string | undefined => {
      const id = choice.pick(cluster.running)
      return id === undefined ? undefined : cluster.address(id)
    }
    const target =
      number % NATIVE_OF === NATIVE_OF - 1
        ? new NativeTarget(await connect(cluster.broker.url), REQUEST_TIMEOUT_MS, recorder.complain)
        : new HttpTarget({ address, timeoutMs: REQUEST_TIMEOUT_MS, complain: recorder.complain })
    clients.push(new LoadClient(`c${number}`, target, keys, random.fork(), recorder))
  }
  return clients
}

function skippedOf(faults: readonly Fault[], scene: Scene): Record<string, string> {
  return Object.fromEntries(
    faults.flatMap((fault) => {
      const reason = fault.impossible?.(scene)
      return reason === undefined ? [] : [[fault.name, reason]]
    }),
  )
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

function keep(folder: string, scene: Scene, report: Report): void {
  scene.recorder.save(folder)
  writeFileSync(path.join(folder, 'timeline.txt'), scene.timeline.text())
  writeFileSync(path.join(folder, 'report.json'), JSON.stringify(report, undefined, 2))
  const logs = path.join(folder, 'logs')
  mkdirSync(logs)
  for (const child of scene.cluster.past) {
    writeFileSync(path.join(logs, `${child.name}-${child.pid ?? 'none'}.log`), `${child.lines.join('\n')}\n`)
  }
}
