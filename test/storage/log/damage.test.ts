import assert from 'node:assert/strict'
import test from 'node:test'
import { silentLogger } from '../../../src/base/index.ts'
import {
  type LogStore,
  LogStoreError,
  type MemoryFiles,
  openSegmentLog,
  UNKNOWN_GROUP,
} from '../../../src/storage/index.ts'
import {
  damagedGroups,
  describeEntry,
  entriesOf,
  hardState,
  memoryFiles,
  openLog,
  picture,
  pictures,
  seededRandom,
  segmentFiles,
  sync,
} from './support.ts'

/**
 * What recovery makes of torn tails and of damage. The rule under test: what was acknowledged is either there or reported as
 * damaged, never silently cut; what was not acknowledged may go, but only as a whole batch.
 */
interface Batch {
  readonly offset: number
  readonly end: number
}

/** Writes `rounds` batches for three groups into one segment; says where each batch stands and what the log was then. */
async function threeGroups(files: MemoryFiles, rounds: number) {
  const log = openLog(files, 1024 * 1024)
  const batches: Batch[] = []
  const states: string[] = []
  for (const group of [1, 2, 3]) log.create(group, group * 10, { index: 0, term: 0 })
  for (let round = 1; round <= rounds; round++) {
    if (round > 1) appendRound(log, round)
    const offset = round === 1 ? 64 : sizeOf(files)
    await sync(log)
    batches.push({ offset, end: sizeOf(files) })
    states.push(JSON.stringify(pictures(log)))
  }
  return { log, batches, states }
}

function appendRound(log: LogStore, round: number): void {
  for (const [group, one] of log.groups()) {
    const next = one.lastIndex() + 1
    one.append(entriesOf(next, next + 2, round, 30 + group), hardState(round, group, next - 1))
  }
}

function onlyFile(files: MemoryFiles): string {
  const [file] = segmentFiles(files)
  assert(file !== undefined)
  return file
}

function sizeOf(files: MemoryFiles): number {
  return files.read(onlyFile(files)).length
}

function at<T>(items: readonly T[], i: number): T {
  const item = items.at(i)
  assert(item !== undefined)
  return item
}

/** Opens a copy of the files after `change`, and returns what recovery found; also checks that opening again agrees. */
function reopened(
  files: MemoryFiles,
  change: (copy: MemoryFiles) => void,
): { state: string; damaged: number[]; log: LogStore } {
  const copy = files.copy()
  change(copy)
  const first = openLog(copy, 1024 * 1024)
  const state = JSON.stringify(pictures(first))
  const damaged = damagedGroups(first)
  const log = openLog(copy.copy(), 1024 * 1024)
  assert.equal(JSON.stringify(pictures(log)), state, 'a second recovery finds something else')
  assert.deepEqual(damagedGroups(log), damaged)
  return { state, damaged, log }
}

test('a file cut at any byte of its last batch loses that batch as a whole, and nothing else', async () => {
  const files = memoryFiles(1)
  const { batches, states } = await threeGroups(files, 4)
  const { offset, end } = at(batches, -1)
  for (let size = offset; size < end; size++) {
    const { state, damaged, log } = reopened(files, (copy) => copy.truncate(onlyFile(copy), size))
    assert.equal(state, at(states, -2), `cut at ${size}`)
    assert.deepEqual(damaged, [])
    // The log goes on from there.
    appendRound(log, 9)
    await sync(log)
  }
})

test('a last batch of which only the first bytes replaced the zeros before it is an interrupted write', async () => {
  const files = memoryFiles(1)
  const { batches, states } = await threeGroups(files, 4)
  const { offset, end } = at(batches, -1)
  for (let written = offset; written < end; written++) {
    const { state, damaged } = reopened(files, (copy) => {
      const bytes = copy.read(onlyFile(copy))
      bytes.fill(0, written, end)
      copy.write(onlyFile(copy), Buffer.concat([bytes, Buffer.alloc(written % 3 === 0 ? 0 : 1000)]))
    })
    assert.deepEqual(damaged, [])
    assert([at(states, -1), at(states, -2)].includes(state), `written up to ${written}`)
  }
})

