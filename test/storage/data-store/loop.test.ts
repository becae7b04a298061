/**
 * The loop of the main thread while 64 MiB of snapshot are exported, received and installed by workers, with foreground writes going on. The delays are
 * printed, not asserted: correctness must not depend on how busy a machine is.
 */
import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'
import { openStore, temporaryDirectory } from './support.ts'

const MIB = 1 << 20
const VALUE_BYTES = 4096
const VALUES = (64 * MIB) / VALUE_BYTES

test('64 MiB are exported and installed while the foreground goes on', async (t) => {
  const place = () => ({ kind: 'classic-level', directory: temporaryDirectory() }) as const
  const from = await openStore(place())
  const to = await openStore(place())
  const value = Buffer.alloc(VALUE_BYTES)
  for (let i = 0; i < VALUES; i++) {
    // Half of each value compresses, half does not.
    for (let j = 0; j < VALUE_BYTES / 2; j++) value[j] = (Math.imul(i * VALUE_BYTES + j, 2654435761) >>> 24) ^ (j * i)
    from.put(7, `k${String(i).padStart(8, '0')}`, Buffer.from(value))
    if (i % 4096 === 4095) {
      from.setState(7, Buffer.from(String(i)))
      await from.flush()
    }
  }
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  let foreground = 0
  let done = false
  const foregroundWork = (async () => {
    while (!done) {
      from.put(9, `z${foreground % 1000}`, Buffer.alloc(256))
      from.setState(9, Buffer.from(String(foreground)))
      foreground++
      if (foreground % 500 === 0) await from.flush()
      await new Promise(setImmediate)
    }
  })()
  const started = performance.now()
  const snapshot = from.exportSnapshot(7, { start: 'k', end: 'l' })
  const receiving = to.importSnapshot(7)
  let chunks = 0
  let bytes = 0
  for (let chunk = await snapshot.next(); chunk !== undefined; chunk = await snapshot.next()) {
    await receiving.write(chunk)
    chunks++
    bytes += chunk.length
  }
  const state = await receiving.finish()
  const transferred = performance.now()
  await receiving.install({ start: 'k', end: 'l' }, state)
  const installed = performance.now()
  done = true
  await foregroundWork
  delay.disable()
  t.diagnostic(
    `${chunks} chunks, ${(bytes / MIB).toFixed(1)} MiB: export and transfer ${(transferred - started).toFixed(0)} ms, ` +
      `install ${(installed - transferred).toFixed(0)} ms; loop delay p50 ${(delay.percentile(50) / 1e6).toFixed(1)} ms, ` +
      `p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, max ${(delay.max / 1e6).toFixed(1)} ms; ${foreground} foreground turns`,
  )
  assert.ok(foreground > 0)
  let found = 0
  let start = 'k'
  for (;;) {
    const page = await to.scan({ start, end: 'l', reverse: false, itemsMax: 1000, bytesMax: 8 * MIB, keysOnly: false })
    for (const item of page.items) assert.equal(item.value.length, VALUE_BYTES)
    found += page.items.length
    const last = page.items.at(-1)
    if (!page.more || last === undefined) break
    start = `${last.key}\x00`
  }
  assert.equal(found, VALUES)
  await from.close()
  await to.close()
})
