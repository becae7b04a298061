/** What the data store's tests share: a clock on the real loop, one entry per engine, and small helpers. Each test gets a directory of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {
  type DataEngine,
  type DataStore,
  DataStoreError,
  MemoryDisk,
  openDataStore,
} from '../../../src/storage/index.ts'
import type { KvStore } from '../../../src/storage/kv-store.ts'
import { LevelKvStore } from '../../../src/storage/level/index.ts'
import { MemoryKvStore } from '../../../src/storage/memory/index.ts'
import { loadRocks, openRocksKvStore } from '../../../src/storage/rocks/index.ts'
import { testClock } from './clock.ts'

export const rocksModuleDirectory = process.env.FLOTILLA_ROCKSDB_DIR

/** One engine as the suites see it: places to put data, and how to open them. */
export interface EngineUnderTest {
  readonly name: string
  /** Why this engine cannot be tested here; printed. */
  readonly missing: string | undefined
  /** A new, empty place. */
  place(): DataEngine
}

const directories: string[] = []
// Not after each test: its hooks run in the order they were registered, so the directory would go before the store in it is closed.
process.on('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

export function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'flotilla-data-'))
  directories.push(directory)
  return directory
}

export function rocksEngine(directory: string): DataEngine {
  return rocksModuleDirectory === undefined
    ? { kind: 'rocksdb', directory }
    : { kind: 'rocksdb', directory, moduleDirectory: rocksModuleDirectory }
}

const whyNoRocks = await loadRocks(rocksModuleDirectory).then(
  () => undefined,
  (error: unknown) => (error instanceof DataStoreError ? error.message : String(error)),
)
if (whyNoRocks !== undefined) console.log(`rocksdb is not tested: ${whyNoRocks}`)

export const engines: readonly EngineUnderTest[] = [
  { name: 'memory', missing: undefined, place: () => ({ kind: 'memory', disk: new MemoryDisk() }) },
  {
    name: 'classic-level',
    missing: undefined,
    // Small buffers, so that tests meet table files and compactions.
    place: () => ({ kind: 'classic-level', directory: temporaryDirectory(), writeBufferBytes: 256 * 1024 }),
  },
  { name: 'rocksdb', missing: whyNoRocks, place: () => rocksEngine(temporaryDirectory()) },
]

export async function openKv(engine: DataEngine): Promise<KvStore> {
  switch (engine.kind) {
    case 'memory':
      return new MemoryKvStore(engine.disk)
    case 'classic-level': {
      const directory = path.join(engine.directory, 'level')
      return await LevelKvStore.open({ directory, cacheBytes: 1 << 20, writeBufferBytes: 1 << 18 })
    }
    case 'rocksdb':
      return await openRocksKvStore(path.join(engine.directory, 'rocks'), engine.moduleDirectory)
  }
}

export async function openStore(engine: DataEngine, overlayBytes = 32 << 20): Promise<DataStore> {
  return await openDataStore({
    engine,
    overlayBytes,
    clock: testClock,
    onFatal: (error) => {
      throw error
    },
  })
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text)
}

export function text(value: Uint8Array | null | undefined): string | undefined {
  return value === undefined || value === null ? undefined : Buffer.from(value).toString()
}

/** A predicate for `assert.rejects`. */
export function withCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof DataStoreError && error.code === code
}
