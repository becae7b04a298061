/** When a store counts as silent, and what becomes of the requests to it. Virtual time, no network. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/base/index.ts'
import { type Pending, SilenceWatch } from '../../src/router/silence-watch.ts'
import type { RequestFailure, Transport } from '../../src/transport/index.ts'

/** A clock that goes on when it is told. */
class TestClock implements Clock {
  #nowMs = 1_000
  #due: { readonly atMs: number; readonly run: () => void }[] = []

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void) {
    const timer = { atMs: this.#nowMs + delayMs, run }
    this.#due.push(timer)
    return { cancel: () => this.#remove(timer) }
  }

  soon(run: () => void): void {
    this.after(0, run)
  }

  get timers(): number {
    return this.#due.length
  }

  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs
    for (;;) {
      const next = this.#due.filter(({ atMs }) => atMs <= endMs).sort((left, right) => left.atMs - right.atMs)[0]
      if (next === undefined) break
      this.#remove(next)
      this.#nowMs = next.atMs
      next.run()
    }
    this.#nowMs = endMs
  }

  #remove(timer: { readonly atMs: number; readonly run: () => void }): void {
    this.#due = this.#due.filter((other) => other !== timer)
  }
}

const ANSWER = new Uint8Array()

/** Probes are answered as `behaviour` says; `silent` ones time out. */
function setUp(behaviour: 'answers' | 'silent' | 'unreachable') {
  const clock = new TestClock()
  let probes = 0
  const transport = {
    request(_to: string, _body: Uint8Array, timeoutMs: number, done: (answer: Uint8Array | RequestFailure) => void) {
      probes++
      if (behaviour === 'answers') clock.after(5, () => done(ANSWER))
      else if (behaviour === 'silent') clock.after(timeoutMs, () => done('no-answer'))
      else clock.after(1, () => done('not-sent'))
    },
  } as unknown as Transport
  const failures: RequestFailure[] = []
  const watch = new SilenceWatch(transport, clock)
  const send = (): Pending => watch.sent('s2', (failure) => failures.push(failure))
  return { clock, watch, send, failures, probes: () => probes }
}

test('requests to a store that does not answer a probe either end within two seconds, and it is avoided for a while', () => {
  const { clock, watch, send, failures } = setUp('silent')
  const first = send()
  send()
  clock.advance(500)
  assert.deepEqual(failures, [])
  clock.advance(1_500)
  assert.deepEqual(failures, ['no-answer', 'no-answer'])
  assert.equal(watch.ended('s2', first, false), false, 'what was given up is not ended again')
  assert.equal(watch.isSilent('s2'), true)
  assert.equal(watch.isSilent('s3'), false)
  clock.advance(2_000)
  assert.equal(watch.isSilent('s2'), false, 'it is tried again')
})

test('requests that were sent after the probe are not given up with it', () => {
  const { clock, watch, send, failures } = setUp('silent')
  send()
  clock.advance(1_000)
  const later = send()
  clock.advance(800)
  assert.deepEqual(failures, ['no-answer'])
  assert.equal(watch.ended('s2', later, true), true)
  assert.equal(watch.isSilent('s2'), false, 'an answer ends the silence')
})

test('a store that answers the probe may take as long as it likes', () => {
  const { clock, watch, send, failures, probes } = setUp('answers')
  const slow = send()
  clock.advance(9_000)
  assert.deepEqual(failures, [])
  assert(probes() > 1, 'it is asked again and again')
  assert.equal(watch.isSilent('s2'), false)
  assert.equal(watch.ended('s2', slow, true), true)
})

test('without a broker nothing is said of the store', () => {
  const { clock, watch, send, failures } = setUp('unreachable')
  send()
  clock.advance(5_000)
  assert.deepEqual(failures, [])
  assert.equal(watch.isSilent('s2'), false)
})

test('a busy store is never probed, and without requests no timer runs', () => {
  const { clock, watch, send, probes } = setUp('silent')
  for (let i = 0; i < 50; i++) {
    const request = send()
    clock.advance(100)
    watch.ended('s2', request, true)
  }
  assert.equal(probes(), 0)
  clock.advance(1_000)
  assert.equal(clock.timers, 0)
})
