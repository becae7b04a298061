import { assert } from '../../base/index.ts'

/**
 * Where a group's entries stand on disk: one row per run (the consecutive entries of one record), ascending by index, in
 * one flat array of numbers, so that ten thousand groups cost little. It knows no files; whoever changes it keeps the
 * count of live bytes through `onDead`.
 */
export interface Run {
  readonly first: number
  readonly last: number
  readonly term: number
  readonly segment: number
  readonly offset: number
  readonly recordBytes: number
  /** Bytes of the entries' data. Meaningless for a run that was cut, until `setDataBytes`. */
  readonly dataBytes: number
}

/** Told of each run that left the index as a whole. */
export type OnDead = (segment: number, recordBytes: number, dataBytes: number) => void

const FIRST = 0
const LAST = 1
const TERM = 2
const SEGMENT = 3
const OFFSET = 4
const RECORD_BYTES = 5
const DATA_BYTES = 6
const STRIDE = 7
const ROWS_MIN = 4

export class RunIndex {
  #rows = new Float64Array(ROWS_MIN * STRIDE)
  /** Rows in use: [#head, #tail). Rows leave at both ends, so the front is given back only when room is needed. */
  #head = 0
  #tail = 0

  get length(): number {
    return this.#tail - this.#head
  }

  at(i: number): Run {
    const at = this.#row(i)
    const rows = this.#rows
    return {
      first: rows[at + FIRST] as number,
      last: rows[at + LAST] as number,
      term: rows[at + TERM] as number,
      segment: rows[at + SEGMENT] as number,
      offset: rows[at + OFFSET] as number,
      recordBytes: rows[at + RECORD_BYTES] as number,
      dataBytes: rows[at + DATA_BYTES] as number,
    }
  }

  termAt(i: number): number {
    return this.#rows[this.#row(i) + TERM] as number
  }

  segmentAt(i: number): number {
    return this.#rows[this.#row(i) + SEGMENT] as number
  }

  /** The position of the run that holds `index`, or of the first run behind it; `length` when there is none. */
  find(index: number): number {
    const rows = this.#rows
    // Nearly every question is about the newest run.
    const newest = this.#tail - 1
    if (newest >= this.#head && index >= (rows[newest * STRIDE + FIRST] as number)) {
      return index <= (rows[newest * STRIDE + LAST] as number) ? newest - this.#head : this.length
    }
    let low = this.#head
    let high = this.#tail
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((rows[middle * STRIDE + LAST] as number) < index) low = middle + 1
      else high = middle
    }
    return low - this.#head
  }

  push(
    first: number,
    last: number,
    term: number,
    segment: number,
    offset: number,
    recordBytes: number,
    dataBytes: number,
  ): void {
    if ((this.#tail + 1) * STRIDE > this.#rows.length) this.#makeRoom()
    const at = this.#tail * STRIDE
    const rows = this.#rows
    rows[at + FIRST] = first
    rows[at + LAST] = last
    rows[at + TERM] = term
    rows[at + SEGMENT] = segment
    rows[at + OFFSET] = offset
    rows[at + RECORD_BYTES] = recordBytes
    rows[at + DATA_BYTES] = dataBytes
    this.#tail++
  }

  /** Forgets the entries from `index` on. Returns whether the last run left was shortened. */
  cutFrom(index: number, onDead: OnDead): boolean {
    while (this.#tail > this.#head && (this.#rows[(this.#tail - 1) * STRIDE + FIRST] as number) >= index) {
      this.#tail--
      this.#reportDead(this.#tail, onDead)
    }
    if (this.#tail === this.#head) return false
    const last = (this.#tail - 1) * STRIDE + LAST
    if ((this.#rows[last] as number) < index) return false
    this.#rows[last] = index - 1
    return true
  }

  /** Forgets the entries up to and including `index`. Returns whether the first run left was shortened. */
  cutThrough(index: number, onDead: OnDead): boolean {
    while (this.#tail > this.#head && (this.#rows[this.#head * STRIDE + LAST] as number) <= index) {
      this.#head++
      this.#reportDead(this.#head - 1, onDead)
    }
    if (this.#tail === this.#head) {
      this.#head = 0
      this.#tail = 0
      return false
    }
    const first = this.#head * STRIDE + FIRST
    if ((this.#rows[first] as number) > index) return false
    this.#rows[first] = index + 1
    return true
  }

  setDataBytes(i: number, dataBytes: number): void {
    this.#rows[this.#row(i) + DATA_BYTES] = dataBytes
  }

  /** The same entries now stand elsewhere. */
  relocate(i: number, segment: number, offset: number, recordBytes: number): void {
    const at = this.#row(i)
    this.#rows[at + SEGMENT] = segment
    this.#rows[at + OFFSET] = offset
    this.#rows[at + RECORD_BYTES] = recordBytes
  }

  /**
   * Puts `run` in, over whatever holds its entries now. Used by recovery only, once for each run that was ever moved: nearly always the very run is
   * there, or a gap where it was, so nothing but its own place is looked at.
   */
  overlay(run: Run): void {
    const from = this.find(run.first)
    let to = from
    while (to < this.length && this.#firstAt(to) <= run.last) to++
    const pieces: Run[] = []
    if (to > from) {
      const before = this.at(from)
      const after = this.at(to - 1)
      if (before.first < run.first) pieces.push({ ...before, last: run.first - 1, dataBytes: Number.NaN })
      pieces.push(run)
      if (after.last > run.last) pieces.push({ ...after, first: run.last + 1, dataBytes: Number.NaN })
    } else pieces.push(run)
    this.#resize(from, to, pieces.length)
    for (const [i, piece] of pieces.entries()) this.#write(this.#head + from + i, piece)
  }

  /** Rows [from, to) become `count` rows, whose contents are still to be written. */
  #resize(from: number, to: number, count: number): void {
    const growth = count - (to - from)
    if (growth === 0) return
    while ((this.#tail + growth) * STRIDE > this.#rows.length) this.#makeRoom()
    const behind = this.#head + to
    this.#rows.copyWithin((behind + growth) * STRIDE, behind * STRIDE, this.#tail * STRIDE)
    this.#tail += growth
  }

  #firstAt(i: number): number {
    return this.#rows[this.#row(i) + FIRST] as number
  }

  #write(row: number, run: Run): void {
    const at = row * STRIDE
    const rows = this.#rows
    rows[at + FIRST] = run.first
    rows[at + LAST] = run.last
    rows[at + TERM] = run.term
    rows[at + SEGMENT] = run.segment
    rows[at + OFFSET] = run.offset
    rows[at + RECORD_BYTES] = run.recordBytes
    rows[at + DATA_BYTES] = run.dataBytes
  }

  #row(i: number): number {
    assert(i >= 0 && i < this.length, `run ${i} of ${this.length}`)
    return (this.#head + i) * STRIDE
  }

  #reportDead(row: number, onDead: OnDead): void {
    const at = row * STRIDE
    onDead(
      this.#rows[at + SEGMENT] as number,
      this.#rows[at + RECORD_BYTES] as number,
      this.#rows[at + DATA_BYTES] as number,
    )
  }

  #makeRoom(): void {
    const used = this.length
    const rows =
      used * 2 * STRIDE > this.#rows.length ? new Float64Array(Math.max(ROWS_MIN, used * 2) * STRIDE) : this.#rows
    rows.set(this.#rows.subarray(this.#head * STRIDE, this.#tail * STRIDE))
    this.#rows = rows
    this.#head = 0
    this.#tail = used
  }
}
