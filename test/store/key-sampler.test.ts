/** What is sampled of a busy shard: bounded, fair, divided with the shard; and the meter that owns the sample. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { middleOfLoad, PLAN_SETTINGS_DEFAULT, type Shard } from '../../shard-map/index.ts'
import { encodeKvCommand } from '../../src/machine/index.ts'
import { KeySampler } from '../../src/store/key-sampler.ts'
import { LoadMeter, SamplingThreshold } from '../../src/store/load-meter.ts'
import { SeededRandom } from '../raft/harness/seeded-random.ts'

const SHARD: Shard = { id: 2, start: '', end: undefined, epoch: { membership: 1, range: 1 }, replicas: [] }

const name = (number: number): string => `key${String(number).padStart(6, '0')}`

/** `seconds` of requests for keys that `draw` chooses. */
function sampled(seed: number, perSecond: number, seconds: number, draw: (random: SeededRandom) => string): KeySampler {
  const random = new SeededRandom(seed)
  const sampler = new KeySampler(random)
  sampler.expect(perSecond)
  for (let i = 0; i < perSecond * seconds; i++) {
    const key = draw(random)
    if (sampler.isDue()) sampler.take(key, i % 4 === 0 ? 'write' : 'read')
  }
  return sampler
}

test('a few samples a second are taken, however many requests there are, and no more than 256 are kept', () => {
  for (const perSecond of [20, 64, 1_000, 50_000]) {
    const sampler = sampled(1, perSecond, 10, (random) => name(random.below(1_000_000)))
    assert.ok(sampler.size <= 256, `${sampler.size} samples`)
    assert.ok(sampler.size >= Math.min(perSecond * 10, 256) / 2, `${sampler.size} of ${perSecond} a second`)
  }
})

test('samples are told as parts of about equal load, and their middle halves the load', () => {
  for (let seed = 1; seed <= 20; seed++) {
    // Quadratic: the lower half of the keys has a good 70 % of the requests.
    const keyNumber = (random: SeededRandom): number => Math.floor((random.below(1000) * random.below(1000)) / 1000)
    const sampler = sampled(seed, 4_000, 12, (random) => name(keyNumber(random)))
    const parts = sampler.parts(64)
    assert.ok(parts.length > 16 && parts.length <= 34, `seed ${seed}: ${parts.length} parts`)
    assert.deepEqual(
      [...parts].map(({ key }) => key).sort(),
      parts.map(({ key }) => key),
    )
    assert.equal(
      parts.reduce((sum, { hits }) => sum + hits, 0),
      sampler.size,
    )
    const middle = middleOfLoad(SHARD, parts, PLAN_SETTINGS_DEFAULT)
    assert.ok(middle.ok, `seed ${seed}`)
    const random = new SeededRandom(seed + 1000)
    let left = 0
    for (let i = 0; i < 4_000; i++) if (name(keyNumber(random)) < middle.key) left++
    assert.ok(left > 1_400 && left < 2_600, `seed ${seed}: ${left} of 4000 on the left`)
  }
})

test('what was asked for long ago is forgotten', () => {
  const random = new SeededRandom(3)
  const sampler = new KeySampler(random)
  sampler.expect(1_000)
  for (let i = 0; i < 60_000; i++) if (sampler.isDue()) sampler.take(i < 30_000 ? 'before' : 'after', 'read')
  const [first, second] = sampler.parts(64)
  assert.equal(first?.key, 'after')
  assert.ok((first?.hits ?? 0) > 250 && (second?.hits ?? 0) < 6)
})

test('a hot key is told with its rates, others are not; a key that is only scanned from is none', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(seed)
    const sampler = new KeySampler(random)
    sampler.expect(2_000)
    for (let i = 0; i < 24_000; i++) {
      if (!sampler.isDue()) continue
      const place = random.below(10)
      if (place < 4) sampler.take('hot', 'read')
      else if (place < 6) sampler.take(name(random.below(10_000)), 'write')
      else if (place < 7) sampler.take('first', 'scan')
      else sampler.take(name(random.below(10_000)), 'read')
    }
    const hot = sampler.hotKeys({ readsPerSecond: 1_600, writesPerSecond: 400 })
    assert.deepEqual(
      hot.map(({ key }) => key),
      ['hot'],
      `seed ${seed}`,
    )
    // 4 of 8 reads.
    const { readsPerSecond = 0, writesPerSecond = 0 } = hot[0] ?? {}
    assert.ok(readsPerSecond > 560 && readsPerSecond < 1_040, `seed ${seed}: ${readsPerSecond}`)
    assert.equal(writesPerSecond, 0)
  }
})

test('one key that has everything cannot be cut', () => {
  const sampler = sampled(5, 3_000, 5, (random) => (random.below(10) === 0 ? name(random.below(100)) : 'hot'))
  const middle = middleOfLoad(SHARD, sampler.parts(64), PLAN_SETTINGS_DEFAULT)
  assert.equal(middle.ok ? '' : middle.code, 'single-hot-key')
})

