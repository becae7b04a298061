import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type LogStore, MemoryFiles } from '../../../src/storage/index.ts'
import {
  describeEntry,
  entriesOf,
  hardState,
  type LogPicture,
  ManualClock,
  openLog,
  pictures,
  seededRandom,
} from './support.ts'

/**
 * The segment log against a model of a few lines, under random work, crashes, torn writes and restarts. After a crash the log
 * must be what it was at the last sync that reported, or at the one that was running: nothing in between.
 */
interface ModelLog {
  replica: number
  start: number
  startTerm: number
  hardState: { term: number; votedFor: number; commitIndex: number }
  entries: { text: string; bytes: number; term: number }[]
}

type Model = Map<number, ModelLog>

function modelPictures(model: Model): Record<string, LogPicture> {
  const all: Record<string, LogPicture> = {}
  for (const [group, log] of [...model].sort((a, b) => a[0] - b[0])) {
    all[group] = {
      replica: log.replica,
      first: log.start + 1,
      last: log.start + log.entries.length,
      startTerm: log.startTerm,
      bytes: log.entries.reduce((bytes, entry) => bytes + entry.bytes, 0),
      hardState: log.hardState,
      entries: log.entries.map((entry) => entry.text),
    }
  }
  return all
}

type Step =
  | {
      readonly do: 'append'
      readonly group: number
      readonly back: number
      readonly count: number
      readonly bytes: number
    }
  | { readonly do: 'vote' | 'compact' | 'reset' | 'destroy'; readonly group: number; readonly share: number }
  | { readonly do: 'start-sync' | 'finish-sync' | 'collect' | 'crash' | 'close' }

const group = fc.integer({ min: 1, max: 4 })
const share = fc.integer({ min: 0, max: 100 })
const appendStep: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('append' as const),
  group,
  back: fc.integer({ min: -8, max: 6 }),
  count: fc.integer({ min: 1, max: 6 }),
  bytes: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 3000 })),
})
const groupStep: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('vote' as const, 'compact' as const, 'reset' as const, 'destroy' as const),
  group,
  share,
})
const storeStep: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom(
    'start-sync' as const,
    'finish-sync' as const,
    'collect' as const,
    'crash' as const,
    'close' as const,
  ),
})
const syncSteps: fc.Arbitrary<Step> = fc.record({ do: fc.constantFrom('start-sync' as const, 'finish-sync' as const) })
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: appendStep },
    { weight: 3, arbitrary: groupStep },
    { weight: 5, arbitrary: syncSteps },
    { weight: 2, arbitrary: storeStep },
  ),
  { minLength: 10, maxLength: 120, size: 'max' },
)

class Harness {
  readonly #clock = new ManualClock()
  readonly #files: MemoryFiles
  readonly #cacheBytes: number
  #log: LogStore
  #model: Model = new Map()
  /** What the last reported sync promised, and what the running one may have made durable. */
  #durable = '{}'
  #writing: string | undefined
  #term = 1
  #replicas = 0