test('a log cut within its very first write is a new log', async () => {
  const files = memoryFiles(1)
  const { batches } = await threeGroups(files, 1)
  for (let size = 0; size < at(batches, 0).end; size++) {
    const { state, damaged, log } = reopened(files, (copy) => copy.truncate(onlyFile(copy), size))
    assert.equal(state, '{}', `cut at ${size}`)
    assert.deepEqual(damaged, [])
    log.create(5, 1, { index: 0, term: 0 })
    await sync(log)
  }
})

test('a last batch with missing sectors is an interrupted write', async () => {
  const files = memoryFiles(1)
  const { log, states } = await threeGroups(files, 3)
  for (const one of log.groups().values())
    one.append(entriesOf(one.lastIndex() + 1, one.lastIndex() + 40, 9, 60), undefined)
  const offset = sizeOf(files)
  await sync(log)
  const whole = JSON.stringify(pictures(log))
  const end = sizeOf(files)
  for (let sector = offset - (offset % 512); sector < end; sector += 512) {
    const { state, damaged } = reopened(files, (copy) => {
      const bytes = copy.read(onlyFile(copy))
      bytes.fill(0, Math.max(sector, offset), Math.min(sector + 512, end))
      copy.write(onlyFile(copy), bytes)
    })
    // Where only the footer or the header is missing, everything is there still, and may be kept.
    assert([at(states, -1), whole].includes(state), `sector at ${sector}`)
    assert.deepEqual(damaged, [])
  }
})

test('a flipped bit in any byte of any batch but the last is never cut, and is blamed on the right group', async () => {
  const files = memoryFiles(1)
  const { batches, states } = await threeGroups(files, 4)
  const whole = JSON.parse(at(states, -1)) as Record<string, unknown>
  const random = seededRandom(3)
  for (let offset = 64; offset < at(batches, -2).end; offset++) {
    const { state, damaged, log } = reopened(files, (copy) => copy.flipBit(onlyFile(copy), offset, random.below(8)))
    assert(damaged.length <= 1, `a flip at ${offset} damaged ${damaged.join(', ')}`)
    const found = JSON.parse(state) as Record<string, unknown>
    for (const [group, picture] of Object.entries(whole)) {
      if (!damaged.includes(Number(group))) assert.deepEqual(found[group], picture, `group ${group}, flip at ${offset}`)
      else assert.equal(found[group], undefined)
    }
    for (const { reason, file, offset: where } of log.damaged()) {
      assert.match(reason, /checksum/)
      assert.equal(file, onlyFile(files))
      assert(where <= offset && offset < where + 400, `a flip at ${offset} was reported at ${where}`)
    }
  }
})

test('a flipped bit in the last batch is told from an interrupted write', async () => {
  const files = memoryFiles(1)
  const { batches, states } = await threeGroups(files, 4)
  const { offset, end } = at(batches, -1)
  const whole = JSON.parse(at(states, -1)) as Record<string, unknown>
  for (let flip = offset; flip < end; flip++) {
    for (let bit = 0; bit < 8; bit++) {
      const { state, damaged } = reopened(files, (copy) => copy.flipBit(onlyFile(copy), flip, bit))
      const found = JSON.parse(state) as Record<string, unknown>
      for (const [group, picture] of Object.entries(whole)) {
        if (damaged.includes(Number(group))) assert.equal(found[group], undefined)
        else assert.deepEqual(found[group], picture, `group ${group}, flip at ${flip} bit ${bit}: cut without a word`)
      }
    }
  }
})

test('an empty batch behind the last one proves it: after close even a zeroed sector is damage', async () => {
  const files = memoryFiles(1)
  const { log, states } = await threeGroups(files, 4)
  const before = sizeOf(files)
  await log.close()
  const whole = JSON.parse(at(states, -1)) as Record<string, unknown>
  assert(sizeOf(files) > before, 'close wrote nothing')
  const sector = Math.floor((before - 1) / 512) * 512
  const { state, damaged } = reopened(files, (copy) => {
    const bytes = copy.read(onlyFile(copy))
    bytes.fill(0, sector, before)
    copy.write(onlyFile(copy), bytes)
  })
  assert(damaged.length > 0, 'acknowledged records were cut')
  const found = JSON.parse(state) as Record<string, unknown>
  for (const [group, picture] of Object.entries(whole)) {
    if (!damaged.includes(Number(group))) assert.deepEqual(found[group], picture)
  }
})

