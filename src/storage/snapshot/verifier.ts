/**
 * Checks a snapshot as its chunks come in: each chunk by itself, their order, and the whole at the trailer. Used when chunks arrive and again
 * when a staging file is installed. It stores nothing but the state record.
 */
import { assert } from '../../base/index.ts'
import type { GroupId } from '../log-store.ts'
import { type Chunk, damaged, decodeChunk, decodeHeader, decodeTrailer, rawPayload, runChecksum } from './format.ts'

/** Phases in the order of the format; a chunk's kind may only move the phase forward. */
const PHASE = { start: 0, header: 1, state: 2, records: 3, trailer: 4 } as const

export class SnapshotVerifier {
  readonly #group: GroupId
  #phase: keyof typeof PHASE = 'start'
  #sequence = 0
  #checksum = 0
  #stateBytes = 0
  readonly #stateParts: Uint8Array[] = []
  #stateReceived = 0
  #recordBytes = 0
  #records = 0

  constructor(group: GroupId) {
    this.#group = group
  }

  /** Whether the trailer was accepted. */
  get complete(): boolean {
    return this.#phase === 'trailer'
  }

  /** The number of records the trailer promises; known when complete. */
  get records(): number {
    return this.#records
  }

  /** Throws SNAPSHOT_DAMAGED or UNSUPPORTED_VERSION; the snapshot is lost then. */
  accept(bytes: Uint8Array): Chunk {
    const chunk = decodeChunk(bytes)
    if (chunk.sequence !== this.#sequence) {
      throw damaged(`chunk ${chunk.sequence} came where chunk ${this.#sequence} was expected`)
    }
    this.#enter(chunk.kind)
    switch (chunk.kind) {
      case 'header':
        this.#acceptHeader(chunk)
        break
      case 'state':
        this.#acceptState(chunk)
        break
      case 'records':
        this.#recordBytes += chunk.rawBytes
        break
      case 'trailer':
        this.#acceptTrailer(chunk)
        break
    }
    this.#sequence++
    this.#checksum = runChecksum(this.#checksum, chunk.checksum)
    return chunk
  }

  state(): Uint8Array {
    assert(this.complete, 'the snapshot is complete')
    return Buffer.concat(this.#stateParts)
  }

  #enter(kind: Chunk['kind']): void {
    const from = PHASE[this.#phase]
    const to = PHASE[kind]
    const repeats = from === to && (kind === 'state' || kind === 'records')
    if (!repeats && (to <= from || (from === PHASE.start) !== (kind === 'header'))) {
      throw damaged(`a ${kind} chunk came after ${this.#phase}`)
    }
    if (to > PHASE.state && this.#stateReceived !== this.#stateBytes) {
      throw damaged(`${this.#stateReceived} of ${this.#stateBytes} bytes of the state record came`)
    }
    this.#phase = kind
  }

  #acceptHeader(chunk: Chunk): void {
    const header = decodeHeader(rawPayload(chunk))
    if (header.group !== this.#group) throw damaged(`it is of group ${header.group}, not of group ${this.#group}`)
    this.#stateBytes = header.stateBytes
  }

  #acceptState(chunk: Chunk): void {
    // A copy, because the payload is a view of the caller's chunk.
    const part = Buffer.from(rawPayload(chunk))
    this.#stateParts.push(part)
    this.#stateReceived += part.length
  }

  #acceptTrailer(chunk: Chunk): void {
    const trailer = decodeTrailer(rawPayload(chunk))
    if (trailer.checksum !== this.#checksum) throw damaged('the checksum over all chunks does not fit')
    if (trailer.recordBytes !== this.#recordBytes) {
      throw damaged(`${this.#recordBytes} of ${trailer.recordBytes} bytes of records came`)
    }
    this.#records = trailer.records
  }
}
