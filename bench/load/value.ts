/**
 * Values that can be checked: every byte of one is determined by the run, the key and the write that made it. Not a cryptographic proof,
 * only enough that a torn, mixed-up or stale value cannot pass for the right one. Written and read by the load driver.
 *
 *   offset  size  meaning
 *   0       4     run id: values of earlier runs are recognised as such
 *   4       4     key number
 *   8       6     write number, counted over the whole run, never used twice
 *   14      2     zero
 *   16      4     length of the whole value
 *   20      4     CRC-32 of the filler followed by bytes 0 to 19
 *   24      ...   filler: the same pseudo-random bytes in every value, so that nothing compresses away
 */
import { crc32 } from 'node:zlib'
import { assert } from '../../src/base/index.ts'
import { SeededRandom } from './random.ts'

export const VALUE_BYTES_MIN = 24
const CHECKED_HEAD_BYTES = 20
const FILLER_SEED = 1

/** What a read value says about itself; `undefined` fields do not exist: a value that fails the checksum is `corrupt`. */
export type ReadValue =
  | { readonly kind: 'own'; readonly key: number; readonly write: number }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'corrupt'; readonly reason: string }

export class ValueCodec {
  readonly bytes: number
  readonly #runId: number
  readonly #filler: Buffer
  readonly #fillerChecksum: number

  constructor(bytes: number, runId: number) {
    assert(bytes >= VALUE_BYTES_MIN, `a value of ${bytes} bytes cannot hold its ${VALUE_BYTES_MIN} checked bytes`)
    this.bytes = bytes
    this.#runId = runId >>> 0
    this.#filler = makeFiller(bytes - VALUE_BYTES_MIN)
    this.#fillerChecksum = crc32(this.#filler)
  }

  /** A buffer with the filler in place; `write` then only sets the first 24 bytes. */
  createBuffer(): Buffer {
    const buffer = Buffer.allocUnsafe(this.bytes)
    this.#filler.copy(buffer, VALUE_BYTES_MIN)
    return buffer
  }

  /** Stamps `buffer`, which came from `createBuffer`. */
  write(buffer: Buffer, key: number, write: number): void {
    buffer.writeUInt32LE(this.#runId, 0)
    buffer.writeUInt32LE(key, 4)
    buffer.writeUIntLE(write, 8, 6)
    buffer.writeUInt16LE(0, 14)
    buffer.writeUInt32LE(this.bytes, 16)
    buffer.writeUInt32LE(crc32(buffer.subarray(0, CHECKED_HEAD_BYTES), this.#fillerChecksum), CHECKED_HEAD_BYTES)
  }

  /** Checks a value of any origin. Values of other runs may have other sizes, so the checksum is computed over what came. */
  read(value: Uint8Array): ReadValue {
    if (value.length < VALUE_BYTES_MIN) return { kind: 'corrupt', reason: `${value.length} bytes are too few` }
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
    const length = bytes.readUInt32LE(16)
    if (length !== bytes.length) return { kind: 'corrupt', reason: `length ${length} in ${bytes.length} bytes` }
    const checksum = crc32(bytes.subarray(0, CHECKED_HEAD_BYTES), crc32(bytes.subarray(VALUE_BYTES_MIN)))
    if (checksum !== bytes.readUInt32LE(CHECKED_HEAD_BYTES)) return { kind: 'corrupt', reason: 'checksum mismatch' }
    if (bytes.readUInt32LE(0) !== this.#runId) return { kind: 'foreign' }
    return { kind: 'own', key: bytes.readUInt32LE(4), write: bytes.readUIntLE(8, 6) }
  }
}

function makeFiller(bytes: number): Buffer {
  const random = new SeededRandom(FILLER_SEED)
  const filler = Buffer.allocUnsafe(bytes)
  for (let i = 0; i < bytes; i++) filler[i] = random.below(256)
  return filler
}
