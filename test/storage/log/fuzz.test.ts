import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { silentLogger } from '../../../src/base/index.ts'
import { LogStoreError, type MemoryFiles, openSegmentLog } from '../../../src/storage/index.ts'
import { encodeSegmentHeader } from '../../../src/storage/segment-log/layout.ts'
import { entriesOf, hardState, memoryFiles, pictures, segmentFiles, sync } from './support.ts'

/** Any bytes in a segment give a typed result: a log, a report of damage, or a LogStoreError. Never a crash, never a hang. */
const LOG_ID = 99

function open(files: MemoryFiles) {
  return openSegmentLog({
    files,
    segmentBytes: 4096,
    random: { below: () => LOG_ID },
    logger: silentLogger,
  })
}

/** Opens and reads everything; says whether the log is usable. */
async function survives(files: MemoryFiles): Promise<void> {
  try {
    const log = open(files)
    pictures(log)
    for (const { group } of [...log.damaged()]) log.destroy(group)
    log.create(77, 1, { index: 0, term: 0 }).append(entriesOf(1, 2), undefined)
    await sync(log)
    for (let i = 0; i < 3; i++) {
      log.collectGarbage()
      await sync(log)
    }
    const before = pictures(log)
    await log.close()
    const again = open(files)
    assert.deepEqual(pictures(again), before, 'what was acknowledged after the damage is gone')
  } catch (error) {
    if (!(error instanceof LogStoreError)) throw error
  }
}

test('random bytes behind a valid header', async () => {
  const header = encodeSegmentHeader({ version: 1, logId: LOG_ID, sequence: 1 })
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2000, size: 'max' }), fc.boolean(), async (bytes, withHeader) => {
      const files = memoryFiles(1)
      files.write('log/0000000000000001.segment', withHeader ? Buffer.concat([header, bytes]) : bytes)
      await survives(files)
    }),
    { numRuns: 300 },
  )
})

test('random changes of a real log', async () => {
  const original = memoryFiles(1)
  const log = open(original)
  for (const group of [1, 2, 3]) log.create(group, group, { index: 0, term: 0 })
  for (let round = 1; round <= 30; round++) {
    for (const [group, one] of log.groups()) {
      const next = one.lastIndex() + 1
      one.append(entriesOf(next, next + 2, round), hardState(round, group, next - 1))
      if (round % 8 === 0) one.compact(next)
    }
    await sync(log)
  }
  const count = segmentFiles(original).length
  const change = fc.record({
    kind: fc.constantFrom('overwrite' as const, 'cut' as const, 'insert' as const, 'remove' as const, 'swap' as const),
    file: fc.nat({ max: count - 1 }),
    where: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const files = original.copy()
      for (const { kind, file, where, bytes } of changes) {
        const path = segmentFiles(files)[file]
        if (path === undefined) continue
        const old = files.read(path)
        const at = old.length === 0 ? 0 : where % old.length
        switch (kind) {
          case 'overwrite':
            old.set(bytes.subarray(0, old.length - at), at)
            files.write(path, old)
            break
          case 'cut':
            files.truncate(path, at)
            break
          case 'insert':
            files.write(path, Buffer.concat([old.subarray(0, at), bytes, old.subarray(at)]))
            break
          case 'remove':
            files.remove(path)
            break
          case 'swap':
            files.write(path, files.read(segmentFiles(files)[where % segmentFiles(files).length] ?? path))
            break
        }
      }
      await survives(files)
    }),
    { numRuns: 400, includeErrorInReport: true },
  )
})

test('a file full of batch magics takes linear time', () => {
  const files = memoryFiles(1)
  const bytes = Buffer.alloc(4 * 1024 * 1024, 'BTCH')
  bytes.set(encodeSegmentHeader({ version: 1, logId: LOG_ID, sequence: 1 }), 0)
  files.write('log/0000000000000001.segment', bytes)
  assert.equal(open(files).damaged().length, 1)
})

test('a stray file with a high number is an error, not an endless search', async () => {
  const files = memoryFiles(1)
  const log = open(files)
  log.create(1, 1, { index: 0, term: 0 })
  await sync(log)
  await log.close()
  files.write('log/001ffffffffffff0.segment', new Uint8Array(100).fill(1))
  assert.throws(
    () => open(files),
    (error) => error instanceof LogStoreError && error.code === 'DAMAGED' && /remove/.test(error.message),
  )
})
