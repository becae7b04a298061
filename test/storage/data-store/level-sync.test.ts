/**
 * Each batch asks LevelDB to sync before it reports. Killing processes cannot tell: what they wrote outlives them in the kernel, and only lost power
 * would show it. So this looks at what LevelDB is asked for.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { LevelKvStore } from '../../../src/storage/level/index.ts'
import { bytes } from './support.ts'

test('LevelDB is asked to sync every batch', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'flotilla-sync-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const probe = new ClassicLevel(path.join(dir, 'probe'))
  await probe.open()
  const batch = probe.batch()
  const hooks = Object.getPrototypeOf(batch) as { _write(options: { sync?: boolean }): Promise<void> }
  await batch.close()
  await probe.close()
  const original = hooks._write
  const asked: (boolean | undefined)[] = []
  t.mock.method(hooks, '_write', function record(this: unknown, options: { sync?: boolean }) {
    asked.push(options.sync)
    return original.call(this, options)
  })
  const kv = await LevelKvStore.open({
    directory: path.join(dir, 'data'),
    cacheBytes: 1 << 20,
    writeBufferBytes: 1 << 20,
  })
  try {
    for (const key of ['a', 'b', 'c']) {
      const changes = kv.batch()
      changes.put(key, bytes('value'))
      await changes.write()
    }
  } finally {
    await kv.close()
  }
  assert.deepEqual(asked, [true, true, true])
})
