/**
 * Random histories against a plain sorted map: every read must agree at every moment, whatever is in the overlay, being flushed, or in the engine; and after a
 * crash the store must be where the model was at the last flush.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type DataStore, MemoryDisk, openDataStore, type ScanOptions } from '../../../src/storage/index.ts'
import { OverlayKeys } from '../../../src/storage/overlay-keys.ts'
import { testClock } from './clock.ts'
import { bytes, text } from './support.ts'

const key = fc.string({ unit: fc.constantFrom('a', 'b', '\x00', '\xff'), maxLength: 3 })
const end = fc.option(key, { nil: undefined })

type Step =
  | { readonly kind: 'put'; readonly key: string; readonly size: number }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'state' }
  | { readonly kind: 'flush' }
  | { readonly kind: 'commit' }
  | { readonly kind: 'scan'; readonly options: ScanOptions }
  | { readonly kind: 'get'; readonly keys: readonly string[] }
  | { readonly kind: 'destroy'; readonly start: string; readonly end: string | undefined }
  | { readonly kind: 'crash' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('put'), key, size: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete'), key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('state') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('flush') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('commit') }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('scan'),
      options: fc.record({
        start: key,
        end,
        reverse: fc.boolean(),
        itemsMax: fc.integer({ min: 1, max: 6 }),
        bytesMax: fc.integer({ min: 1, max: 60 }),
        keysOnly: fc.boolean(),
      }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('get'), keys: fc.array(key, { maxLength: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('destroy'), start: key, end }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash') }) },
)

const GROUP = 7

function modelScan(model: ReadonlyMap<string, string>, options: ScanOptions): { items: string[]; more: boolean } {
  const keys = [...model.keys()]
    .filter((k) => k >= options.start && (options.end === undefined || k < options.end))
    .sort()
  if (options.reverse) keys.reverse()
  const items: string[] = []
  let size = 0
  for (const k of keys) {
    const value = options.keysOnly ? '' : (model.get(k) ?? '')
    size += k.length + value.length
    if (items.length >= options.itemsMax || (items.length > 0 && size > options.bytesMax)) return { items, more: true }
    items.push(`${k}=${value}`)
  }
  return { items, more: false }
}

/** The system under test with its model, and a disk whose commits the history releases one by one. */
class Pair {
  readonly model = new Map<string, string>()
  /** What a state record has covered; the flush under way will make it durable. */
  covered = new Map<string, string>()
  coveredState = ''
  freezing: { readonly data: ReadonlyMap<string, string>; readonly state: string } | undefined
  durable: { readonly data: ReadonlyMap<string, string>; readonly state: string } = { data: new Map(), state: '' }
  readonly pending: (() => void)[] = []
  holding = false
  readonly disk = new MemoryDisk({ schedule: (commit) => (this.holding ? this.pending.push(commit) : commit()) })
  #store: DataStore | undefined
  #writes = 0

