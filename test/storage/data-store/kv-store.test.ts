/** The conformance suite of the `KvStore` port, on every adapter. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { EngineEntry, EngineIterator, KvStore } from '../../../src/storage/kv-store.ts'
import { bytes, engines, openKv, text } from './support.ts'

const FORWARD = { reverse: false, keysOnly: false, pageBytes: 1 << 20 }
const BACKWARD = { ...FORWARD, reverse: true }
const ALL = { start: '\x00', end: '\xff\xff' }

async function drain(iterator: EngineIterator, itemsMax = 100): Promise<EngineEntry[]> {
  const all: EngineEntry[] = []
  for (;;) {
    const page = await iterator.next(itemsMax)
    assert.ok(page.length <= itemsMax)
    if (page.length === 0) break
    all.push(...page)
  }
  await iterator.close()
  return all
}

async function write(kv: KvStore, changes: Record<string, string | null>): Promise<void> {
  const batch = kv.batch()
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) batch.delete(key)
    else batch.put(key, bytes(value))
  }
  await batch.write()
}

for (const engine of engines) {
  describe(`KvStore on ${engine.name}`, { skip: engine.missing ?? false }, () => {
    const open = async (t: TestContext): Promise<KvStore> => {
      const kv = await openKv(await place())
      t.after(() => kv.close())
      return kv
    }
    const place = async () => {
      const where = engine.place()
      if (where.kind !== 'memory') {
        const { mkdirSync } = await import('node:fs')
        mkdirSync(where.directory, { recursive: true })
      }
      return where
    }

    test('reads many keys in the order asked for, absent ones as undefined', async (t) => {
      const kv = await open(t)
      await write(kv, { a: '1', b: '2', c: '' })
      const values = await kv.getMany(['c', 'x', 'a', 'a'])
      assert.deepEqual(values.map(text), ['', undefined, '1', '1'])
      assert.deepEqual(await kv.getMany([]), [])
      if (kv.getSync !== undefined) {
        assert.equal(text(kv.getSync('b')), '2')
        assert.equal(kv.getSync('x'), undefined)
      }
    })

    test('keeps keys and values of any bytes, in byte order', async (t) => {
      const kv = await open(t)
      const keys: string[] = []
      for (let byte = 0; byte < 256; byte++)
        keys.push(`k${String.fromCharCode(byte)}`, `k${String.fromCharCode(byte, 255 - byte)}`)
      const shuffled = [...keys].sort(
        (x, y) => ((x.length * 31 + x.charCodeAt(1) * 7919) % 97) - ((y.charCodeAt(1) * 7919) % 97),
      )
      const batch = kv.batch()
      for (const key of shuffled) batch.put(key, Buffer.from(key, 'latin1'))
      await batch.write()
      const found = await drain(kv.iterate(ALL, FORWARD))
      assert.deepEqual(
        found.map(([key]) => key),
        [...new Set(keys)].sort(),
      )
      for (const [key, value] of found) assert.equal(Buffer.from(value).toString('latin1'), key)
      const read = await kv.getMany(keys)
      assert.deepEqual(
        read.map((value) => Buffer.from(value ?? []).toString('latin1')),
        keys,
      )
    })

    test('keeps large values and views into larger buffers', async (t) => {
      const kv = await open(t)
      const large = Buffer.alloc(3 << 20, 7)
      const arena = Uint8Array.from([1, 2, 3, 4, 5, 6])
      const batch = kv.batch()
      batch.put('large', large)
      batch.put('view', arena.subarray(2, 4))
      await batch.write()
      const [first, second] = await kv.getMany(['large', 'view'])
      assert.ok(large.equals(first ?? Buffer.alloc(0)))
      assert.deepEqual([...(second ?? [])], [3, 4])
    })

    test('a batch does nothing before write, everything with it, nothing after discard', async (t) => {
      const kv = await open(t)
      await write(kv, { a: 'old', b: 'old' })
      const batch = kv.batch()
      batch.put('a', bytes('new'))
      batch.delete('b')
      batch.put('c', bytes('first'))
      batch.put('c', bytes('last'))
      assert.deepEqual((await kv.getMany(['a', 'b', 'c'])).map(text), ['old', 'old', undefined])
      await batch.write()
      assert.deepEqual((await kv.getMany(['a', 'b', 'c'])).map(text), ['new', undefined, 'last'])
      const dropped = kv.batch()
      dropped.put('a', bytes('dropped'))
      await dropped.discard()
      assert.deepEqual((await kv.getMany(['a'])).map(text), ['new'])
      await kv.batch().write()
    })

    test('iterates half-open ranges both ways, in pages', async (t) => {
      const kv = await open(t)
      await write(kv, { a: '1', b: '2', ba: '3', c: '4', d: '5' })
      const keys = async (start: string, end: string, reverse: boolean, page: number) =>
        (await drain(kv.iterate({ start, end }, reverse ? BACKWARD : FORWARD), page)).map(([key]) => key).join(' ')
      for (const page of [1, 2, 100]) {
        assert.equal(await keys('b', 'd', false, page), 'b ba c')
        assert.equal(await keys('b', 'd', true, page), 'c ba b')
        assert.equal(await keys('\x00', '\xff', true, page), 'd c ba b a')
        assert.equal(await keys('bb', 'bz', false, page), '')
        assert.equal(await keys('bb', 'bz', true, page), '')
        assert.equal(await keys('aa', 'cc', true, page), 'c ba b')
      }
    })

    test('ends a page early when its bytes are too many, but never with nothing', async (t) => {
      const kv = await open(t)
      const changes: Record<string, string> = {}
      for (let i = 10; i < 50; i++) changes[`k${i}`] = 'x'.repeat(1000)
      await write(kv, changes)
      const iterator = kv.iterate(ALL, { ...FORWARD, pageBytes: 3000 })
      const page = await iterator.next(40)
      assert.ok(page.length >= 1 && page.length < 40, `${page.length} entries came in a page of 3000 bytes`)
      assert.equal((await drain(iterator)).length + page.length, 40)
    })

    test('an iterator and a read are of the moment of their call', async (t) => {
      const kv = await open(t)
      await write(kv, { a: '1', b: '1', c: '1' })
      const iterator = kv.iterate(ALL, FORWARD)
      const snapshot = kv.snapshot()
      const reading = kv.getMany(['a', 'b'])
      const writing = write(kv, { a: '2', b: null, d: '2' })
      assert.deepEqual((await reading).map(text), ['1', '1'])
      await writing
      assert.deepEqual(
        (await drain(iterator)).map(([key, value]) => key + text(value)),
        ['a1', 'b1', 'c1'],
      )
      assert.equal(text(await snapshot.get('b')), '1')
      assert.equal(await snapshot.get('d'), undefined)
      const old = await drain(snapshot.iterate({ start: 'a', end: 'c' }, 1000))
      assert.deepEqual(
        old.map(([key, value]) => key + text(value)),
        ['a1', 'b1'],
      )
      await snapshot.close()
      assert.deepEqual(
        (await drain(kv.iterate(ALL, FORWARD))).map(([key, value]) => key + text(value)),
        ['a2', 'c1', 'd2'],
      )
    })

    test('keys alone can be iterated, and an iterator closed before its end', async (t) => {
      const kv = await open(t)
      await write(kv, { a: '1', b: '2', c: '3' })
      const iterator = kv.iterate(ALL, { ...FORWARD, keysOnly: true })
      assert.deepEqual(
        (await iterator.next(2)).map(([key]) => key),
        ['a', 'b'],
      )
      await iterator.close()
      const unused = kv.iterate(ALL, FORWARD)
      await unused.close()
    })

    test('what was written is there after closing and opening again', async (t) => {
      const where = await place()
      const first = await openKv(where)
      await write(first, { a: '1', b: '2' })
      await write(first, { b: null, c: '3' })
      await first.close()
      const second = await openKv(where)
      t.after(() => second.close())
      assert.deepEqual(
        (await drain(second.iterate(ALL, FORWARD))).map(([key, value]) => key + text(value)),
        ['a1', 'c3'],
      )
    })

    test('estimates the size of what is on disk', async (t) => {
      const kv = await open(t)
      const value = Buffer.alloc(1000)
      for (let round = 0; round < 64; round++) {
        const batch = kv.batch()
        for (let i = 0; i < 64; i++) {
          for (let byte = 0; byte < value.length; byte++)
            value[byte] = (byte * 31 + i * 17 + round * 13 + ((byte * byte) >> 3)) & 0xff
          batch.put(`k${String(round * 64 + i).padStart(6, '0')}`, value)
        }
        await batch.write()
      }
      // RocksDB and LevelDB count table files only; which part of 4 MB is in tables is their business.
      const whole = await kv.approximateBytes(ALL)
      assert.ok(whole >= 0 && whole < 16e6, `${whole} bytes for 4 MB`)
      assert.ok((await kv.approximateBytes({ start: 'x', end: 'y' })) < 1e5)
    })

    test('gives back what deleted records take, in one range', async (t) => {
      const kv = await open(t)
      const fill = async (prefix: string, value: Uint8Array | null): Promise<void> => {
        const batch = kv.batch()
        for (let i = value === null ? 5 : 0; i < 3000; i++) {
          const key = `${prefix}${String(i).padStart(6, '0')}`
          if (value === null) batch.delete(key)
          else batch.put(key, value)
        }
        await batch.write()
      }
      await fill('a', Buffer.alloc(1000))
      await fill('b', Buffer.alloc(1000))
      const [a, b] = [
        { start: 'a', end: 'b' },
        { start: 'b', end: 'c' },
      ]
      // What is compacted is in tables afterwards, and can be measured.
      await kv.compact(ALL)
      assert.ok((await kv.approximateBytes(a)) > 2.5e6)
      await fill('a', null)
      await kv.compact(a)
      assert.ok((await kv.approximateBytes(a)) < 1e5, `${await kv.approximateBytes(a)} bytes for 5 records`)
      assert.ok((await kv.approximateBytes(b)) > 2.5e6)
      assert.equal((await drain(kv.iterate(a, FORWARD))).length, 5)
      assert.equal((await drain(kv.iterate(b, FORWARD), 5000)).length, 3000)
    })
  })
}
