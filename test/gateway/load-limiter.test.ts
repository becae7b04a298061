/** Admission by queue delay, on a clock of its own: what overload does to those who are let in, and how it ends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoadLimiter } from '../../src/gateway/load-limiter.ts'
import { checkProblem, realClock, startHarness } from './harness.ts'

const LIMITS = { inflightMax: 2000, inflightMin: 64, queueDelayMs: 50 }

/** A server that takes one request after the other, and clients that ask by a timetable, whatever becomes of it. */
class Simulation {
  nowMs = 0
  readonly limiter: LoadLimiter
  readonly #queue: number[] = []
  readonly #serviceMs: number
  readonly #fixedMs: number
  #serverFreeMs = 0

  /** `fixedMs` is what each request takes beside its turn at the server, such as a disk's sync. */
  constructor(servicePerSecond: number, fixedMs = 2) {
    this.#serviceMs = 1000 / servicePerSecond
    this.#fixedMs = fixedMs
    this.limiter = new LoadLimiter({ ...realClock, nowMs: () => this.nowMs }, LIMITS)
  }

  /** Offers `perSecond` for so long; answers what became of it. */
  run(
    perSecond: number,
    seconds: number,
  ): { offered: number; served: number; refused: number; p99Ms: number; inflightMax: number } {
    const untilMs = this.nowMs + seconds * 1000
    const tookMs: number[] = []
    let [offered, refused, inflightMax, nextMs] = [0, 0, 0, this.nowMs]
    for (;;) {
      const servedMs = this.#queue.length === 0 ? Number.POSITIVE_INFINITY : this.#serverFreeMs + this.#serviceMs
      if (Math.min(nextMs, servedMs) >= untilMs) break
      if (servedMs <= nextMs) {
        this.nowMs = servedMs
        this.#serverFreeMs = servedMs
        const took = servedMs - (this.#queue.shift() ?? 0) + this.#fixedMs
        tookMs.push(took)
        this.limiter.leave('write', 204, took)
        continue
      }
      this.nowMs = nextMs
      nextMs += 1000 / perSecond
      offered++
      if (!this.limiter.enter()) {
        refused++
        continue
      }
      if (this.#queue.length === 0) this.#serverFreeMs = Math.max(this.#serverFreeMs, this.nowMs)
      this.#queue.push(this.nowMs)
      inflightMax = Math.max(inflightMax, this.limiter.inflight)
    }
    this.nowMs = untilMs
    tookMs.sort((left, right) => left - right)
    return {
      offered,
      served: tookMs.length,
      refused,
      inflightMax,
      p99Ms: tookMs[Math.floor(tookMs.length * 0.99)] ?? 0,
    }
  }
}

test('below saturation nobody is refused', () => {
  const calm = new Simulation(5000).run(4500, 20)
  assert.equal(calm.refused, 0)
  assert.equal(calm.offered - calm.served <= 1, true)
})

for (const perSecond of [2000, 5000, 20_000]) {
  test(`five times what a server of ${perSecond}/s can do, for a minute: it stays busy, its queue short, and it recovers within a second`, () => {
    const simulation = new Simulation(perSecond)
    simulation.run(perSecond * 0.5, 5)
    const first = simulation.run(perSecond * 5, 5)
    assert(first.served >= perSecond * 5 * 0.99, `${first.served} served`)
    const settled = simulation.run(perSecond * 5, 55)
    assert(settled.served >= perSecond * 55 * 0.99, `${settled.served} served`)
    assert(settled.p99Ms < 350, `p99 ${settled.p99Ms} ms`)
    assert(settled.inflightMax < perSecond * 0.3 + LIMITS.inflightMin, `${settled.inflightMax} in progress`)
    simulation.run(perSecond * 0.5, 1)
    const after = simulation.run(perSecond * 0.5, 5)
    assert.equal(after.refused, 0)
    assert(after.p99Ms < 10, `p99 ${after.p99Ms} ms`)
  })
}

test('a disk that is slower than the target still lets the fewest in, and a burst into an idle server is no queue', () => {
  const slow = new Simulation(5000, 200)
  for (let second = 0; second < 20; second++) slow.run(200, 1)
  assert.equal(slow.limiter.limit, LIMITS.inflightMin)
  assert.equal(slow.run(200, 5).refused, 0)
  const bursty = new Simulation(20_000)
  for (let burst = 0; burst < 50; burst++) {
    assert.equal(bursty.run(100_000, 0.015).refused, 0, `burst ${burst}`)
    bursty.run(1000, 0.285)
  }
})

test('a cluster that is only slow may always have in progress what it does in a quarter of a second', () => {
  const slow = new Simulation(2000)
  // Nobody asks faster than it answers: a bounded number of clients, each with one request at a time.
  slow.run(2000, 2)
  assert.equal(slow.run(2050, 5).refused, 0)
})

test('what is refused for itself, and reads that need no queue, hide no queue of writes; streams do not count', () => {
  let nowMs = 0
  const limiter = new LoadLimiter({ ...realClock, nowMs: () => nowMs }, LIMITS)
  for (let interval = 0; interval < 20; interval++) {
    nowMs += 100
    for (let each = 0; each < 5; each++) {
      for (const [kind, status, tookMs] of [
        ['write', 204, 400],
        ['write', 400, 0.1],
        ['read', 200, 0.1],
      ] as const) {
        assert(limiter.enter())
        limiter.leave(kind, status, tookMs)
      }
    }
  }
  assert.equal(limiter.limit, LIMITS.inflightMin)
  for (let stream = 0; stream < 1000; stream++) {
    assert(limiter.enter())
    limiter.withdraw()
  }
  for (let each = 0; each < LIMITS.inflightMin; each++) assert(limiter.enter())
  assert.equal(limiter.enter(), false)
  // A second without anybody, and all of it is forgotten.
  nowMs += 1000
  assert(limiter.enter())
  assert.equal(limiter.limit, LIMITS.inflightMax)
})

test('the gateway refuses what its queue would only delay, quickly, and says so in its figures', async (t) => {
  const h = await startHarness(t, { limits: { queueDelayMs: 5, inflightMin: 4, inflightMax: 30 } })
  h.router.before = () => new Promise((resolve) => setTimeout(resolve, 60))
  const refusals: number[] = []
  const ask = async (client: number): Promise<void> => {
    for (let turn = 0; turn < 25; turn++) {
      const askedMs = performance.now()
      const answer = await h.ask(`/kv/${client}`, { method: 'PUT', body: 'x' })
      if (answer.status === 204) continue
      assert.equal(checkProblem(answer, 429, 'OVERLOADED').outcome, 'none')
      refusals.push(performance.now() - askedMs)
    }
  }
  await Promise.all(Array.from({ length: 40 }, (_, client) => ask(client)))
  assert(refusals.length > 0)
  const { gateway } = (await h.ask('/stats')).json()
  assert.equal(gateway.refused, refusals.length)
  assert(gateway.inflightLimit <= 30)
})

test('limits that change while the gateway runs are gone by at once', async (t) => {
  const h = await startHarness(t, { limits: { queueDelayMs: 5, inflightMin: 4, inflightMax: 30 } })
  h.router.before = () => new Promise((resolve) => setTimeout(resolve, 60))
  const round = async (): Promise<number> => {
    const answers = await Promise.all(
      Array.from({ length: 240 }, (_, client) => h.ask(`/kv/${client % 40}`, { method: 'PUT', body: 'x' })),
    )
    return answers.filter(({ status }) => status === 429).length
  }
  assert((await round()) > 0)
  h.gateway.setLimits({ inflightMax: 240 })
  // As many as may come are let in however long they take.
  h.gateway.setLimits({ inflightMin: 240 })
  await new Promise((resolve) => setTimeout(resolve, 110))
  assert.equal(await round(), 0)
  // And here nobody waits too long.
  h.gateway.setLimits({ inflightMin: 4, queueDelayMs: 60_000 })
  await new Promise((resolve) => setTimeout(resolve, 110))
  assert.equal(await round(), 0)
})