test('fewer samples than asked for are none', () => {
  const sampler = new KeySampler(new SeededRandom(1))
  for (let i = 0; i < 63; i++) sampler.take(name(i), 'read')
  assert.deepEqual(sampler.parts(64), [])
  assert.deepEqual(sampler.hotKeys({ readsPerSecond: 1, writesPerSecond: 1 }), [])
  assert.ok(sampler.parts(1).length > 0)
})

const put = (key: string): Uint8Array =>
  encodeKvCommand({
    kind: 'operations',
    rangeEpoch: 1,
    atomic: false,
    operations: [{ kind: 'put', key, value: new Uint8Array(1), condition: { kind: 'none' } }],
  })

/** A meter after `seconds` of `reads` and `writes` a second. */
function busy(meter: LoadMeter, random: SeededRandom, seconds: number, reads: number, writes: number): void {
  for (let second = 0; second < seconds; second++) {
    for (let i = 0; i < reads; i++) meter.read([name(random.below(100))])
    for (let i = 0; i < writes; i++) meter.wrote(put(name(random.below(100))))
    meter.roll(1_000)
  }
}

test('a meter samples while its shard is busy, and forgets when it is not', () => {
  const random = new SeededRandom(9)
  const meter = new LoadMeter(random)
  const sampled = (): number => meter.sampler?.size ?? 0
  busy(meter, random, 3, 2, 1)
  assert.equal(sampled(), 0)
  busy(meter, random, 20, 90, 30)
  const { readsPerSecond, writesPerSecond } = meter.rates
  assert.ok(Math.abs(readsPerSecond - 90) < 3 && Math.abs(writesPerSecond - 30) < 2)
  assert.ok(sampled() > 200)
  busy(meter, random, 30, 0, 0)
  assert.equal(meter.sampler, undefined)
  assert.deepEqual(meter.rates, { readsPerSecond: 0, writesPerSecond: 0 })
})

test('only so many shards are sampled, the busiest, however many are a little busy', () => {
  const random = new SeededRandom(4)
  const threshold = new SamplingThreshold()
  const meters = Array.from({ length: 400 }, () => new LoadMeter(random))
  for (let second = 0; second < 40; second++) {
    for (const [i, meter] of meters.entries()) {
      for (let request = 0; request < 15 + (i < 20 ? 200 : 0); request++) meter.read(['a'])
      meter.roll(1_000, threshold.requestsPerSecond)
    }
    threshold.adapt(meters.filter(({ sampler }) => sampler !== undefined).length)
  }
  assert.deepEqual(
    meters.flatMap(({ sampler }, i) => (sampler === undefined ? [] : [i])),
    Array.from({ length: 20 }, (_, i) => i),
  )
  const quiet = new SamplingThreshold()
  quiet.adapt(65)
  assert.equal(quiet.requestsPerSecond, 20)
  quiet.adapt(0)
  quiet.adapt(0)
  assert.equal(quiet.requestsPerSecond, 10)
})

test('a scan and a range delete are sampled by where they begin, a batch by any of its keys', () => {
  const meter = new LoadMeter(new SeededRandom(2))
  const range = encodeKvCommand({ kind: 'delete-range', rangeEpoch: 1, start: 'm', end: undefined, keysMax: 5 })
  for (let second = 0; second < 10; second++) {
    for (let i = 0; i < 10; i++) {
      meter.scanned('s')
      meter.wrote(range)
      meter.read(['x', 'y', 'z'])
      meter.wrote(new Uint8Array([9, 9]))
    }
    meter.roll(1_000)
  }
  const keys = meter.sampler?.parts(1).map(({ key }) => key) ?? []
  assert.deepEqual(keys, ['m', 's', 'x', 'y', 'z'])
})

test('a cut divides rates and samples as the load was divided', () => {
  const random = new SeededRandom(11)
  const meter = new LoadMeter(random)
  busy(meter, random, 20, 900, 100)
  const before = meter.rates
  const [middle, right] = meter.divide([name(25), name(75)])
  assert.ok(middle !== undefined && right !== undefined)
  for (const [part, share] of [
    [meter, 0.25],
    [middle, 0.5],
    [right, 0.25],
  ] as const) {
    assert.ok(Math.abs(part.rates.readsPerSecond - before.readsPerSecond * share) < 110, JSON.stringify(part.rates))
  }
  const sum = [meter, middle, right].reduce((all, part) => all + part.rates.readsPerSecond, 0)
  assert.ok(Math.abs(sum - before.readsPerSecond) <= 2)
  assert.ok(meter.sampler?.parts(1).every(({ key }) => key < name(25)))
  assert.ok(right.sampler?.parts(1).every(({ key }) => key >= name(75)))
})