test('an idle collectGarbage writes that proof too, once', async () => {
  const files = memoryFiles(1)
  const { log } = await threeGroups(files, 2)
  log.collectGarbage()
  assert.equal(log.dirty, false, 'the log was not idle yet')
  log.collectGarbage()
  assert.equal(log.dirty, true)
  await sync(log)
  for (let i = 0; i < 3; i++) log.collectGarbage()
  assert.equal(log.dirty, false)
})

test('damage nobody can be blamed for is blamed on everybody known by then', async () => {
  const files = memoryFiles(1)
  const { log, batches } = await threeGroups(files, 4)
  log.create(4, 40, { index: 0, term: 0 })
  await sync(log)
  const { offset, end } = at(batches, 2)
  const {
    damaged,
    state,
    log: recovered,
  } = reopened(files, (copy) => {
    const bytes = copy.read(onlyFile(copy))
    bytes.fill(0xaa, offset, end)
    copy.write(onlyFile(copy), bytes)
  })
  assert.deepEqual(damaged, [UNKNOWN_GROUP, 1, 2, 3])
  assert.deepEqual(Object.keys(JSON.parse(state)), ['4'])

  // Destroying them is remembered, and the ids are free again.
  for (const group of damaged) recovered.destroy(group)
  recovered.create(2, 21, { index: 0, term: 0 })
  await sync(recovered)
  assert.deepEqual(recovered.damaged(), [])
})

test('destroyed damage does not come back', async () => {
  const files = memoryFiles(1)
  const { batches } = await threeGroups(files, 4)
  files.flipBit(onlyFile(files), at(batches, 1).offset + 60, 3)
  const log = openLog(files)
  assert.equal(log.damaged().length, 1)
  const group = at(log.damaged(), 0).group
  log.destroy(group)
  await sync(log)
  await log.close()
  const again = openLog(files)
  assert.deepEqual(again.damaged(), [])
  assert.equal(again.groups().has(group), false)
  assert.equal(again.groups().size, 2)
  again.create(group, 77, { index: 3, term: 1 }).append(entriesOf(4, 6), undefined)
  await sync(again)
  const after = pictures(again)
  await again.close()
  const last = openLog(files)
  assert.deepEqual(last.damaged(), [])
  assert.deepEqual(pictures(last), after)
})

async function manySegments(files: MemoryFiles): Promise<Record<string, unknown>> {
  const log = openLog(files, 4096)
  for (const group of [1, 2, 3]) log.create(group, group * 10, { index: 0, term: 0 })
  for (let round = 1; round <= 40; round++) {
    appendRound(log, round)
    await sync(log)
  }
  return pictures(log)
}

test('a missing segment is damage, wherever it was', async () => {
  const files = memoryFiles(1)
  await manySegments(files)
  const segments = segmentFiles(files)
  assert(segments.length >= 3)
  for (const segment of segments.slice(0, -1)) {
    const copy = files.copy()
    copy.remove(segment)
    assert.deepEqual(damagedGroups(openLog(copy, 4096)), [UNKNOWN_GROUP, 1, 2, 3], segment)
  }
})

test('a torn end of a segment that is not the last is damage, not an interrupted write', async () => {
  const files = memoryFiles(1)
  await manySegments(files)
  const [first] = segmentFiles(files)
  assert(first !== undefined)
  files.truncate(first, files.read(first).length - 1)
  assert.deepEqual(damagedGroups(openLog(files, 4096)), [UNKNOWN_GROUP, 1, 2, 3])
})

