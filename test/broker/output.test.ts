/** Output: whatever is gathered comes out in order, whether copied or kept by reference. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ChunkPool, Output } from '../../src/broker/output.ts'

describe('the output of a connection', () => {
  const size = fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 20_000 }), fc.constantFrom(16_383, 16_384, 65_536))
  const piece = fc.record({
    head: fc.string({ maxLength: 40, unit: 'grapheme-ascii' }),
    size,
    takeAfter: fc.boolean(),
  })

  test('is what was put in, in order, and its size is counted', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
        const pool = new ChunkPool()
        const output = new Output(pool)
        const source = Buffer.alloc(70_000, 'the quick brown fox ')
        const written: Buffer[] = []
        const wanted: Buffer[] = []
        const take = (): void => {
          const { bytes } = output
          const batch = output.take()
          const joined = Buffer.concat(batch.segments)
          assert.equal(joined.length, bytes)
          assert.equal(batch.bytes, bytes)
          written.push(joined)
          pool.giveBack(batch.chunks)
          assert.equal(output.bytes, 0)
        }
        for (const [i, each] of pieces.entries()) {
          output.message(each.head, source, i, i + each.size)
          output.text(each.head)
          wanted.push(
            Buffer.from(each.head, 'latin1'),
            source.subarray(i, i + each.size),
            Buffer.from(each.head, 'latin1'),
          )
          if (each.takeAfter) take()
        }
        take()
        assert.ok(Buffer.concat(written).equals(Buffer.concat(wanted)))
      }),
      { numRuns: 200 },
    )
  })

  test('keeps large payloads by reference and many small ones in one segment', () => {
    const output = new Output(new ChunkPool())
    const large = Buffer.alloc(100_000)
    for (let i = 0; i < 100; i++) output.message('head ', large, 0, 200)
    output.message('head ', large, 0, large.length)
    const { segments } = output.take()
    assert.equal(segments.length, 2)
    assert.equal(segments[1]?.buffer, large.buffer)
  })

  test('can be dropped', () => {
    const output = new Output(new ChunkPool())
    output.text('gone')
    output.clear()
    output.text('kept')
    assert.equal(Buffer.concat(output.take().segments).toString(), 'kept')
  })
})
