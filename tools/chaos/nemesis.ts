/**
 * Chooses faults at random from the seed and lets them happen, two at a time at most, until its time is over. It never leaves a fault in the
 * middle: it ends when the last one is undone. Its choices repeat with the seed; when they happen, and what the cluster does then, does not.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Fault, Mark } from './fault.ts'
import type { Scene } from './scene.ts'
import type { SeededRandom } from './seeded-random.ts'

/** How long each lane rests between two faults at most. The second one rests longer, so that not all time is spent without a quorum. */
const CALM_MS_MAX = [2_000, 15_000] as const
const NOT_NOW_PAUSE_MS = 100

export interface Happened {
  readonly fault: string
  readonly what: string
  readonly beganMs: number
  /** When it was undone; undefined when the run failed before. */
  endedMs: number | undefined
  /** When the stores it hit served again. */
  recoveredMs: number | undefined
}

export class Nemesis {
  readonly happened: Happened[] = []
  readonly #scene: Scene
  readonly #faults: readonly Fault[]
  readonly #random: SeededRandom
  readonly #untilMs: number
  #hasFailed = false

  /** `untilMs`: on the recorder's clock; no fault begins later. */
  constructor(scene: Scene, faults: readonly Fault[], random: SeededRandom, untilMs: number) {
    this.#scene = scene
    this.#faults = faults
    this.#random = random
    this.#untilMs = untilMs
  }

  async run(): Promise<void> {
    await Promise.all(CALM_MS_MAX.map((calmMsMax) => this.#lane(this.#random.fork(), calmMsMax)))
  }

  async #lane(random: SeededRandom, calmMsMax: number): Promise<void> {
    await delay(random.below(calmMsMax))
    while (!this.#hasFailed && this.#scene.recorder.nowMs() < this.#untilMs) {
      const fault = this.#choose(random)
      if (fault === undefined) return
      const result = await this.#happen(fault, random)
      await delay(result === 'done' ? random.below(calmMsMax) : NOT_NOW_PAUSE_MS)
    }
  }

  #choose(random: SeededRandom): Fault | undefined {
    const total = this.#faults.reduce((sum, { weight }) => sum + weight, 0)
    let roll = random.below(Math.max(1, total))
    for (const fault of this.#faults) {
      roll -= fault.weight
      if (roll < 0) return fault
    }
    return undefined
  }

  async #happen(fault: Fault, random: SeededRandom): Promise<'done' | 'not now'> {
    let happened: Happened | undefined
    const { timeline, recorder } = this.#scene
    const mark: Mark = {
      begins: (what) => {
        timeline.note(`${fault.name}: ${what}`)
        happened = { fault: fault.name, what, beganMs: recorder.nowMs(), endedMs: undefined, recoveredMs: undefined }
        this.happened.push(happened)
      },
      ends: () => {
        if (happened === undefined) return
        happened.endedMs = recorder.nowMs()
        timeline.note(`${fault.name}: over (${happened.what})`)
      },
    }
    try {
      const result = await fault.run(this.#scene, random, mark)
      if (result === 'done' && happened !== undefined) (happened as Happened).recoveredMs = recorder.nowMs()
      return result
    } catch (error) {
      // Whatever a fault expected of the cluster and did not get is a finding; the run ends with it.
      this.#hasFailed = true
      this.#scene.fail(`${fault.name}: ${error instanceof Error ? error.message : String(error)}`)
      return 'done'
    }
  }
}