test('a damaged segment header costs nothing while another copy, or another segment, tells the log id', async () => {
  const files = memoryFiles(1)
  const whole = await manySegments(files)
  for (const segment of segmentFiles(files)) {
    for (const offset of [3, 12, 20, 35, 44, 60]) {
      const copy = files.copy()
      copy.flipBit(segment, offset, 1)
      const log = openLog(copy, 4096)
      assert.deepEqual(log.damaged(), [])
      assert.deepEqual(pictures(log), whole)
    }
    const copy = files.copy()
    copy.flipBit(segment, 3, 1)
    copy.flipBit(segment, 35, 1)
    const log = openLog(copy, 4096)
    assert.deepEqual(log.damaged(), [])
    assert.deepEqual(pictures(log), whole)
    appendRound(log, 50)
    await sync(log)
    assert.deepEqual(pictures(openLog(copy.copy(), 4096)), pictures(log))
  }
})

test('a log whose only header is damaged in both copies is reported, not taken for empty', async () => {
  const files = memoryFiles(1)
  await threeGroups(files, 3)
  files.flipBit(onlyFile(files), 3, 1)
  files.flipBit(onlyFile(files), 35, 1)
  const log = openSegmentLog({ files, segmentBytes: 4096, random: { below: () => 4711 }, logger: silentLogger })
  assert.deepEqual(damagedGroups(log), [UNKNOWN_GROUP])
})

test('a segment of another log is not taken for our own', async () => {
  const files = memoryFiles(1)
  await manySegments(files)
  const copy = files.copy()
  const [, second] = segmentFiles(files)
  assert(second !== undefined)
  const bytes = copy.read(second)
  // Both headers rewritten with another log id and a right checksum, as a file restored from elsewhere would have.
  const { encodeSegmentHeader } = await import('../../../src/storage/segment-log/layout.ts')
  bytes.set(encodeSegmentHeader({ version: 1, logId: 4711, sequence: 2 }), 0)
  copy.write(second, bytes)
  assert.deepEqual(damagedGroups(openLog(copy, 4096)), [UNKNOWN_GROUP, 1, 2, 3])
})

test('a newer format is refused by name', async () => {
  const files = memoryFiles(1)
  await threeGroups(files, 2)
  const { encodeSegmentHeader } = await import('../../../src/storage/segment-log/layout.ts')
  const bytes = files.read(onlyFile(files))
  bytes.set(encodeSegmentHeader({ version: 2, logId: 1, sequence: 1 }), 0)
  files.write(onlyFile(files), bytes)
  assert.throws(
    () => openLog(files),
    (error) => error instanceof LogStoreError && error.code === 'UNSUPPORTED_VERSION' && /format 2/.test(error.message),
  )
  assert.deepEqual(files.read(onlyFile(files)), bytes, 'a refused log was changed')
})

test('an entry that holds a copy of the log itself does not confuse recovery', async () => {
  const files = memoryFiles(1)
  const { log, states } = await threeGroups(files, 3)
  const image = files.read(onlyFile(files))
  const one = log.groups().get(1)
  assert(one !== undefined)
  one.append([{ index: one.lastIndex() + 1, term: 9, type: 'normal', data: image }], undefined)
  const offset = sizeOf(files)
  await sync(log)
  const end = sizeOf(files)
  for (let size = offset + 1; size < end; size += 7) {
    const { state, damaged } = reopened(files, (copy) => copy.truncate(onlyFile(copy), size))
    assert.equal(state, at(states, -1))
    assert.deepEqual(damaged, [])
  }
})

test('a record that rots while the log is open is noticed when it is read', async () => {
  const files = memoryFiles(1)
  const log = openLog(files, 64 * 1024, 0)
  const one = log.create(1, 1, { index: 0, term: 0 })
  const other = log.create(2, 1, { index: 0, term: 0 })
  await sync(log)
  one.append(entriesOf(1, 3), undefined)
  const offset = sizeOf(files)
  await sync(log)
  other.append(entriesOf(1, 3), undefined)
  await sync(log)
  files.flipBit(onlyFile(files), offset + 100, 5)
  assert.throws(
    () => one.entries(1, 3, 1000),
    (error) => error instanceof LogStoreError && error.code === 'DAMAGED',
  )
  assert.deepEqual(damagedGroups(log), [1])
  assert.deepEqual(picture(other).entries, entriesOf(1, 3).map(describeEntry))
})
