import assert from 'node:assert/strict'
import test from 'node:test'
import { MemoryFiles } from '../../../src/storage/index.ts'
import {
  entriesOf,
  hardState,
  ManualClock,
  memoryFiles,
  openLog,
  pictures,
  seededRandom,
  segmentFiles,
  sync,
} from './support.ts'

/** Old segments go once nothing in them is live, and what is live never goes. */
const SEGMENT_BYTES = 8 * 1024

test('random work keeps exactly the live data, in space proportional to it', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = seededRandom(seed)
    const files = memoryFiles(seed)
    const log = openLog(files, SEGMENT_BYTES, seed % 2 === 0 ? 0 : 100_000)
    for (let group = 1; group <= 12; group++) log.create(group, group, { index: 0, term: 0 })
    for (let turn = 0; turn < 600; turn++) {
      for (let i = 0; i < 4; i++) {
        // Low groups are busy, high ones nearly idle: they are who pins old segments.
        const group = 1 + Math.min(random.below(12), random.below(12))
        const one = log.groups().get(group)
        assert(one !== undefined)
        const back = random.below(10) === 0 ? Math.min(2, one.lastIndex() - one.firstIndex() + 1) : 0
        const from = one.lastIndex() + 1 - back
        one.append(
          entriesOf(from, from + random.below(4), turn + 1, random.below(200)),
          hardState(turn + 1, group, from - 1),
        )
        if (one.lastIndex() - one.firstIndex() > 20) one.compact(one.lastIndex() - 5)
      }
      await sync(log)
      log.collectGarbage()
    }
    for (let i = 0; i < 50 || log.dirty; i++) {
      log.collectGarbage()
      await sync(log)
    }
    const live = [...log.groups().values()].reduce((bytes, one) => bytes + one.bytes + 2000, 0)
    const onDisk = segmentFiles(files).reduce((bytes, file) => bytes + files.read(file).length, 0)
    assert.equal(onDisk, log.stats().bytes)
    assert.equal(segmentFiles(files).length, log.stats().segments)
    assert(onDisk <= 3 * live + 2 * SEGMENT_BYTES, `${onDisk} bytes on disk for ${live} live ones`)
    const before = pictures(log)
    const again = openLog(files.copy(), SEGMENT_BYTES)
    assert.deepEqual(again.damaged(), [])
    assert.deepEqual(pictures(again), before)
  }
})

test('an idle group does not keep the segments of a busy one', async () => {
  const files = memoryFiles(1)
  const log = openLog(files, SEGMENT_BYTES, 0)
  const idle = log.create(1, 1, { index: 0, term: 0 })
  const busy = log.create(2, 2, { index: 0, term: 0 })
  idle.append(entriesOf(1, 5), hardState(3, 1, 4))
  for (let turn = 0; turn < 200; turn++) {
    busy.append(entriesOf(busy.lastIndex() + 1, busy.lastIndex() + 5, 1, 100), undefined)
    await sync(log)
    if (turn % 5 === 0) busy.compact(busy.lastIndex() - 2)
    log.collectGarbage()
  }
  assert(log.stats().segments <= 4, `${log.stats().segments} segments`)
  assert(segmentFiles(files)[0] !== 'log/0000000000000001.segment')
  const before = pictures(log)
  assert.equal(before[1]?.entries.length, 5)
  assert.deepEqual(pictures(openLog(files.copy(), SEGMENT_BYTES)), before)
})

test('a crash at any step of a collection loses nothing', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const files = memoryFiles(seed)
    const random = seededRandom(seed)
    const log = openLog(files, SEGMENT_BYTES, 0)
    const idle = log.create(1, 1, { index: 0, term: 0 })
    const busy = log.create(2, 2, { index: 0, term: 0 })
    idle.append(entriesOf(1, 5), hardState(3, 1, 4))
    const turns = 60 + random.below(40)
    let before = pictures(log)
    for (let turn = 0; turn < turns; turn++) {
      busy.append(entriesOf(busy.lastIndex() + 1, busy.lastIndex() + 5, 1, 100), undefined)
      if (turn % 5 === 4) busy.compact(busy.lastIndex() - 2)
      log.collectGarbage()
      await sync(log)
      before = pictures(log)
    }
    log.collectGarbage()
    if (log.dirty) log.sync(() => assert.fail('the process is gone'))
    files.crash()
    const again = openLog(files, SEGMENT_BYTES)
    assert.deepEqual(again.damaged(), [])
    assert.deepEqual(pictures(again), before)
  }
})

test('destroying every group frees the log', async () => {
  const files = memoryFiles(1)
  const log = openLog(files, SEGMENT_BYTES)
  for (let group = 1; group <= 5; group++) {
    log.create(group, 1, { index: 0, term: 0 }).append(entriesOf(1, 100, 1, 100), undefined)
    await sync(log)
  }
  for (let group = 1; group <= 5; group++) log.destroy(group)
  await sync(log)
  for (let i = 0; i < 5; i++) {
    log.collectGarbage()
    await sync(log)
  }
  assert.equal(log.stats().segments, 1)
  assert.deepEqual(openLog(files.copy(), SEGMENT_BYTES).groups().size, 0)
})

test('nothing is collected while damage waits for a decision', async () => {
  const files = memoryFiles(1)
  const first = openLog(files, SEGMENT_BYTES)
  for (const group of [1, 2]) first.create(group, 1, { index: 0, term: 0 })
  for (let turn = 0; turn < 20; turn++) {
    for (const one of first.groups().values())
      one.append(entriesOf(one.lastIndex() + 1, one.lastIndex() + 5, 1, 100), undefined)
    await sync(first)
  }
  await first.close()
  const [oldest] = segmentFiles(files)
  assert(oldest !== undefined)
  files.flipBit(oldest, 600, 1)
  const log = openLog(files, SEGMENT_BYTES)
  assert.equal(log.damaged().length, 1)
  const segments = log.stats().segments
  const healthy = [...log.groups().values()][0]
  assert(healthy !== undefined)
  healthy.compact(healthy.lastIndex())
  await sync(log)
  for (let i = 0; i < 5; i++) {
    log.collectGarbage()
    await sync(log)
  }
  assert.equal(log.stats().segments, segments)
  for (const { group } of log.damaged()) log.destroy(group)
  for (let i = 0; i < 5; i++) {
    await sync(log)
    log.collectGarbage()
  }
  await sync(log)
  assert(log.stats().segments < segments)
})

test('a collection while a sync runs leaves alone what is being written', async () => {
  const clock = new ManualClock()
  const files = new MemoryFiles({ random: seededRandom(1), clock })
  const log = openLog(files, 4096, 0)
  const idle = log.create(1, 1, { index: 0, term: 0 })
  const busy = log.create(2, 2, { index: 0, term: 0 })
  for (let turn = 0; turn < 100; turn++) {
    busy.append(entriesOf(busy.lastIndex() + 1, busy.lastIndex() + 50, 1, 100), undefined)
    if (turn % 10 === 0) idle.append(entriesOf(idle.lastIndex() + 1, idle.lastIndex() + 1), undefined)
    let reported = false
    log.sync((error) => {
      assert.equal(error, undefined)
      reported = true
    })
    // What is being written is dead already, and the next batch goes to another segment.
    busy.compact(busy.lastIndex())
    log.collectGarbage()
    clock.run()
    await Promise.resolve()
    assert(reported)
  }
  assert.deepEqual(log.damaged(), [])
  assert(log.stats().segments <= 5, `${log.stats().segments} segments`)
})
