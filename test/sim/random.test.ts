/** The simulator's chance and time: streams do not disturb each other, events keep their order, clocks run wrong as they are told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { SimulatedProcess } from '../../src/testing/simulated-process.ts'
import { Timeline } from '../../src/testing/timeline.ts'
import { runTurns } from '../../src/testing/turns.ts'

function makeTimeline(): Timeline {
  return new Timeline({
    afterEvent() {},
    onError(_owner, error) {
      throw error
    },
  })
}

function makeProcess(timeline: Timeline, driftPerMillion = 0, onDeath: () => void = () => {}): SimulatedProcess {
  const random = new SeededRandom(1, 'process')
  return new SimulatedProcess('p', 1, timeline, random, { driftPerMillion, wallOffsetMs: 0 }, onDeath)
}

function runAll(timeline: Timeline): void {
  while (timeline.step()) {
    // Nothing here waits for promises.
  }
}

test('the same seed and stream give the same numbers, others give others', () => {
  const draw = (seed: number, stream: string): string => {
    const random = new SeededRandom(seed, stream)
    return Array.from({ length: 8 }, () => random.bits()).join()
  }
  assert.equal(draw(1, 'a'), draw(1, 'a'))
  assert.notEqual(draw(1, 'a'), draw(2, 'a'))
  assert.notEqual(draw(1, 'a'), draw(1, 'b'))
  assert.notEqual(draw(5, 'a'), draw(5 + 2 ** 32, 'a'))
})

test('numbers fill their range evenly', () => {
  const random = new SeededRandom(7, 'even')
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 100_000; i++) counts[random.below(10)] = (counts[random.below(10)] ?? 0) + 1
  for (const [value, count] of counts.entries()) assert(count > 0, `${value} never came`)
  let hits = 0
  for (let i = 0; i < 100_000; i++) if (random.chance(250)) hits++
  assert(hits > 24_000 && hits < 26_000, `${hits} of 100000 at 250 per mille`)
})

test('events run in the order of their times, and of their making where times are equal', () => {
  const timeline = makeTimeline()
  const random = new SeededRandom(3, 'order')
  const ran: { timeUs: number; number: number }[] = []
  for (let number = 0; number < 2000; number++) {
    const delayUs = random.below(300)
    const event = timeline.schedule(delayUs, 'world', undefined, () => ran.push({ timeUs: timeline.nowUs, number }))
    if (number % 7 === 0) event.cancel()
  }
  runAll(timeline)
  assert.equal(ran.length, 2000 - Math.ceil(2000 / 7))
  for (let i = 1; i < ran.length; i++) {
    const [before, after] = [ran[i - 1], ran[i]] as [(typeof ran)[number], (typeof ran)[number]]
    assert(before.timeUs < after.timeUs || (before.timeUs === after.timeUs && before.number < after.number))
  }
})

test('between two events every promise runs to its end', async () => {
  const timeline = makeTimeline()
  const seen: string[] = []
  const chain = async (name: string): Promise<void> => {
    for (let i = 0; i < 50; i++) await Promise.resolve()
    seen.push(name)
  }
  timeline.schedule(0, 'world', undefined, () => void chain('promises of the first event'))
  timeline.schedule(0, 'world', undefined, () => seen.push('second event'))
  await runTurns(() => timeline.step())
  assert.deepEqual(seen, ['promises of the first event', 'second event'])
})

test('a clock drifts: timers of a fast one fire early, by as much as it is fast', () => {
  const timeline = makeTimeline()
  const fast = makeProcess(timeline, 50_000)
  const startMs = fast.clock.nowMs()
  let firedUs = 0
  fast.clock.after(1_000, () => {
    firedUs = timeline.nowUs
    assert(fast.clock.nowMs() - startMs >= 1_000, 'a timer fired before its time on its own clock')
  })
  runAll(timeline)
  assert(firedUs > 950_000 && firedUs < 960_000, `a clock that is 5 % fast fired after ${firedUs} us`)
})

test('a wall clock jumps without the monotonic one noticing', () => {
  const timeline = makeTimeline()
  const process = makeProcess(timeline)
  const [wallMs, nowMs] = [process.clock.wallMs(), process.clock.nowMs()]
  process.jumpWallClock(-60_000)
  assert.equal(process.clock.wallMs(), wallMs - 60_000)
  assert.equal(process.clock.nowMs(), nowMs)
})

test('what comes while a process sleeps waits, and messages are met before timers', () => {
  const timeline = makeTimeline()
  const process = makeProcess(timeline)
  const seen: string[] = []
  process.pause(1_000_000)
  process.clock.after(1, () => seen.push('timer'))
  process.arrival(500_000, () => {
    seen.push('message')
    process.clock.soon(() => seen.push('what the message caused'))
  })
  process.arrival(1_500_000, () => seen.push('later message'))
  runAll(timeline)
  assert.deepEqual(seen, ['message', 'what the message caused', 'timer', 'later message'])
})

test('a process that dies inside has no effect from then on', () => {
  const timeline = makeTimeline()
  let deaths = 0
  const process = makeProcess(timeline, 0, () => deaths++)
  let ran = false
  process.clock.after(5, () => {
    ran = true
  })
  process.dieAfterEffects(2)
  assert.deepEqual(
    [1, 2, 3, 4].map(() => process.effect()),
    [true, true, false, false],
  )
  assert.equal(deaths, 1)
  runAll(timeline)
  assert.equal(ran, false, 'a timer of a dead process fired')
})

test('a process that was to die inside lives on when it is spared', () => {
  const process = makeProcess(makeTimeline(), 0, () => assert.fail('it died'))
  process.dieAfterEffects(2)
  process.spare()
  assert.deepEqual(
    [1, 2, 3, 4].map(() => process.effect()),
    [true, true, true, true],
  )
})
