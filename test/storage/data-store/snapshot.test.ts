/** Snapshots on every engine: round trips, damage, cancellation, one moment under concurrent writes, interrupted installs. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { LIMITS } from '../../../src/base/index.ts'
import type { DataEngine, DataStore, KeyRange, SnapshotExport } from '../../../src/storage/index.ts'
import { bytes, type EngineUnderTest, engines, openStore, text, withCode } from './support.ts'

const ALL: KeyRange = { start: '', end: undefined }

async function collect(snapshot: SnapshotExport): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for (let chunk = await snapshot.next(); chunk !== undefined; chunk = await snapshot.next()) {
    assert.ok(chunk.length <= LIMITS.snapshotChunkBytesMax, `a chunk of ${chunk.length} bytes`)
    chunks.push(chunk)
  }
  assert.equal(await snapshot.next(), undefined)
  return chunks
}

async function readAll(store: DataStore, range: KeyRange = ALL): Promise<Map<string, Uint8Array>> {
  const all = new Map<string, Uint8Array>()
  let start = range.start
  for (;;) {
    const page = await store.scan({
      start,
      end: range.end,
      reverse: false,
      itemsMax: 1000,
      bytesMax: 4 << 20,
      keysOnly: false,
    })
    for (const { key, value } of page.items) all.set(key, value)
    const last = page.items.at(-1)
    if (!page.more || last === undefined) return all
    start = `${last.key}\x00`
  }
}

function sameRecords(actual: Map<string, Uint8Array>, expected: Map<string, Uint8Array>): void {
  assert.deepEqual([...actual.keys()], [...expected.keys()].sort())
  for (const [key, value] of expected)
    assert.ok(Buffer.compare(actual.get(key) ?? Buffer.alloc(0), value) === 0, `value of ${key}`)
}

/** Bytes that no compression shrinks, the same every time. */
function noise(length: number, seed: number): Buffer {
  const result = Buffer.allocUnsafe(length)
  let state = seed * 2654435761 + 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    result[i] = state >>> 24
  }
  return result
}

const CONTENTS: Record<string, Map<string, Uint8Array>> = {
  nothing: new Map(),
  'one empty value': new Map([['k', new Uint8Array(0)]]),
  'small records': new Map(Array.from({ length: 5000 }, (_, i) => [`k${i}`, bytes(`{"number":${i}}`)])),
  'values larger than a chunk': new Map([
    ['ka', noise(LIMITS.valueBytesMax, 1)],
    ['kb', Buffer.alloc(LIMITS.valueBytesMax, 1)],
    ['kc', noise(LIMITS.snapshotChunkBytesMax - 20, 2)],
    ['kd', noise(3, 3)],
  ]),
  'several chunks of noise': new Map(Array.from({ length: 3000 }, (_, i) => [`k${i}`, noise(700 + (i % 97), i)])),
  'keys of any bytes': new Map(
    Array.from({ length: 256 }, (_, i) => [`k${String.fromCharCode(i, 255 - i)}`, noise(i, i)]),
  ),
}

function fill(store: DataStore, group: number, records: Map<string, Uint8Array>, state: string): void {
  for (const [key, value] of records) store.put(group, key, value)
  store.setState(group, bytes(state))
}

async function transfer(chunks: readonly Uint8Array[], to: DataStore, group: number) {
  const receiving = to.importSnapshot(group)
  for (const chunk of chunks) await receiving.write(chunk)
  return receiving
}

