import assert from 'node:assert/strict'
import test from 'node:test'
import { LogStoreError } from '../../../src/storage/index.ts'
import { entriesOf, memoryFiles, openLog, pictures, sync, syncOutcome } from './support.ts'

/** A write or an fdatasync that fails ends the log for good, says why, and takes nothing with it that was acknowledged. */
const cases = [
  { operation: 'write', code: 'EIO', expected: 'IO_ERROR' },
  { operation: 'write', code: 'ENOSPC', expected: 'DISK_FULL' },
  { operation: 'write', code: 'EDQUOT', expected: 'DISK_FULL' },
  { operation: 'sync', code: 'EIO', expected: 'IO_ERROR' },
  { operation: 'sync', code: 'ENOSPC', expected: 'DISK_FULL' },
  { operation: 'open', code: 'EMFILE', expected: 'IO_ERROR' },
  { operation: 'open', code: 'ENOSPC', expected: 'DISK_FULL' },
] as const

for (const { operation, code, expected } of cases) {
  test(`${code} at ${operation} ends the log with ${expected}`, async () => {
    for (let seed = 0; seed < 10; seed++) {
      const files = memoryFiles(seed)
      // A segment of this size is full after the first batch, so that the next one has to open a file.
      const log = openLog(files, 4096)
      const group = log.create(1, 1, { index: 0, term: 0 })
      group.append(entriesOf(1, 100, 1, 100), undefined)
      await sync(log)
      const acknowledged = pictures(log)
      files.break(operation, code)
      group.append(entriesOf(101, 103), undefined)
      const running = pictures(log)
      const error = await syncOutcome(log)
      assert.equal(error?.code, expected)
      assert.match(error?.message ?? '', new RegExp(code))
      files.heal()
      group.append(entriesOf(104, 104), undefined)
      assert.equal(await syncOutcome(log), error, 'a dead log came back to life')
      log.collectGarbage()
      await log.close()
      files.crash()
      const found = pictures(openLog(files))
      assert([acknowledged, running].some((state) => JSON.stringify(state) === JSON.stringify(found)))
    }
  })
}

test('a disk that fills up ends the log with DISK_FULL, and opens again with what was acknowledged', async () => {
  const files = memoryFiles(1)
  const log = openLog(files, 4096)
  files.capacityBytes = 20_000
  const group = log.create(1, 1, { index: 0, term: 0 })
  let acknowledged = pictures(log)
  let error: LogStoreError | undefined
  while (error === undefined) {
    const next = group.lastIndex() + 1
    group.append(entriesOf(next, next + 9), undefined)
    const state = pictures(log)
    error = await syncOutcome(log)
    if (error === undefined) acknowledged = state
  }
  assert.equal(error.code, 'DISK_FULL')
  assert.match(error.message, /free space/)
  await log.close()
  files.heal()
  files.crash()
  assert.deepEqual(pictures(openLog(files)), acknowledged)
})

test('opening reports what the disk says', () => {
  const files = memoryFiles(1)
  files.break('truncate', 'EIO')
  files.write('log/0000000000000001.segment', new Uint8Array(10))
  files.break('open', 'EACCES')
  assert.throws(
    () => openLog(files),
    (error) => error instanceof LogStoreError && error.code === 'IO_ERROR' && /EACCES/.test(error.message),
  )
})

test('a file that cannot be removed costs nothing but its space', async () => {
  const files = memoryFiles(1)
  const log = openLog(files, 4096)
  const group = log.create(1, 1, { index: 0, term: 0 })
  group.append(entriesOf(1, 100, 1, 100), undefined)
  await sync(log)
  group.append(entriesOf(101, 101), undefined)
  group.compact(100)
  await sync(log)
  files.break('remove', 'EPERM')
  for (let i = 0; i < 3; i++) {
    log.collectGarbage()
    await sync(log)
  }
  const before = pictures(log)
  await log.close()
  files.heal()
  assert.equal(files.list('log').length, 2)
  assert.deepEqual(pictures(openLog(files)), before)
  assert.equal(files.list('log').length, 1)
})
