/**
 * Calls that wait for an answer, in columns: lanes of them, each a chain in the order in which they were sent. No object exists per call. Which answer ends which
 * call is decided by the matcher.
 */
import type { Note } from './note.ts'

export interface Lane {
  /** Says peer and kinds. */
  readonly number: number
  /** Positions of the oldest and the newest call; NOBODY where the lane is empty. */
  first: number
  last: number
  length: number
}

export const NOBODY = -1

const FIELDS = 8
const KIND = 0
const PEER = 1
const GROUP = 2
const TERM = 3
const INDEX = 4
const ENTRIES = 5
const BYTES = 6
const SENT_MS = 7
const CALLS = 256

export class OpenCalls {
  #fields = new Float64Array(CALLS * FIELDS)
  /** The next younger call of the lane, or the next free place. */
  #next = new Int32Array(CALLS)
  #free = NOBODY
  #used = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The next younger call of the same lane. */
  after(at: number): number {
    return this.#next[at] as number
  }

  kind(at: number): number {
    return this.#fields[at * FIELDS + KIND] as number
  }

  index(at: number): number {
    return this.#fields[at * FIELDS + INDEX] as number
  }

  entries(at: number): number {
    return this.#fields[at * FIELDS + ENTRIES] as number
  }

  sentMs(at: number): number {
    return this.#fields[at * FIELDS + SENT_MS] as number
  }

  /** What is sent now is the youngest of its lane. */
  push(lane: Lane, note: Note): void {
    const at = this.#place()
    const fields = this.#fields
    const from = at * FIELDS
    fields[from + KIND] = note.kind
    fields[from + PEER] = note.peer
    fields[from + GROUP] = note.group
    fields[from + TERM] = note.term
    fields[from + INDEX] = note.index
    fields[from + ENTRIES] = note.entries
    fields[from + BYTES] = note.bytes
    fields[from + SENT_MS] = note.atMs
    this.#next[at] = NOBODY
    if (lane.last === NOBODY) lane.first = at
    else this.#next[lane.last] = at
    lane.last = at
    lane.length++
    this.#length++
  }

  /** Takes a call out, whose elder in the lane is `before` (NOBODY for the oldest), and says in `call` what it was. */
  remove(lane: Lane, at: number, before: number, call: Note): void {
    const fields = this.#fields
    const from = at * FIELDS
    call.kind = fields[from + KIND] as number
    call.peer = fields[from + PEER] as number
    call.group = fields[from + GROUP] as number
    call.term = fields[from + TERM] as number
    call.index = fields[from + INDEX] as number
    call.entries = fields[from + ENTRIES] as number
    call.bytes = fields[from + BYTES] as number
    call.atMs = fields[from + SENT_MS] as number
    const next = this.#next[at] as number
    if (before === NOBODY) lane.first = next
    else this.#next[before] = next
    if (lane.last === at) lane.last = before
    lane.length--
    this.#length--
    this.#next[at] = this.#free
    this.#free = at
  }

  #place(): number {
    const free = this.#free
    if (free !== NOBODY) {
      this.#free = this.#next[free] as number
      return free
    }
    if (this.#used === this.#next.length) {
      const [fields, next] = [this.#fields, this.#next]
      this.#fields = new Float64Array(fields.length * 2)
      this.#fields.set(fields)
      this.#next = new Int32Array(next.length * 2)
      this.#next.set(next)
    }
    return this.#used++
  }
}
