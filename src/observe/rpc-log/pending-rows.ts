/** Rows that wait to be written, as bytes from the start: what becomes of a message is written into them when it is known, and nothing else is kept of it. */
import type { EndedCall } from './call.ts'
import { ROW_BYTES, writeRow } from './row.ts'

const ROWS_MIN = 256
/** Rows that wait while the disk is busy. */
const ROWS_MAX = 65_536

export class PendingRows {
  #bytes = room(ROWS_MIN)
  #view = viewOf(this.#bytes)
  #rows = 0
  #sequence: number

  /** `sequence` is that of the first row that is added. */
  constructor(sequence: number) {
    this.#sequence = sequence
  }

  get isEmpty(): boolean {
    return this.#rows === 0
  }

  /** False: there is no room. `from` and `to` are the numbers of names. */
  add(call: EndedCall, wallMs: number, from: number, to: number): boolean {
    if (this.#rows * ROW_BYTES === this.#bytes.length) {
      if (this.#rows >= ROWS_MAX) return false
      const bytes = room(Math.min(ROWS_MAX, this.#rows * 2))
      this.#bytes.copy(bytes)
      this.#use(bytes)
    }
    writeRow(this.#view, this.#rows++ * ROW_BYTES, call, this.#sequence++, wallMs, from, to)
    return true
  }

  /** Hands out what waits; it belongs to the caller. */
  take(): Buffer {
    const rows = this.#bytes.subarray(0, this.#rows * ROW_BYTES)
    // There will probably be as many again.
    this.#use(room(Math.max(ROWS_MIN, this.#rows)))
    this.#rows = 0
    return rows
  }

  #use(bytes: Buffer): void {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
  }
}

/** Rows are written whole, so what was there does not matter. */
function room(rows: number): Buffer {
  return Buffer.allocUnsafeSlow(rows * ROW_BYTES)
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
