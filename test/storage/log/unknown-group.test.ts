/** The log that stands for those that nobody knows: its beginning makes damage before it harmless and lets it go; damage behind it is found. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LogStore, type MemoryFiles, UNKNOWN_GROUP } from '../../../src/storage/index.ts'
import { damagedGroups, entriesOf, memoryFiles, openLog, segmentFiles, sync } from './support.ts'

const SEGMENT_BYTES = 4_096
const FENCE = 77

/** Segments of one group's entries, and a hole of which nobody knows whose it was. The group is begun anew, as when it is rebuilt from its peers. */
async function damagedFiles(): Promise<{ files: MemoryFiles; hole: string }> {
  const files = memoryFiles(5)
  const log = openLog(files, SEGMENT_BYTES)
  log.create(1, 11, { index: 0, term: 0 })
  await fill(log, 12)
  const hole = segmentFiles(files)[0] ?? ''
  for (let at = 600; at < 1_600; at += 8) files.flipBit(hole, at, 1)
  return { files, hole }
}

async function fill(log: LogStore, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const group = log.groups().get(1)
    assert(group !== undefined)
    const next = group.lastIndex() + 1
    group.append(entriesOf(next, next + 9, 1, 100), undefined)
    await sync(log)
  }
}

async function rebuildAndFill(log: LogStore): Promise<void> {
  log.destroy(1)
  log.create(1, 12, { index: 0, term: 0 })
  for (let round = 0; round < 12; round++) {
    await fill(log, 4)
    const group = log.groups().get(1)
    group?.compact(group.lastIndex())
    log.collectGarbage()
    await sync(log)
  }
}

test('damage without a name keeps every segment behind it, until the replicas that it can concern are known', async () => {
  const { files, hole } = await damagedFiles()
  const log = openLog(files, SEGMENT_BYTES)
  assert.deepEqual(damagedGroups(log), [UNKNOWN_GROUP, 1])
  await rebuildAndFill(log)
  assert(segmentFiles(files).includes(hole))
  const before = log.stats().segments
  assert(before > 8, `${before} segments: nothing is kept`)
  log.destroy(UNKNOWN_GROUP)
  log.create(UNKNOWN_GROUP, FENCE, { index: 0, term: 0 })
  await sync(log)
  for (let round = 0; round < 8; round++) {
    await fill(log, 2)
    const group = log.groups().get(1)
    group?.compact(group.lastIndex())
    log.collectGarbage()
    await sync(log)
  }
  assert(!segmentFiles(files).includes(hole), 'the hole is kept for nobody')
  assert(log.stats().segments <= 4, `${log.stats().segments} segments`)
  const again = openLog(files, SEGMENT_BYTES)
  assert.deepEqual(damagedGroups(again), [])
  assert.equal(again.groups().get(UNKNOWN_GROUP)?.replica, FENCE, 'it outlives the segment that it began in')
})

test('damage of its own record is its own, and nobody else’s', async () => {
  const { files } = await damagedFiles()
  const log = openLog(files, SEGMENT_BYTES)
  log.destroy(UNKNOWN_GROUP)
  log.create(UNKNOWN_GROUP, FENCE, { index: 0, term: 0 })
  log.destroy(1)
  log.create(1, 12, { index: 0, term: 0 })
  const [file, size] = newest(files)
  await sync(log)
  const [behind, end] = newest(files)
  const from = behind === file ? size : 64
  await fill(log, 1)
  const found = new Set<string>()
  for (let at = from; at < end; at++) {
    const copy = files.copy()
    copy.flipBit(behind, at, 2)
    const damaged = damagedGroups(openLog(copy, SEGMENT_BYTES))
    assert(damaged.length <= 1, `a flip at ${at} damaged ${damaged.join(', ')}`)
    found.add(damaged.join())
  }
  assert.deepEqual([...found].sort(), ['', `${UNKNOWN_GROUP}`, '1'])
})

function newest(files: MemoryFiles): [file: string, bytes: number] {
  const file = segmentFiles(files).at(-1) ?? ''
  return [file, files.read(file).length]
}
