/** Cuts the payloads of record chunks, in order, back into records. A record may span any number of payloads. Pure. */
import { LIMITS } from '../../base/index.ts'
import type { DataKey } from '../data-store.ts'
import { damaged, RECORD_HEAD_BYTES } from './format.ts'

export interface SnapshotRecord {
  readonly key: DataKey
  /** Valid until the next `push` unless copied. */
  readonly value: Uint8Array
}

/** Keys and values are limited far below this at the door; more can only be damage, and must not become an allocation. */
const RECORD_BYTES_MAX = LIMITS.messageBytesMax * 4

export class RecordParser {
  #bytes: Buffer = Buffer.alloc(0)
  #position = 0

  /** Whether bytes of an incomplete record are left. */
  get unfinished(): boolean {
    return this.#position < this.#bytes.length
  }

  push(payload: Uint8Array): void {
    const view = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
    this.#bytes = this.unfinished ? Buffer.concat([this.#bytes.subarray(this.#position), view]) : view
    this.#position = 0
  }

  /** The next whole record, undefined when more payload is needed. */
  next(): SnapshotRecord | undefined {
    const bytes = this.#bytes
    const start = this.#position
    if (bytes.length - start < RECORD_HEAD_BYTES) return undefined
    const keyEnd = start + RECORD_HEAD_BYTES + bytes.readUInt32BE(start)
    const end = keyEnd + bytes.readUInt32BE(start + 4)
    if (end - start > RECORD_BYTES_MAX) throw damaged(`a record of ${end - start} bytes`)
    if (end > bytes.length) return undefined
    this.#position = end
    return { key: bytes.toString('latin1', start + RECORD_HEAD_BYTES, keyEnd), value: bytes.subarray(keyEnd, end) }
  }
}
