/** A chunk of a snapshot that would inflate to far more than a chunk may hold ends as damage, and never fills the memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, constants, crc32 } from 'node:zlib'
import { DataStoreError } from '../../../src/storage/index.ts'
import { decodeChunk, encodeChunk, rawPayload } from '../../../src/storage/snapshot/format.ts'

const HEAD_BYTES = 20

function chunkOf(claimed: number, payload: Uint8Array): Uint8Array {
  const like = encodeChunk('records', 1, Buffer.alloc(4_096, 'x'), false)
  const chunk = Buffer.concat([like.subarray(0, HEAD_BYTES), payload])
  chunk.writeUInt32BE(chunk.length, 4)
  chunk.writeUInt32BE(claimed, 16)
  chunk.writeUInt32BE(crc32(chunk.subarray(4)), 0)
  return chunk
}

test('what inflates to more than a chunk may hold is damage', () => {
  const small = Buffer.alloc(4_096, 'x')
  const whole = decodeChunk(chunkOf(small.length, brotliCompressSync(small)))
  assert.equal(whole.compressed, true)
  assert.deepEqual(Buffer.from(rawPayload(whole)), small)
  const bomb = brotliCompressSync(Buffer.alloc(256 << 20), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
  assert.ok(bomb.length < 1 << 20, `${bomb.length} bytes`)
  const before = process.memoryUsage().arrayBuffers
  assert.throws(
    () => rawPayload(decodeChunk(chunkOf(small.length, bomb))),
    (error) => error instanceof DataStoreError && error.code === 'SNAPSHOT_DAMAGED',
  )
  assert.ok(process.memoryUsage().arrayBuffers - before < 64 << 20)
  assert.throws(() => decodeChunk(chunkOf(256 << 20, bomb)), /claims 268435456 bytes/)
})