  constructor(seed: number, cacheBytes: number) {
    this.#files = new MemoryFiles({ random: seededRandom(seed), clock: this.#clock })
    this.#cacheBytes = cacheBytes
    this.#log = this.#open()
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'append':
        this.#append(step)
        break
      case 'vote':
        this.#vote(step.group)
        break
      case 'compact':
        this.#compact(step.group, step.share)
        break
      case 'reset':
        this.#reset(step.group, step.share)
        break
      case 'destroy':
        if (step.share < 30 && this.#model.delete(step.group)) this.#log.destroy(step.group)
        break
      case 'start-sync':
        this.#startSync()
        break
      case 'finish-sync':
        await this.#finishSync()
        break
      case 'collect':
        this.#log.collectGarbage()
        break
      case 'crash':
        this.#crash()
        break
      case 'close':
        await this.#close()
        break
    }
    assert.deepEqual(pictures(this.#log), modelPictures(this.#model))
  }

  async finish(): Promise<void> {
    this.#startSync()
    await this.#finishSync()
    this.#crash()
    assert.deepEqual(pictures(this.#log), modelPictures(this.#model))
  }

  #open(): LogStore {
    return openLog(this.#files, 4096, this.#cacheBytes)
  }

  #modelLog(group: number): ModelLog {
    let log = this.#model.get(group)
    if (log === undefined) {
      const replica = ++this.#replicas
      log = { replica, start: group, startTerm: 1, hardState: hardState(0, 0, 0), entries: [] }
      this.#model.set(group, log)
      this.#log.create(group, replica, { index: group, term: 1 })
    }
    return log
  }

  #append(step: Step & { do: 'append' }): void {
    const log = this.#modelLog(step.group)
    const kept = Math.max(0, log.entries.length - Math.max(0, step.back))
    const from = log.start + kept + 1
    if (step.back > 0) this.#term++
    const entries = entriesOf(from, from + step.count - 1, this.#term, step.bytes)
    const state = step.count % 2 === 0 ? hardState(this.#term, log.replica, from - 1) : undefined
    this.#log.groups().get(step.group)?.append(entries, state)
    log.entries.length = kept
    for (const entry of entries)
      log.entries.push({ text: describeEntry(entry), bytes: entry.data.length, term: entry.term })
    if (state !== undefined) log.hardState = state
  }

  #vote(group: number): void {
    const log = this.#modelLog(group)
    log.hardState = hardState(++this.#term, log.replica + 1, log.start)
    this.#log.groups().get(group)?.append([], log.hardState)
  }

  #compact(group: number, share: number): void {
    const log = this.#model.get(group)
    if (log === undefined || log.entries.length === 0) return
    const count = Math.max(1, Math.floor((log.entries.length * share) / 100))
    const cut = log.entries.splice(0, count)
    log.start += count
    log.startTerm = cut.at(-1)?.term ?? 0
    this.#log.groups().get(group)?.compact(log.start)
  }

  #reset(group: number, share: number): void {
    const log = this.#model.get(group)
    if (log === undefined) return
    log.start += share
    log.startTerm = this.#term
    log.entries = []
    this.#log.groups().get(group)?.reset(log.start, log.startTerm)
  }

  #startSync(): void {
    if (this.#writing !== undefined) return
    this.#writing = JSON.stringify(modelPictures(this.#model))
    this.#log.sync((error) => {
      assert.equal(error, undefined)
      this.#durable = this.#writing ?? this.#durable
      this.#writing = undefined
    })
  }

  async #finishSync(): Promise<void> {
    this.#clock.run()
    await Promise.resolve()
  }

  #crash(): void {
    this.#files.crash()
    this.#log = this.#open()
    assert.deepEqual(this.#log.damaged(), [])
    const found = pictures(this.#log)
    const text = JSON.stringify(found)
    assert(
      text === this.#durable || text === this.#writing,
      `after a crash: ${text}\npromised: ${this.#durable}\nrunning: ${this.#writing}`,
    )
    this.#adopt(text, found)
  }

  async #close(): Promise<void> {
    const closed = this.#log.close()
    let done = false
    void closed.then(() => {
      done = true
    })
    while (!done) await this.#finishSync()
    this.#log = this.#open()
    assert.deepEqual(this.#log.damaged(), [])
    const found = pictures(this.#log)
    assert.deepEqual(found, modelPictures(this.#model))
    this.#adopt(JSON.stringify(found), found)
  }

  /** The model becomes what the log now holds, and that is durable. */
  #adopt(text: string, found: Record<string, LogPicture>): void {
    this.#durable = text
    this.#writing = undefined
    this.#model = new Map()
    for (const [group, log] of Object.entries(found)) {
      const stored = this.#log.groups().get(Number(group))
      assert(stored !== undefined)
      this.#model.set(Number(group), {
        replica: log.replica,
        start: log.first - 1,
        startTerm: Number(log.startTerm),
        hardState: log.hardState,
        entries: log.entries.map((text, i) => {
          const one = stored.entries(log.first + i, log.first + i + 1, 0)
          assert(typeof one !== 'string')
          return { text, bytes: one[0]?.data.length ?? 0, term: one[0]?.term ?? 0 }
        }),
      })
    }
  }
}

test('random work, crashes and restarts agree with the model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.constantFrom(0, 2000, 1_000_000), steps, async (seed, cacheBytes, work) => {
      const harness = new Harness(seed, cacheBytes)
      for (const step of work) await harness.run(step)
      await harness.finish()
    }),
    { numRuns: 300, includeErrorInReport: true },
  )
})