  get store(): DataStore {
    assert.ok(this.#store !== undefined)
    return this.#store
  }

  async open(): Promise<void> {
    this.holding = false
    const engine = { kind: 'memory', disk: this.disk } as const
    const onFatal = (error: Error): never => {
      throw error
    }
    this.#store = await openDataStore({ engine, overlayBytes: 1 << 20, clock: testClock, onFatal })
    this.holding = true
  }

  async apply(step: Step): Promise<void> {
    switch (step.kind) {
      case 'put': {
        const value = `${this.#writes++}${'x'.repeat(step.size)}`
        this.store.put(GROUP, step.key, bytes(value))
        this.model.set(step.key, value)
        return
      }
      case 'delete':
        this.store.delete(GROUP, step.key)
        this.model.delete(step.key)
        return
      case 'state':
        this.coveredState = String(this.#writes++)
        this.store.setState(GROUP, bytes(this.coveredState))
        this.covered = new Map(this.model)
        return
      case 'flush':
        // A second one would queue behind the first; the model follows one at a time.
        if (this.freezing !== undefined || this.coveredState === this.durable.state) return
        this.freezing = { data: this.covered, state: this.coveredState }
        this.store.flush().catch(() => {})
        return
      case 'commit':
        await this.commit()
        return
      case 'scan': {
        const scanning = this.store.scan(step.options)
        const expected = modelScan(this.model, step.options)
        // Whatever happens after the call must not show.
        this.store.put(GROUP, step.options.start, bytes('later'))
        this.model.set(step.options.start, 'later')
        const page = await scanning
        const items = page.items.map((item) => `${item.key}=${text(item.value)}`)
        assert.deepEqual({ items, more: page.more }, expected)
        return
      }
      case 'get': {
        const values = await this.store.getMany(step.keys)
        assert.deepEqual(
          values.map(text),
          step.keys.map((k) => this.model.get(k)),
        )
        for (const k of step.keys) {
          const known = this.store.peek(k)
          if (known !== undefined) assert.equal(text(known), this.model.get(k))
        }
        return
      }
      case 'destroy':
        await this.destroy(step.start, step.end)
        return
      case 'crash':
        await this.crash()
    }
  }

  async commit(): Promise<void> {
    if (this.freezing === undefined) return
    while (this.pending.length === 0) await new Promise(setImmediate)
    this.pending.shift()?.()
    this.durable = this.freezing
    this.freezing = undefined
    await new Promise(setImmediate)
    assert.equal(text(this.store.durableState(GROUP)), this.durable.state)
  }

  async destroy(start: string, end: string | undefined): Promise<void> {
    await this.commit()
    this.holding = false
    await this.store.destroyGroup(GROUP, { start, end })
    this.holding = true
    // What the group wrote outside the range and nothing covered goes back to what was covered.
    const inside = (k: string): boolean => k >= start && (end === undefined || k < end)
    const left = [...this.covered].filter(([k]) => !inside(k))
    this.model.clear()
    for (const [k, value] of left) this.model.set(k, value)
    this.covered = new Map(this.model)
    this.coveredState = ''
    this.durable = { data: new Map([...this.durable.data].filter(([k]) => !inside(k))), state: '' }
    assert.equal(this.store.state(GROUP), undefined)
    // The rest of the overlay was covered by the record that is gone; a new one covers it again.
    await this.apply({ kind: 'state' })
  }

  async crash(): Promise<void> {
    this.disk.crash()
    this.pending.length = 0
    this.freezing = undefined
    await this.open()
    this.model.clear()
    for (const [k, value] of this.durable.data) this.model.set(k, value)
    this.covered = new Map(this.model)
    this.coveredState = this.durable.state
    assert.equal(text(this.store.state(GROUP)) ?? '', this.durable.state)
  }
}

test('every read agrees with a sorted map, across flushes, crashes and destructions', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 80, size: 'max' }), async (steps) => {
      const pair = new Pair()
      await pair.open()
      const everything: ScanOptions = {
        start: '',
        end: undefined,
        reverse: false,
        itemsMax: 1000,
        bytesMax: 1 << 20,
        keysOnly: false,
      }
      for (const current of steps) {
        await pair.apply(current)
        const page = await pair.store.scan(everything)
        assert.deepEqual(
          page.items.map((item) => `${item.key}=${text(item.value)}`),
          modelScan(pair.model, everything).items,
        )
      }
      await pair.crash()
      const page = await pair.store.scan(everything)
      assert.deepEqual(
        page.items.map((item) => `${item.key}=${text(item.value)}`),
        modelScan(pair.durable.data, everything).items,
      )
    }),
    { numRuns: 300 },
  )
})

test('the lazily sorted keys of the overlay are sorted, complete, and few runs', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      (rounds, eager) => {
        const keys = new OverlayKeys(eager)
        const all: string[] = []
        for (const count of rounds) {
          for (let i = 0; i < count; i++) {
            const added = String((all.length * 7919) % 100_003)
            keys.add(added)
            all.push(added)
          }
          const below = all.filter((key) => key >= '2' && key < '5').length
          const estimate = keys.estimateCount('2', '5')
          assert.ok(Math.abs(estimate - below) <= all.length / 4, `${estimate} estimated for ${below} of ${all.length}`)
          const runs = keys.runs()
          assert.equal(keys.estimateCount('2', '5'), below)
          for (const run of runs) assert.deepEqual(run, [...run].sort())
          assert.deepEqual(runs.flat().sort(), [...all].sort())
          assert.ok(runs.length <= 2 + Math.log2(all.length), `${runs.length} runs for ${all.length} keys`)
        }
      },
    ),
    { numRuns: 50 },
  )
})
