/**
 * Clients that use the cluster without a pause while faults happen: each one operation at a time, over keys of which a fresh set is taken up now
 * and then, so that no key's history grows beyond what the checker can search. Every put writes a value of its own.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Action } from '../../src/testing/check/index.ts'
import type { Recorder } from './recorder.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { BatchStep, Target } from './target.ts'

const THINK_MS_MAX = 40
const REFUSED_PAUSE_MS = 30
/** Each shard has this many keys in use at a time. */
const KEYS_PER_SHARD = 6
const FRESH_KEYS_AFTER_MS = 15_000
const BATCH_STEPS_MAX = 5
const PAGE_ITEMS_MAX = 10

export class KeySpace {
  readonly #starts: readonly string[]
  readonly #recorder: Recorder
  readonly used = new Set<string>()

  /** `starts`: where the shards begin. */
  constructor(starts: readonly string[], recorder: Recorder) {
    this.#starts = starts
    this.#recorder = recorder
  }

  /** The beginning of all keys of a shard that are in use now. */
  prefix(random: SeededRandom): string {
    const round = Math.floor(this.#recorder.nowMs() / FRESH_KEYS_AFTER_MS)
    return `${random.pick(this.#starts) ?? ''}!${round}.`
  }

  key(prefix: string, random: SeededRandom): string {
    const key = `${prefix}${random.below(KEYS_PER_SHARD)}`
    this.used.add(key)
    return key
  }
}

export class LoadClient {
  readonly #name: string
  readonly #target: Target
  readonly #keys: KeySpace
  readonly #random: SeededRandom
  readonly #recorder: Recorder
  /** The last revision this client saw of a key. */
  readonly #seen = new Map<string, number>()
  #sequence = 0
  #isStopped = false
  #running: Promise<void> = Promise.resolve()

  constructor(name: string, target: Target, keys: KeySpace, random: SeededRandom, recorder: Recorder) {
    this.#name = name
    this.#target = target
    this.#keys = keys
    this.#random = random
    this.#recorder = recorder
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Resolves when the last answer is there. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
    await this.#target.close()
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const isServed = await this.#step()
      await delay(isServed ? this.#random.below(THINK_MS_MAX) : REFUSED_PAUSE_MS)
    }
  }

  /** One operation; whether anybody served it. */
  async #step(): Promise<boolean> {
    const random = this.#random
    const prefix = this.#keys.prefix(random)
    const roll = random.below(100)
    if (roll < 4 && this.#target.asksForPages) return await this.#scan(prefix)
    if (roll < 9 && this.#target.asksForPages) return await this.#staleGet(this.#keys.key(prefix, random))
    if (roll < 18) return await this.#batch(prefix)
    const key = this.#keys.key(prefix, random)
    const action = this.#choose(key)
    const calledMs = this.#recorder.nowMs()
    const outcome = await this.#target.perform(key, action)
    if (outcome === undefined) return false
    this.#recorder.operation(this.#name, key, action, calledMs, outcome)
    if (outcome.kind === 'written') this.#seen.set(key, outcome.revision)
    if (outcome.kind === 'read' && outcome.found !== undefined) this.#seen.set(key, outcome.found.revision)
    return outcome.kind !== 'none' && outcome.kind !== 'unknown'
  }

  #choose(key: string): Action {
    const roll = this.#random.below(100)
    if (roll < 40) return { kind: 'get' }
    const revision = this.#seen.get(key)
    if (roll < 48) return { kind: 'delete', condition: { kind: 'none' } }
    if (roll < 52 && revision !== undefined) return { kind: 'delete', condition: { kind: 'revision', revision } }
    if (roll < 58) return { kind: 'put', value: this.#value(), condition: { kind: 'absent' } }
    if (roll < 72 && revision !== undefined)
      return { kind: 'put', value: this.#value(), condition: { kind: 'revision', revision } }
    return { kind: 'put', value: this.#value(), condition: { kind: 'none' } }
  }

  async #batch(prefix: string): Promise<boolean> {
    const random = this.#random
    const atomic = random.chance(40)
    const steps: BatchStep[] = []
    for (let count = random.between(1, BATCH_STEPS_MAX); count > 0; count--) {
      // An atomic batch stays in one shard; others go where they like.
      const key = this.#keys.key(atomic ? prefix : this.#keys.prefix(random), random)
      const roll = random.below(10)
      if (roll < 3) steps.push({ key, action: { kind: 'get' } })
      else if (roll < 5) steps.push({ key, action: { kind: 'delete', condition: { kind: 'none' } } })
      else steps.push({ key, action: { kind: 'put', value: this.#value(), condition: { kind: 'none' } } })
    }
    const calledMs = this.#recorder.nowMs()
    const id = this.#value()
    const outcomes = await this.#target.batch(steps, atomic)
    if (outcomes === undefined) return false
    for (const [position, { key, action }] of steps.entries()) {
      const outcome = outcomes[position] ?? { kind: 'unknown' }
      this.#recorder.operation(this.#name, key, action, calledMs, outcome, { id, position, atomic })
    }
    return outcomes.every(({ kind }) => kind !== 'none' && kind !== 'unknown')
  }

  async #scan(prefix: string): Promise<boolean> {
    const random = this.#random
    const end = `${prefix.slice(0, -1)}/`
    const itemsMax = random.between(1, PAGE_ITEMS_MAX)
    const reverse = random.chance(30)
    const calledMs = this.#recorder.nowMs()
    const page = await this.#target.scan(prefix, end, itemsMax, reverse)
    this.#recorder.count('scan', page === undefined ? 'no page' : 'page')
    if (page === undefined) return false
    const last = page.items.at(-1)?.key
    // Cursors are opaque. After its last item nothing more is claimed of a page that is not the last.
    const next = page.isLast ? undefined : reverse ? last : `${last}\0`
    if (!page.isLast && last === undefined) return true
    this.#recorder.pages.push({
      client: this.#name,
      start: prefix,
      end,
      reverse,
      itemsMax,
      calledMs,
      returnedMs: this.#recorder.nowMs(),
      items: page.items,
      next,
      stalenessMs: page.stalenessMs,
    })
    return true
  }

  async #staleGet(key: string): Promise<boolean> {
    const calledMs = this.#recorder.nowMs()
    const answer = await this.#target.staleGet(key)
    this.#recorder.count('stale get', answer === undefined ? 'no answer' : 'read')
    if (answer === undefined) return false
    this.#recorder.staleReads.push({
      client: this.#name,
      key,
      calledMs,
      returnedMs: this.#recorder.nowMs(),
      ...answer,
    })
    return true
  }

  /** A value that nobody else writes. */
  #value(): string {
    return `${this.#name}.${++this.#sequence}`
  }
}
