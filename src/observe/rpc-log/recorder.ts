/**
 * The hot end of the RPC log: a ring of numbers that is made once. Noting a message is eight stores into an array, and a look at the clock serves all messages of a
 * frame or turn; whoever empties the ring does the rest, later. When nobody does in time, messages go unnoted, and that is counted.
 */
import type { Clock, RpcKind, RpcRecorder } from '../../base/index.ts'
import { type Note, newNote } from './note.ts'

const FIELDS = 9
/** Some tenths of a second of the busiest store; a bit more than a megabyte. A power of two. */
const ROWS = 16_384

export class Recorder implements RpcRecorder {
  readonly #clock: Clock
  readonly #hasten: () => void
  readonly #rows: number
  readonly #fields: Float64Array
  readonly #peers = new Map<string, number>()
  readonly #names: string[] = []
  readonly #note: Note = newNote()
  #first = 0
  /** Notes in the ring; the newest `unstamped` of them have no time yet. */
  #count = 0
  #unstamped = 0
  #isHastened = false
  dropped = 0

  /** `hasten` is called once when the ring is half full, until it is emptied. `rows` is a power of two. */
  constructor(clock: Clock, hasten: () => void, rows: number = ROWS) {
    this.#clock = clock
    this.#hasten = hasten
    this.#rows = rows
    this.#fields = new Float64Array(rows * FIELDS)
  }

  /** Names of peers, by their number. */
  get names(): readonly string[] {
    return this.#names
  }

  get waiting(): number {
    return this.#count
  }

  note(
    kind: RpcKind,
    peer: string,
    group: number,
    term: number,
    index: number,
    entries: number,
    bytes: number,
    failed: boolean,
  ): void {
    if (this.#count === this.#rows) {
      this.dropped++
      return
    }
    const fields = this.#fields
    const at = ((this.#first + this.#count) & (this.#rows - 1)) * FIELDS
    fields[at] = kind
    fields[at + 1] = this.#peers.get(peer) ?? this.#learn(peer)
    fields[at + 2] = group
    fields[at + 3] = term
    fields[at + 4] = index
    fields[at + 5] = entries
    fields[at + 6] = bytes
    fields[at + 7] = failed ? 1 : 0
    this.#count++
    this.#unstamped++
  }

  stamp(): void {
    if (this.#unstamped === 0) return
    const nowMs = this.#clock.nowMs()
    const mask = this.#rows - 1
    const end = this.#first + this.#count
    for (let row = end - this.#unstamped; row < end; row++) this.#fields[(row & mask) * FIELDS + 8] = nowMs
    this.#unstamped = 0
    if (this.#count * 2 < this.#rows || this.#isHastened) return
    this.#isHastened = true
    this.#hasten()
  }

  /** Hands out what was noted and stamped, oldest first. The object is the same each time. */
  empty(take: (note: Note) => void): void {
    const fields = this.#fields
    const note = this.#note
    for (; this.#count > this.#unstamped; this.#count--) {
      const at = this.#first * FIELDS
      note.kind = fields[at] as number
      note.peer = fields[at + 1] as number
      note.group = fields[at + 2] as number
      note.term = fields[at + 3] as number
      note.index = fields[at + 4] as number
      note.entries = fields[at + 5] as number
      note.bytes = fields[at + 6] as number
      note.failed = fields[at + 7] === 1
      note.atMs = fields[at + 8] as number
      this.#first = (this.#first + 1) & (this.#rows - 1)
      take(note)
    }
    this.#isHastened = false
  }

  #learn(peer: string): number {
    const number = this.#names.length
    this.#names.push(peer)
    this.#peers.set(peer, number)
    return number
  }
}
