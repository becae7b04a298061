/**
 * Reads one group's state record and range from one engine snapshot and cuts them into chunks, on demand. It runs in a worker next to LevelDB, or inline on
 * the other engines; it neither counts credits nor talks to threads.
 */
import { assert } from '../../base/index.ts'
import { DataStoreError, type KeyRange } from '../data-store.ts'
import type { EngineEntry, EngineIterator, EngineSnapshot, KvStore } from '../kv-store.ts'
import { dataKeyOf, stateKey, userRange } from '../layout.ts'
import type { GroupId } from '../log-store.ts'
import {
  BLOCK_BYTES_MAX,
  type ChunkKind,
  encodeChunk,
  encodeHeader,
  encodeTrailer,
  RECORD_HEAD_BYTES,
  runChecksum,
} from './format.ts'

const PAGE_ITEMS = 1000
const PAGE_BYTES = 1024 * 1024

export interface ExportSource {
  readonly group: GroupId
  readonly range: KeyRange
  /** Bytes before compression per chunk: large in a worker, small where compression holds the main loop. */
  readonly blockBytes: number
}

export class RangeExporter {
  readonly #snapshot: EngineSnapshot
  readonly #source: ExportSource
  #iterator: EngineIterator | undefined
  #state: Uint8Array | undefined
  #stateSent = 0
  #step: ChunkKind | 'end' = 'header'
  #page: EngineEntry[] = []
  #pagePosition = 0
  /** Bytes of the current record that did not fit the block before. */
  #rest: Uint8Array[] = []
  readonly #block: Buffer
  #sequence = 0
  #checksum = 0
  #records = 0
  #recordBytes = 0

  private constructor(snapshot: EngineSnapshot, source: ExportSource) {
    assert(source.blockBytes <= BLOCK_BYTES_MAX, `blocks of ${source.blockBytes} bytes fit chunks`)
    this.#snapshot = snapshot
    this.#source = source
    this.#block = Buffer.allocUnsafeSlow(source.blockBytes)
  }

  /** Takes the engine snapshot. Rejects with NO_STATE when the group has no state record. */
  static async open(kv: KvStore, source: ExportSource): Promise<RangeExporter> {
    const snapshot = kv.snapshot()
    const exporter = new RangeExporter(snapshot, source)
    try {
      exporter.#state = await snapshot.get(stateKey(source.group))
      if (exporter.#state === undefined) {
        throw new DataStoreError('NO_STATE', `group ${source.group} has no state record to export`)
      }
      exporter.#iterator = snapshot.iterate(userRange(source.range), PAGE_BYTES)
      return exporter
    } catch (error) {
      // Whatever failed, the snapshot must not outlive the attempt.
      await snapshot.close()
      throw error
    }
  }

  get state(): Uint8Array {
    assert(this.#state !== undefined, 'an open exporter has read the state')
    return this.#state
  }

  /** The next chunk, undefined after the trailer. One call at a time. */
  async next(): Promise<Uint8Array | undefined> {
    switch (this.#step) {
      case 'header': {
        this.#step = this.state.length > 0 ? 'state' : 'records'
        return this.#emit('header', encodeHeader({ group: this.#source.group, stateBytes: this.state.length }), true)
      }
      case 'state': {
        const part = this.state.subarray(this.#stateSent, this.#stateSent + this.#source.blockBytes)
        this.#stateSent += part.length
        if (this.#stateSent === this.state.length) this.#step = 'records'
        return this.#emit('state', part, false)
      }
      case 'records': {
        const bytes = await this.#fillBlock()
        if (bytes === 0) {
          this.#step = 'trailer'
          return await this.next()
        }
        this.#recordBytes += bytes
        return this.#emit('records', this.#block.subarray(0, bytes), false)
      }
      case 'trailer': {
        this.#step = 'end'
        const trailer = { checksum: this.#checksum, records: this.#records, recordBytes: this.#recordBytes }
        return this.#emit('trailer', encodeTrailer(trailer), true)
      }
      case 'end':
        return undefined
    }
  }

  async close(): Promise<void> {
    await this.#iterator?.close()
    await this.#snapshot.close()
  }

  #emit(kind: ChunkKind, raw: Uint8Array, plain: boolean): Uint8Array {
    const chunk = encodeChunk(kind, this.#sequence, raw, plain)
    this.#sequence++
    this.#checksum = runChecksum(this.#checksum, decodeChecksum(chunk))
    return chunk
  }

  /** Fills the block with records, the last of which may be cut. Answers the bytes in it, 0 at the end. */
  async #fillBlock(): Promise<number> {
    let used = this.#copyRest(0)
    while (used < this.#block.length) {
      const entry = this.#page[this.#pagePosition] ?? (await this.#nextPage())
      if (entry === undefined) break
      this.#pagePosition++
      this.#records++
      used = this.#copyRecord(entry, used)
    }
    return used
  }

  async #nextPage(): Promise<EngineEntry | undefined> {
    assert(this.#iterator !== undefined, 'an open exporter has an iterator')
    this.#page = await this.#iterator.next(PAGE_ITEMS)
    this.#pagePosition = 0
    return this.#page[0]
  }

  #copyRecord(entry: EngineEntry, used: number): number {
    const key = dataKeyOf(entry[0])
    const value = entry[1]
    const bytes = RECORD_HEAD_BYTES + key.length + value.length
    if (used + bytes > this.#block.length) {
      const head = Buffer.allocUnsafe(RECORD_HEAD_BYTES + key.length)
      writeRecordHead(head, 0, key, value.length)
      this.#rest = [head, value]
      return this.#copyRest(used)
    }
    writeRecordHead(this.#block, used, key, value.length)
    this.#block.set(value, used + RECORD_HEAD_BYTES + key.length)
    return used + bytes
  }

  #copyRest(from: number): number {
    let used = from
    for (let part = this.#rest[0]; part !== undefined && used < this.#block.length; part = this.#rest[0]) {
      const fits = part.subarray(0, this.#block.length - used)
      this.#block.set(fits, used)
      used += fits.length
      if (fits.length === part.length) this.#rest.shift()
      else this.#rest[0] = part.subarray(fits.length)
    }
    return used
  }
}

function writeRecordHead(target: Buffer, offset: number, key: string, valueBytes: number): void {
  target.writeUInt32BE(key.length, offset)
  target.writeUInt32BE(valueBytes, offset + 4)
  target.write(key, offset + RECORD_HEAD_BYTES, 'latin1')
}

function decodeChecksum(chunk: Uint8Array): number {
  return new DataView(chunk.buffer, chunk.byteOffset, 4).getUint32(0)
}
