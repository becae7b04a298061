/** The conformance suite of the `DataStore` port, on every engine: reads, writes, state records, flushes, scans. Snapshots have their own suite. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { DataEngine, DataStore, ScanOptions } from '../../../src/storage/index.ts'
import { bytes, engines, openStore, text } from './support.ts'

const PAGE: ScanOptions = {
  start: '',
  end: undefined,
  reverse: false,
  itemsMax: 1000,
  bytesMax: 1 << 20,
  keysOnly: false,
}

async function scanText(store: DataStore, options: Partial<ScanOptions> = {}): Promise<string> {
  const page = await store.scan({ ...PAGE, ...options })
  return page.items.map(({ key, value }) => key + text(value)).join(' ') + (page.more ? ' ...' : '')
}

for (const engine of engines) {
  describe(`DataStore on ${engine.name}`, { skip: engine.missing ?? false }, () => {
    const open = async (t: TestContext, where: DataEngine = engine.place()): Promise<DataStore> => {
      const store = await openStore(where)
      t.after(() => store.close().catch(() => {}))
      return store
    }

    test('a write is visible at once: peek, getMany, scan', async (t) => {
      const store = await open(t)
      assert.equal(store.peek('a'), undefined)
      store.put(7, 'a', bytes('1'))
      store.put(7, 'b', bytes('2'))
      store.delete(7, 'b')
      assert.equal(text(store.peek('a')), '1')
      assert.equal(store.peek('b'), null)
      assert.deepEqual((await store.getMany(['b', 'a', 'c'])).map(text), [undefined, '1', undefined])
      assert.equal(await scanText(store), 'a1')
    })

    test('reads are the same before, during and after a flush', async (t) => {
      const store = await open(t)
      store.put(7, 'a', bytes('1'))
      store.put(7, 'b', bytes('1'))
      store.setState(7, bytes('one'))
      await store.flush()
      store.put(7, 'b', bytes('2'))
      store.delete(7, 'a')
      store.put(7, 'c', bytes('2'))
      store.setState(7, bytes('two'))
      const seen = async (): Promise<string> =>
        `${(await store.getMany(['a', 'b', 'c'])).map(text)} | ${await scanText(store)}`
      const expected = ',2,2 | b2 c2'
      assert.equal(await seen(), expected)
      const flushing = store.flush()
      assert.equal(await seen(), expected)
      await flushing
      assert.equal(await seen(), expected)
      assert.equal(store.peek('b'), undefined)
    })

    test('a read answers as of the moment of the call', async (t) => {
      const store = await open(t)
      store.put(7, 'a', bytes('1'))
      store.put(7, 'b', bytes('1'))
      store.setState(7, bytes('one'))
      await store.flush()
      store.put(7, 'b', bytes('2'))
      const reading = store.getMany(['a', 'b'])
      const scanning = scanText(store)
      store.put(7, 'a', bytes('3'))
      store.delete(7, 'b')
      store.setState(7, bytes('two'))
      const flushing = store.flush()
      assert.deepEqual((await reading).map(text), ['1', '2'])
      assert.equal(await scanning, 'a1 b2')
      await flushing
      assert.equal(await scanText(store), 'a3')
    })

    test('state records are replaced at once and durable with the flush', async (t) => {
      const where = engine.place()
      const store = await open(t, where)
      assert.equal(store.state(7), undefined)
      store.put(7, 'a', bytes('1'))
      store.setState(7, bytes('one'))
      store.put(9, 'x', bytes('1'))
      store.setState(9, bytes('nine'))
      assert.equal(text(store.state(7)), 'one')
      assert.equal(store.durableState(7), undefined)
      const flushing = store.flush()
      store.setState(7, bytes('two'))
      await flushing
      assert.equal(text(store.durableState(7)), 'one')
      assert.equal(text(store.state(7)), 'two')
      assert.deepEqual([...store.groups()].sort(), [7, 9])
      await store.flush()
      assert.equal(text(store.durableState(7)), 'two')
      await store.close()
      const again = await open(t, where)
      assert.deepEqual([...again.groups()].sort(), [7, 9])
      assert.equal(text(again.state(7)), 'two')
      assert.equal(text(again.durableState(9)), 'nine')
      assert.equal(await scanText(again), 'a1 x1')
      assert.deepEqual(again.damaged(), [])
    })

    test('a flush leaves out what no state record covers, and keeps what that replaced', async (t) => {
      const where = engine.place()
      const store = await open(t, where)
      store.put(7, 'a', bytes('covered'))
      store.put(7, 'b', bytes('covered'))
      store.put(7, 'c', bytes('covered'))
      store.setState(7, bytes('one'))
      store.put(7, 'a', bytes('later'))
      store.put(7, 'a', bytes('latest'))
      store.delete(7, 'b')
      store.put(7, 'd', bytes('later'))
      store.put(9, 'x', bytes('covered'))
      store.setState(9, bytes('nine'))
      await store.flush()
      assert.equal(await scanText(store), 'alatest ccovered dlater xcovered')
      if (where.kind === 'memory') {
        where.disk.crash()
        const after = await open(t, where)
        assert.equal(await scanText(after), 'acovered bcovered ccovered xcovered')
        assert.equal(text(after.state(7)), 'one')
        return
      }
      await store.close()
      const after = await open(t, where)
      assert.equal(await scanText(after), 'acovered bcovered ccovered xcovered')
      after.put(7, 'a', bytes('two'))
      after.setState(7, bytes('two'))
      await after.flush()
      assert.equal(await scanText(after), 'atwo bcovered ccovered xcovered')
    })

    test('uncovered writes become durable with the next state record', async (t) => {
      const where = engine.place()
      const store = await open(t, where)
      store.setState(7, bytes('zero'))
      store.put(7, 'a', bytes('1'))
      await store.flush()
      store.put(7, 'a', bytes('2'))
      store.put(9, 'x', bytes('1'))
      store.setState(7, bytes('one'))
      await store.flush()
      store.setState(9, bytes('nine'))
      await store.close()
      assert.equal(await scanText(await open(t, where)), 'a2 x1')
    })

    test('flush resolves when what was written before is durable, whatever runs', async (t) => {
      const store = await open(t)
      await store.flush()
      store.setState(7, bytes('1'))
      const first = store.flush()
      store.setState(7, bytes('2'))
      const second = store.flush()
      store.setState(7, bytes('3'))
      const third = store.flush()
      await first
      assert.ok(Number(text(store.durableState(7))) >= 1)
      await Promise.all([second, third])
      assert.equal(text(store.durableState(7)), '3')
      await store.flush()
    })

    test('scans merge overlay and engine, both ways, with limits', async (t) => {
      const store = await open(t)
      for (const key of ['a', 'c', 'e', 'g']) store.put(7, key, bytes('1'))
      store.setState(7, bytes('one'))
      await store.flush()
      for (const key of ['b', 'c', 'f']) store.put(7, key, bytes('2'))
      store.delete(7, 'e')
      store.delete(7, 'x')
      assert.equal(await scanText(store), 'a1 b2 c2 f2 g1')
      assert.equal(await scanText(store, { reverse: true }), 'g1 f2 c2 b2 a1')
      assert.equal(await scanText(store, { start: 'b', end: 'g' }), 'b2 c2 f2')
      assert.equal(await scanText(store, { start: 'b', end: 'g', reverse: true }), 'f2 c2 b2')
      assert.equal(await scanText(store, { itemsMax: 2 }), 'a1 b2 ...')
      assert.equal(await scanText(store, { itemsMax: 5 }), 'a1 b2 c2 f2 g1')
      assert.equal(await scanText(store, { itemsMax: 1, reverse: true, end: 'g' }), 'f2 ...')
      assert.equal(await scanText(store, { bytesMax: 4 }), 'a1 b2 ...')
      assert.equal(await scanText(store, { bytesMax: 1 }), 'a1 ...')
      assert.equal(await scanText(store, { bytesMax: 5, keysOnly: true }), 'a b c f g')
      assert.equal(await scanText(store, { start: 'g', end: 'b' }), '')
      assert.equal(await scanText(store, { start: 'd', end: 'f' }), '')
    })

    test('the overlay is bounded by its caller, and empty after a flush', async (t) => {
      const store = await openStore(engine.place(), 10_000)
      t.after(() => store.close())
      assert.equal(store.overFull, false)
      for (let i = 0; i < 20; i++) store.put(7, `k${i}`, Buffer.alloc(1000))
      store.setState(7, bytes('one'))
      assert.ok(store.overFull)
      assert.ok(store.overlayBytes >= 20_000)
      await store.flush()
      assert.equal(store.overlayBytes, 0)
      assert.equal(store.overFull, false)
      for (let i = 0; i < 20; i++) store.put(7, 'k', Buffer.alloc(1000))
      assert.ok(store.overlayBytes < 2000, 'an overwritten value is not held')
    })

    test('estimates ranges; exactly where they are small', async (t) => {
      const store = await open(t)
      assert.deepEqual(await store.approximateSize({ start: '', end: undefined }), { bytes: 0, keys: 0 })
      for (let i = 100; i < 200; i++) store.put(7, `k${i}`, Buffer.alloc(96))
      store.setState(7, bytes('one'))
      const inOverlay = await store.approximateSize({ start: 'k', end: 'l' })
      assert.equal(inOverlay.keys, 100)
      assert.ok(Math.abs(inOverlay.bytes - 10_000) < 500, `${inOverlay.bytes} of 10000 bytes`)
      await store.flush()
      const half = await store.approximateSize({ start: 'k150', end: undefined })
      assert.equal(half.keys, 50)
      assert.ok(Math.abs(half.bytes - 5000) < 500, `${half.bytes} of 5000 bytes`)
      assert.deepEqual(await store.approximateSize({ start: 'x', end: 'a' }), { bytes: 0, keys: 0 })
    })

    test('counts ranges bit by bit, until what they hold is known exactly', async (t) => {
      const store = await open(t)
      const range = { start: 'k', end: 'l' }
      const fill = async (from: number, to: number): Promise<void> => {
        for (let i = from; i < to; i++) store.put(7, `k${String(i).padStart(5, '0')}`, Buffer.alloc(93))
        store.put(7, 'x', Buffer.alloc(1000))
        store.setState(7, bytes('one'))
        await store.flush()
      }
      await fill(0, 3000)
      let size = await store.surveySize(range, 1, 500)
      for (let looks = 1; !size.isSettled; looks++) {
        assert.ok(looks < 10, 'it is walked through at last')
        assert.ok(size.keys >= looks * 500, `${size.keys} keys after ${looks} looks`)
        size = await store.surveySize(range, 1, 500)
      }
      // The engine prefixes each key with a byte of its own.
      assert.deepEqual(size, { bytes: 300_000, keys: 3000, isSettled: true })

      // Writes behind the place where it is being counted are in the next count.
      await fill(3000, 4000)
      for (let i = 0; i < 3; i++) size = await store.surveySize(range, 2, 500)
      assert.equal(size.isSettled, false)
      store.put(7, 'k00000-a', bytes('1'))
      store.setState(7, bytes('two'))
      size = await store.surveySize(range, 3, 500)
      assert.equal(size.isSettled, false)
      await store.flush()
      for (let i = 0; i < 20 && !size.isSettled; i++) size = await store.surveySize(range, 3, 500)
      assert.deepEqual(size, { bytes: 400_010, keys: 4001, isSettled: true })

      // A range that was cut is another one.
      const left = { start: 'k', end: 'k01000' }
      for (let i = 0; i < 20; i++) size = await store.surveySize(left, 4, 500)
      assert.deepEqual(size, { bytes: 100_010, keys: 1001, isSettled: true })
      for (let i = 0; i < 500; i++) store.delete(7, `k${String(i).padStart(5, '0')}`)
      store.setState(7, bytes('three'))
      await store.flush()
      for (let i = 0; i < 20; i++) size = await store.surveySize(left, 5, 500)
      assert.deepEqual(size, { bytes: 50_010, keys: 501, isSettled: true })
      assert.deepEqual(await store.surveySize({ start: 'x', end: 'a' }, 6, 500), { bytes: 0, keys: 0, isSettled: true })
    })

    test('a range from which most was deleted is soon as small as what is left of it, whatever it was', async (t) => {
      const store = await open(t)
      const range = { start: 'k', end: 'l' }
      const value = Buffer.alloc(64 * 1024)
      const keyOf = (i: number): string => `k${String(i).padStart(5, '0')}`
      const flushEach = async (count: number, change: (i: number) => void): Promise<void> => {
        for (let i = 0; i < count; i++) {
          change(i)
          if (i % 200 !== 199) continue
          store.setState(7, bytes(`${i}`))
          await store.flush()
        }
      }
      // 100 MB: more than is counted.
      await flushEach(1600, (i) => store.put(7, keyOf(i), value))
      await flushEach(1600, (i) => {
        if (i % 100 !== 0) store.delete(7, keyOf(i))
      })
      let looks = 0
      for (;;) {
        const { bytes: size, keys, isSettled } = await store.surveySize(range, 1, 8000)
        const engineBytes = (await store.approximateSize(range)).bytes
        if (isSettled && keys === 16 && engineBytes < 2 * size) break
        assert.ok(
          ++looks < 300,
          `${size} bytes in ${keys} keys after ${looks} looks, and the engine has ${engineBytes}`,
        )
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      const page = await store.scan({ ...range, reverse: false, keysOnly: true, itemsMax: 100, bytesMax: 1e6 })
      assert.deepEqual(
        page.items.map(({ key }) => key),
        Array.from({ length: 16 }, (_, i) => keyOf(i * 100)),
      )
    })

    test('destroying a group deletes its range and state, in the overlay and in the engine', async (t) => {
      const where = engine.place()
      const store = await open(t, where)
      for (let i = 0; i < 3000; i++) store.put(7, `k${i}`, bytes('1'))
      store.setState(7, bytes('one'))
      store.put(9, 'x', bytes('1'))
      store.setState(9, bytes('nine'))
      await store.flush()
      // More than one slice, so that the flush is still filling its batch when the destruction starts.
      for (let i = 0; i < 3000; i++) store.put(7, `kk${i}`, bytes('2'))
      store.setState(7, bytes('two'))
      const flushing = store.flush()
      store.put(7, 'kk', bytes('3'))
      store.put(9, 'y', bytes('1'))
      await store.destroyGroup(7, { start: 'k', end: 'l' })
      await flushing
      assert.deepEqual([...store.groups()], [9])
      assert.equal(store.state(7), undefined)
      assert.equal(store.durableState(7), undefined)
      assert.equal(await scanText(store), 'x1 y1')
      store.put(7, 'k', bytes('again'))
      store.setState(7, bytes('again'))
      store.setState(9, bytes('ten'))
      await store.close()
      const after = await open(t, where)
      assert.equal(await scanText(after), 'kagain x1 y1')
      assert.equal(text(after.state(7)), 'again')
    })

    test('touching a group while it is destroyed is a programming error', async (t) => {
      const store = await open(t)
      store.put(7, 'a', bytes('1'))
      store.setState(7, bytes('one'))
      const destroying = store.destroyGroup(7, { start: '', end: undefined })
      assert.throws(() => store.put(7, 'a', bytes('2')), /group 7 is being installed or destroyed/)
      assert.throws(() => store.setState(7, bytes('2')), /group 7/)
      store.put(9, 'b', bytes('1'))
      await destroying
    })

    test('values keep nothing of a large buffer alive, and large values are not copied', async (t) => {
      const store = await open(t)
      const arena = Buffer.alloc(1 << 20, 5)
      store.put(7, 'small', arena.subarray(100, 200))
      store.put(7, 'large', arena.subarray(0, 1 << 19))
      const small = store.peek('small')
      assert.ok(small && small.buffer.byteLength < 1 << 17 && small.every((byte) => byte === 5) && small.length === 100)
      assert.equal(store.peek('large')?.buffer, arena.buffer)
    })
  })
}
