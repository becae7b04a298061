/**
 * What the data store's operations cost on one thread: writes into the overlay, reads from overlay and engine, scans, flushes. Prints one line each. Run:
 * `node --expose-gc --import tsx bench/micro/data-store.ts [classic-level|memory]`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Clock } from '../../src/base/index.ts'
import { type DataEngine, type DataStore, MemoryDisk, openDataStore } from '../../src/storage/index.ts'

const KEYS = 100_000
const VALUE_BYTES = 256

const clock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
  soon: (run) => {
    setImmediate(run)
  },
}

function report(what: string, count: number, startedMs: number, cpu: NodeJS.CpuUsage): void {
  const wallUs = ((performance.now() - startedMs) * 1000) / count
  const used = process.cpuUsage(cpu)
  const cpuUs = (used.user + used.system) / count
  console.log(
    `${what.padEnd(58)} ${wallUs.toFixed(2).padStart(9)} us  ${cpuUs.toFixed(2).padStart(9)} us CPU of all threads`,
  )
}

async function measure(what: string, count: number, run: () => Promise<void> | void): Promise<void> {
  globalThis.gc?.()
  const cpu = process.cpuUsage()
  const startedMs = performance.now()
  await run()
  report(what, count, startedMs, cpu)
}

function keyOf(i: number): string {
  return `user/${String((i * 7919) % KEYS).padStart(10, '0')}`
}

async function flushInPieces(store: DataStore, keys: readonly string[], values: readonly Uint8Array[]): Promise<void> {
  for (let i = 0; i < keys.length; i++) {
    store.put(1, keys[i] as string, values[i % values.length] as Uint8Array)
    if (i % 20_000 !== 19_999) continue
    store.setState(1, Buffer.from(String(i)))
    await store.flush()
  }
}

async function main(engine: DataEngine): Promise<void> {
  const onFatal = (error: Error): never => {
    throw error
  }
  const store = await openDataStore({ engine, overlayBytes: 64 << 20, clock, onFatal })
  const keys = Array.from({ length: KEYS }, (_, i) => keyOf(i))
  // Values as they arrive: views of half a frame, next to each other.
  const frame = Buffer.alloc(256 * 1024, 'v')
  const values = Array.from({ length: 1024 }, (_, i) => frame.subarray(i * VALUE_BYTES, (i + 1) * VALUE_BYTES))
  const own = Array.from({ length: 1024 }, () => Buffer.alloc(VALUE_BYTES, 'v'))

  const putAll = (from: readonly Uint8Array[]): void => {
    for (let i = 0; i < KEYS; i++) {
      store.put(1, keys[i] as string, from[i % from.length] as Uint8Array)
      if (i % 64 === 63) store.setState(1, own[0] as Uint8Array)
    }
  }
  await measure('put of new keys, state every 64', KEYS, () => putAll(own))
  await measure('put over keys in the overlay', KEYS, () => putAll(own))
  await measure('put over keys in the overlay, view of a 256 KiB frame', KEYS, () => putAll(values))
  await measure('peek', KEYS, () => {
    for (const key of keys) store.peek(key)
  })
  const page = { start: 'user/', end: undefined, reverse: false, itemsMax: 100, bytesMax: 1 << 20, keysOnly: false }
  await measure('first scan of 100 after 100,000 unsorted writes', 1, async () => {
    await store.scan(page)
  })
  await measure('scan of 100 from the overlay', 500, async () => {
    for (let i = 0; i < 500; i++) await store.scan({ ...page, start: keys[i] as string })
  })
  await measure('put of new keys while scans are seen', KEYS, () => {
    for (let i = 0; i < KEYS; i++) store.put(1, `z${keys[i]}`, own[i % 1024] as Uint8Array)
  })
  store.setState(1, Buffer.from('one'))
  const entries = 2 * KEYS
  let slowestSliceMs = 0
  await measure('flush, per record', entries, async () => {
    let last = performance.now()
    let running = true
    const watch = (): void => {
      const now = performance.now()
      slowestSliceMs = Math.max(slowestSliceMs, now - last)
      last = now
      if (running) setImmediate(watch)
    }
    setImmediate(watch)
    await store.flush()
    running = false
  })
  console.log(`  longest turn of the loop during that flush: ${slowestSliceMs.toFixed(1)} ms`)
  await measure('getMany of 100 from the engine, per key', KEYS, async () => {
    for (let i = 0; i < KEYS; i += 100) await store.getMany(keys.slice(i, i + 100))
  })
  await measure('getMany of 1 from the engine', 5000, async () => {
    for (let i = 0; i < 5000; i++) await store.getMany([keys[i] as string])
  })
  await measure('scan of 100 from the engine', 500, async () => {
    for (let i = 0; i < 500; i++) await store.scan({ ...page, start: keys[i] as string })
  })
  await measure('put and flush of 20,000 at a time, per record', KEYS, () => flushInPieces(store, keys, own))
  await store.close()
}

const kind = process.argv[2] ?? 'classic-level'
if (kind === 'memory') {
  await main({ kind: 'memory', disk: new MemoryDisk() })
} else {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'flotilla-bench-'))
  try {
    await main({ kind: 'classic-level', directory })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
