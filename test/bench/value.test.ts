/** Values that know what they are: every damage is noticed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VALUE_BYTES_MIN, ValueCodec } from '../../bench/load/index.ts'

const shape = fc.record({
  bytes: fc.integer({ min: VALUE_BYTES_MIN, max: 600 }),
  key: fc.nat(9_999_999),
  write: fc.integer({ min: 1, max: 2 ** 47 }),
})

function written(bytes: number, key: number, write: number, runId = 5): { codec: ValueCodec; value: Buffer } {
  const codec = new ValueCodec(bytes, runId)
  const value = codec.createBuffer()
  codec.write(value, key, write)
  return { codec, value }
}

test('a value says which write of which key made it', () => {
  fc.assert(
    fc.property(shape, ({ bytes, key, write }) => {
      const { codec, value } = written(bytes, key, write)
      assert.equal(value.length, bytes)
      assert.deepEqual(codec.read(value), { kind: 'own', key, write })
    }),
  )
})

test('any changed bit is corruption', () => {
  fc.assert(
    fc.property(shape, fc.nat(), fc.integer({ min: 0, max: 7 }), ({ bytes, key, write }, place, bit) => {
      const { codec, value } = written(bytes, key, write)
      const at = place % bytes
      value[at] = (value[at] ?? 0) ^ (1 << bit)
      assert.equal(codec.read(value).kind, 'corrupt')
    }),
    { numRuns: 1000 },
  )
})

test('a value that is cut, extended or not ours at all is corrupt', () => {
  const { codec, value } = written(64, 1, 2)
  for (let length = 0; length < 64; length++) assert.equal(codec.read(value.subarray(0, length)).kind, 'corrupt')
  assert.equal(codec.read(Buffer.concat([value, Buffer.from([0])])).kind, 'corrupt')
  assert.equal(codec.read(Buffer.alloc(64)).kind, 'corrupt')
})

test('a value of another run is recognised, whatever its size', () => {
  const { value } = written(100, 1, 2, 6)
  assert.deepEqual(new ValueCodec(64, 5).read(value), { kind: 'foreign' })
})