for (const engine of engines) {
  describe(`snapshots on ${engine.name}`, { skip: engine.missing ?? false }, () => {
    const open = (t: TestContext, where = engine.place()): Promise<DataStore> => openClosing(t, where)

    for (const [what, records] of Object.entries(CONTENTS)) {
      test(`a snapshot of ${what} arrives whole, and replaces what was there`, async (t) => {
        const from = await open(t)
        fill(from, 7, records, 'state of 7')
        fill(from, 9, new Map([['x', bytes('not in the snapshot')]]), 'state of 9')
        const snapshot = from.exportSnapshot(7, { start: 'k', end: 'l' })
        const chunks = await collect(snapshot)
        assert.equal(text(await snapshot.state), 'state of 7')

        const where = engine.place()
        const to = await open(t, where)
        fill(
          to,
          7,
          new Map([
            ['k', bytes('old')],
            ['kzz', bytes('old')],
          ]),
          'old state',
        )
        await to.flush()
        fill(to, 7, new Map([['kzzz', bytes('unflushed')]]), 'newer old state')
        fill(
          to,
          9,
          new Map([
            ['a', bytes('stays')],
            ['z', bytes('stays')],
          ]),
          'nine',
        )
        to.put(7, 'kzzzz', bytes('uncovered'))
        const receiving = await transfer(chunks, to, 7)
        assert.equal(text(await receiving.finish()), 'state of 7')
        assert.equal(text(to.state(7)), 'newer old state')
        await receiving.install({ start: 'k', end: 'l' }, bytes('installed'))
        const check = async (store: DataStore): Promise<void> => {
          sameRecords(await readAll(store, { start: 'k', end: 'l' }), records)
          assert.equal(text(store.state(7)), 'installed')
          assert.equal(text(store.durableState(7)), 'installed')
          assert.deepEqual((await store.getMany(['a', 'z', 'x'])).map(text), ['stays', 'stays', undefined])
        }
        await check(to)
        await to.close()
        await check(await open(t, where))
        assert.deepEqual(stagingFiles(where), [])
      })
    }

    test('a large state record travels in chunks of its own', async (t) => {
      const from = await open(t)
      const state = noise(1_300_000, 5)
      from.setState(7, state)
      const snapshot = from.exportSnapshot(7, ALL)
      assert.ok(state.equals(await snapshot.state))
      const to = await open(t)
      const receiving = await transfer(await collect(snapshot), to, 7)
      assert.ok(state.equals(await receiving.finish()))
      await receiving.install(ALL, state)
      assert.ok(state.equals(to.state(7) ?? bytes('')))
    })

    test('records of the snapshot outside the installed range are left out', async (t) => {
      const from = await open(t)
      fill(
        from,
        7,
        new Map([
          ['a', bytes('1')],
          ['b', bytes('1')],
          ['c', bytes('1')],
        ]),
        'wide',
      )
      const to = await open(t)
      fill(
        to,
        9,
        new Map([
          ['a', bytes('of nine')],
          ['c', bytes('of nine')],
        ]),
        'nine',
      )
      const receiving = await transfer(await collect(from.exportSnapshot(7, ALL)), to, 7)
      await receiving.finish()
      await receiving.install({ start: 'b', end: 'c' }, bytes('narrow'))
      assert.deepEqual((await to.getMany(['a', 'b', 'c'])).map(text), ['of nine', '1', 'of nine'])
    })

    test('an install waits for the flush that still holds writes of its group', async (t) => {
      const from = await open(t)
      fill(from, 7, new Map([['k', bytes('new')]]), 'new')
      const where = engine.place()
      const to = await open(t, where)
      const receiving = await transfer(await collect(from.exportSnapshot(7, ALL)), to, 7)
      await receiving.finish()
      // More than one slice, so that the flush is still filling its batch when the install starts.
      fill(to, 7, new Map(Array.from({ length: 3000 }, (_, i) => [`k${i}`, bytes('old')])), 'old')
      const flushing = to.flush()
      to.put(7, 'kk', bytes('unflushed'))
      await receiving.install(ALL, bytes('new'))
      await flushing
      sameRecords(await readAll(to), new Map([['k', bytes('new')]]))
      await to.close()
      const after = await open(t, where)
      sameRecords(await readAll(after), new Map([['k', bytes('new')]]))
      assert.equal(text(after.state(7)), 'new')
    })

    test('a group without a state record has no snapshot', async (t) => {
      const store = await open(t)
      store.put(7, 'k', bytes('uncovered'))
      const snapshot = store.exportSnapshot(7, ALL)
      await assert.rejects(snapshot.next(), withCode('NO_STATE'))
      await assert.rejects(snapshot.state, withCode('NO_STATE'))
    })

    test('an export under concurrent writes is of one moment', async (t) => {
      const store = await open(t)
      const write = (round: number): void => {
        for (let i = 0; i < 400; i++) store.put(7, `k${i}`, bytes(`${round} ${'x'.repeat(i)}`))
        store.setState(7, bytes(String(round)))
      }
      write(0)
      let stop = false
      const writing = (async () => {
        for (let round = 1; !stop; round++) {
          write(round)
          await store.flush()
          // The memory engine flushes without leaving this turn of the loop; everybody else needs one.
          await new Promise(setImmediate)
        }
      })()
      for (let attempt = 0; attempt < 5; attempt++) {
        const snapshot = store.exportSnapshot(7, ALL)
        const chunks = await collect(snapshot)
        const to = await open(t)
        const receiving = await transfer(chunks, to, 7)
        const state = await receiving.finish()
        await receiving.install(ALL, state)
        const rounds = new Set([...(await readAll(to)).values()].map((value) => text(value)?.split(' ')[0]))
        assert.deepEqual([...rounds], [text(state)])
      }
      stop = true
      await writing
    })

    describe('refuses', () => {
      const exported = async (t: TestContext): Promise<Uint8Array[]> => {
        const from = await open(t)
        fill(from, 7, CONTENTS['several chunks of noise'] ?? new Map(), 'state')
        const chunks = await collect(from.exportSnapshot(7, ALL))
        assert.ok(chunks.length >= 6, `${chunks.length} chunks`)
        return chunks
      }
      const refused = async (
        t: TestContext,
        chunks: readonly Uint8Array[],
        group = 7,
        code = 'SNAPSHOT_DAMAGED',
      ): Promise<void> => {
        const where = engine.place()
        const to = await open(t, where)
        fill(to, 7, new Map([['k1', bytes('old')]]), 'old')
        const receiving = to.importSnapshot(group)
        const attempt = async (): Promise<void> => {
          for (const chunk of chunks) await receiving.write(chunk)
          await receiving.finish()
        }
        await assert.rejects(attempt(), withCode(code))
        await assert.rejects(receiving.finish(), withCode(code))
        await receiving.cancel()
        await receiving.cancel()
        assert.deepEqual(stagingFiles(where), [])
        sameRecords(await readAll(to), new Map([['k1', bytes('old')]]))
        assert.equal(text(to.state(7)), 'old')
      }

      test('a flipped bit in any field of any chunk', async (t) => {
        const chunks = await exported(t)
        for (const position of [0, 1, Math.floor(chunks.length / 2), chunks.length - 1]) {
          for (const offset of [0, 5, 8, 9, 14, 18, 22, (chunks[position]?.length ?? 0) - 1]) {
            const damaged = chunks.map((chunk, i) => (i === position ? Buffer.from(chunk) : chunk))
            const victim = damaged[position]
            if (victim !== undefined) victim[offset] = (victim[offset] ?? 0) ^ 4
            await refused(t, damaged.slice(0, position + 1).concat(damaged.slice(position + 1)))
          }
        }
      })

      test('missing, repeated, reordered, truncated and superfluous chunks', async (t) => {
        const chunks = await exported(t)
        const last = chunks.length - 1
        await refused(t, [])
        await refused(t, chunks.slice(1))
        await refused(t, chunks.slice(0, last))
        await refused(t, [...chunks.slice(0, 2), ...chunks.slice(3)])
        await refused(t, [...chunks.slice(0, 2), ...chunks.slice(1)])
        await refused(t, [...chunks.slice(0, 2), ...chunks.slice(2, 4).reverse(), ...chunks.slice(4)])
        await refused(t, [...chunks.slice(0, 2), (chunks[2] ?? bytes('')).subarray(0, 100)])
        await refused(t, [bytes('short')])
        await refused(t, [...chunks.slice(0, -1), ...chunks.slice(-1), ...chunks.slice(-1)])
      })

      test('chunks of another export of the same group, and of another group', async (t) => {
        const [first, second] = [await exported(t), await exportedOther(t)]
        await refused(t, [...first.slice(0, 3), ...second.slice(3)])
        await refused(t, first, 8)
      })

      const exportedOther = async (t: TestContext): Promise<Uint8Array[]> => {
        const from = await open(t)
        const other = new Map(
          Array.from({ length: 3000 }, (_, i) => [`k${i}`, noise(700 + (i % 97), i + 5000)] as const),
        )
        fill(from, 7, other, 'state')
        return await collect(from.exportSnapshot(7, ALL))
      }
    })

    test('an export can be cancelled before, between and after chunks', async (t) => {
      const store = await open(t)
      fill(store, 7, CONTENTS['several chunks of noise'] ?? new Map(), 'state')
      for (const taken of [0, 1, 2, 4]) {
        const snapshot = store.exportSnapshot(7, ALL)
        for (let i = 0; i < taken; i++) assert.ok((await snapshot.next()) !== undefined)
        snapshot.cancel()
        await assert.rejects(snapshot.next(), withCode('CANCELLED'))
        snapshot.cancel()
      }
      const waiting = store.exportSnapshot(7, ALL)
      const first = waiting.next()
      waiting.cancel()
      await first.catch((error: unknown) => assert.ok(withCode('CANCELLED')(error)))
      const complete = store.exportSnapshot(7, ALL)
      await collect(complete)
      complete.cancel()
      // Nothing that was cancelled keeps the store from closing.
      store.exportSnapshot(7, ALL)
      await store.close()
    })

    test('an import can be cancelled at each point, and leaves nothing', async (t) => {
      const from = await open(t)
      fill(from, 7, CONTENTS['several chunks of noise'] ?? new Map(), 'state')
      const chunks = await collect(from.exportSnapshot(7, ALL))
      const where = engine.place()
      const to = await open(t, where)
      for (let written = 0; written <= chunks.length; written += 2) {
        const receiving = await transfer(chunks.slice(0, written), to, 7)
        await receiving.cancel()
        await assert.rejects(receiving.write(chunks[0] ?? bytes('')), withCode('CANCELLED'))
      }
      const finished = await transfer(chunks, to, 7)
      await finished.finish()
      await finished.cancel()
      assert.deepEqual(stagingFiles(where), [])
      await transfer(chunks.slice(0, 3), to, 7)
      await to.close()
      assert.deepEqual(stagingFiles(where), [])
    })
  })
}

async function openClosing(t: TestContext, where: DataEngine): Promise<DataStore> {
  const store = await openStore(where)
  t.after(() => store.close().catch(() => {}))
  return store
}

function stagingFiles(where: ReturnType<EngineUnderTest['place']>): string[] {
  return where.kind === 'memory' ? [...where.disk.files.keys()] : readdirSync(path.join(where.directory, 'snapshots'))
}
