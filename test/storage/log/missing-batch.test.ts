/** A batch that is gone without a trace: neighbours that fit each other's bytes and not each other's numbers. See `damage.test.ts` for all other damage. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNKNOWN_GROUP } from '../../../src/storage/index.ts'
import { damagedGroups, entriesOf, hardState, memoryFiles, openLog, segmentFiles, sync } from './support.ts'

const SEGMENT_BYTES = 1024 * 1024

test('a missing batch is damage, also when it held no entry that its group would miss', async () => {
  const files = memoryFiles(1)
  const log = openLog(files, SEGMENT_BYTES)
  for (const group of [1, 2, 3]) log.create(group, group * 10, { index: 0, term: 0 })
  await sync(log)
  const [file] = segmentFiles(files)
  assert(file !== undefined)
  const offset = files.read(file).length
  // Only a vote: nothing that comes later follows from it.
  log
    .groups()
    .get(2)
    ?.append([], hardState(9, 3, 0))
  await sync(log)
  const end = files.read(file).length
  assert(end > offset)
  for (const [group, one] of log.groups()) one.append(entriesOf(1, 3, 10), hardState(10, group, 0))
  await sync(log)
  assert.deepEqual(damagedGroups(openLog(files.copy(), SEGMENT_BYTES)), [])
  const rest = files.read(file).slice(end)
  files.truncate(file, offset + rest.length)
  files.overwrite(file, offset, rest)
  assert.deepEqual(damagedGroups(openLog(files, SEGMENT_BYTES)), [UNKNOWN_GROUP, 1, 2, 3])
})
