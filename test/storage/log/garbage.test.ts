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

test('segments from before the first record of a damaged log go, and what recovery finds stays the same', async () => {
  let gone = 0
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed)
    const files = memoryFiles(seed)
    const first = openLog(files, 4096, 0)
    const grow = async (groups: readonly number[], turns: number): Promise<void> => {
      for (let turn = 0; turn < turns; turn++) {
        for (const group of groups) {
          const one = first.groups().get(group)
          assert(one !== undefined)
          const next = one.lastIndex() + 1
          one.append(entriesOf(next, next + random.below(4), 1 + turn, 100), hardState(1 + turn, group, next - 1))
        }
        await sync(first)
      }
    }
    for (const group of [1, 2]) first.create(group, 1, { index: 0, term: 0 })
    await grow([1, 2], 20)
    const young = segmentFiles(files).length
    // It begins late, and so is damaged late.
    first.create(3, 1, { index: 0, term: 0 })
    await grow([1, 2, 3], 20)
    await first.close()
    const [file] = segmentFiles(files).slice(young + random.below(2))
    assert(file !== undefined)
    const bytes = files.read(file).length
    files.flipBit(file, 64 + random.below(bytes - 64), random.below(8))
    const log = openLog(files, 4096, 0)
    const damaged = JSON.stringify(log.damaged())
    if (log.damaged().length === 0) continue
    const before = segmentFiles(files).length
    for (const one of log.groups().values()) one.compact(one.lastIndex() - 1)
    for (let i = 0; i < 40 || log.dirty; i++) {
      log.collectGarbage()
      await sync(log)
      // A crash between any two steps.
      const again = openLog(files.copy(), 4096, 0)
      assert.equal(JSON.stringify(again.damaged()), damaged, `seed ${seed}`)
      assert.deepEqual(pictures(again), pictures(log), `seed ${seed}`)
    }
    gone += before - segmentFiles(files).length
    for (const { group } of log.damaged()) log.destroy(group)
    for (let i = 0; i < 40 || log.dirty; i++) {
      log.collectGarbage()
      await sync(log)
    }
    assert(
      log.stats().segments <= 3,
      `seed ${seed}: ${log.stats().segments} segments after the damaged logs were destroyed`,
    )
    const again = openLog(files.copy(), 4096, 0)
    assert.deepEqual([again.damaged(), pictures(again)], [[], pictures(log)], `seed ${seed}`)
  }
  assert(gone > 20, `only ${gone} segments went while a log was damaged: the test proves nothing`)
})

test('what only older records prove to be damaged is not found whole once those are garbage', async () => {
  const files = memoryFiles(1)
  const log = openLog(files, 4096, 0)
  const busy = log.create(1, 1, { index: 0, term: 0 })
  const idle = log.create(2, 1, { index: 0, term: 0 })
  idle.append(entriesOf(1, 5), hardState(3, 1, 4))
  const grow = async (): Promise<number> => {
    for (let turn = 0; turn < 10; turn++) {
      busy.append(entriesOf(busy.lastIndex() + 1, busy.lastIndex() + 5, 1, 200), undefined)
      await sync(log)
    }
    return segmentFiles(files).length
  }
  const lost = await grow()
  await grow()
  // All that a later recovery would see of it, with nothing missing: entries 4 and 5 are in the first segment.
  idle.compact(3)
  await grow()
  await log.close()
  files.remove(segmentFiles(files)[lost] ?? assert.fail('too few segments'))
  let again = openLog(files, 4096, 0)
  const damaged = JSON.stringify(again.damaged())
  assert.deepEqual(
    again
      .damaged()
      .map(({ group }) => group)
      .sort(),
    [0, 1, 2],
  )
  for (let i = 0; i < 10; i++) {
    again.collectGarbage()
    await sync(again)
    again = openLog(files.copy(), 4096, 0)
    assert.equal(JSON.stringify(again.damaged()), damaged)
  }
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
