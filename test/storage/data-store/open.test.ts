/** What opening refuses, with which code and cure; and the snapshot format's refusal of versions it does not know. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { DataStoreError, MemoryDisk } from '../../../src/storage/index.ts'
import { FORMAT_KEY } from '../../../src/storage/layout.ts'
import { openRocksKvStore } from '../../../src/storage/rocks/index.ts'
import { bytes, openKv, openStore, temporaryDirectory, withCode } from './support.ts'

test('a directory that another process has open is refused, and opens once that process is gone', async () => {
  const engine = { kind: 'classic-level', directory: temporaryDirectory() } as const
  const child = fileURLToPath(new URL('./kill-child.ts', import.meta.url))
  const args = ['--import', 'tsx', child, JSON.stringify(engine), 'flush']
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(holder.stdout, 'data')
    await assert.rejects(openStore(engine), withCode('STORE_LOCKED'))
  } finally {
    const closed = once(holder, 'close')
    holder.kill('SIGKILL')
    await closed
  }
  await (await openStore(engine)).close()
})

test('a directory of another format version, or of somebody else, is refused', async () => {
  for (const [key, value] of [
    [FORMAT_KEY, Buffer.from([0, 99])],
    [FORMAT_KEY, Buffer.from([1])],
    ['somebody', bytes('else')],
  ] as const) {
    const engine = { kind: 'memory', disk: new MemoryDisk() } as const
    const kv = await openKv(engine)
    const batch = kv.batch()
    batch.put(key, value)
    await batch.write()
    await assert.rejects(openStore(engine), withCode('UNSUPPORTED_VERSION'))
  }
})

test('an engine that is not installed is refused with a cure', async () => {
  const directory = temporaryDirectory()
  const opening = openRocksKvStore(`${directory}/rocks`, directory)
  await assert.rejects(opening, (error: unknown) => {
    return (
      error instanceof DataStoreError &&
      error.code === 'ENGINE_UNAVAILABLE' &&
      /npm install rocksdb/.test(error.message)
    )
  })
})

test('a snapshot of an unknown format version, or of unknown chunks, is refused as such', async () => {
  const from = await openStore({ kind: 'memory', disk: new MemoryDisk() })
  from.put(7, 'k', bytes('1'))
  from.setState(7, bytes('one'))
  const snapshot = from.exportSnapshot(7, { start: '', end: undefined })
  const header = await snapshot.next()
  assert.ok(header !== undefined)
  // The version of the header's payload, the kind, and the compression of the chunk.
  for (const [offset, value] of [
    [29, 2],
    [8, 9],
    [9, 7],
  ] as const) {
    const changed = Buffer.from(header)
    changed[offset] = value
    changed.writeUInt32BE(crc32(changed.subarray(4)), 0)
    const receiving = from.importSnapshot(7)
    await assert.rejects(receiving.write(changed), withCode('UNSUPPORTED_VERSION'))
    await receiving.cancel()
  }
  snapshot.cancel()
  await from.close()
})
