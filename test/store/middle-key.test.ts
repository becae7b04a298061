/** The key that halves a range, on engines with estimates of their own: near the middle by bytes, never the first key, for keys of any shape. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type DataStore, MemoryDisk } from '../../src/storage/index.ts'
import { findMiddleKey } from '../../src/store/middle-key.ts'
import { engines, openStore } from '../storage/data-store/support.ts'

const RANGE = { start: 'b', end: 'y' }
const BIG_VALUES = 300
const BIG_VALUE_BYTES = 100_000

/** The part of the range's bytes that lies before the key. */
async function partBefore(store: DataStore, key: string): Promise<number> {
  const page = await store.scan({ ...RANGE, reverse: false, keysOnly: false, itemsMax: 100_000, bytesMax: 1 << 30 })
  let before = 0
  let total = 0
  for (const item of page.items) {
    if (item.key < key) before += item.key.length + item.value.length
    total += item.key.length + item.value.length
  }
  return before / total
}

/** Bytes that compression cannot make small. */
function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed + 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

for (const engine of engines) {
  describe(`the middle of a range on ${engine.name}`, { skip: engine.missing ?? false }, () => {
    test('fewer than two keys have none; of two the second is it', async (t) => {
      const store = await openStore(engine.place())
      t.after(() => store.close())
      store.put(7, 'a', noise(9, 1))
      store.put(7, 'z', noise(9, 1))
      assert.equal(await findMiddleKey(store, RANGE), undefined)
      store.put(7, 'b', noise(9, 1))
      assert.equal(await findMiddleKey(store, RANGE), undefined)
      store.put(7, 'c', noise(9_000, 1))
      assert.equal(await findMiddleKey(store, RANGE), 'c')
      assert.equal(await findMiddleKey(store, { start: 'a', end: undefined }), 'z')
    })

    test('a range larger than what is read is narrowed first', async (t) => {
      const store = await openStore(engine.place())
      t.after(() => store.close())
      for (let i = 0; i < BIG_VALUES; i++) {
        // Long common beginnings, and three quarters of the bytes in the last tenth of the key space.
        const key = `c${'longlong'.repeat(4)}${i < BIG_VALUES / 4 ? '1' : '9'}${String(i).padStart(4, '0')}`
        store.put(7, key, noise(BIG_VALUE_BYTES, i))
        if (i % 50 === 49) {
          store.setState(7, noise(3, i))
          await store.flush()
        }
      }
      const key = await findMiddleKey(store, RANGE)
      assert(key !== undefined)
      const part = await partBefore(store, key)
      assert(part > 0.3 && part < 0.7, `${part} of the bytes come before ${key}`)
    })
  })
}

test('any small set of keys is halved as well as its largest record allows', async () => {
  const record = fc.record({ key: fc.string({ maxLength: 6, unit: 'binary-ascii' }), bytes: fc.nat(2_000) })
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(record, { minLength: 2, maxLength: 40, selector: ({ key }) => key }),
      async (records) => {
        const store = await openStore({ kind: 'memory', disk: new MemoryDisk() })
        try {
          for (const { key, bytes } of records) store.put(7, `m${key}`, noise(bytes, 1))
          const first = records.map(({ key }) => `m${key}`).sort()[0] ?? ''
          const key = await findMiddleKey(store, RANGE)
          assert(key !== undefined && key > first)
          const sizes = records.map((each) => 1 + each.key.length + each.bytes)
          const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
          const part = await partBefore(store, key)
          assert(Math.abs(part - 0.5) <= Math.max(...sizes) / total + 1e-9, `${part} before ${key}`)
        } finally {
          await store.close()
        }
      },
    ),
    { numRuns: 60 },
  )
})
