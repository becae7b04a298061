/**
 * Finds the answer to each message: by group, peer and kind, in the order in which they were sent. An acknowledgement of entries answers all that it covers. What
 * stays without an answer ends after a while, so that memory stays bounded. Pure.
 */
import { RPC_KIND } from '../../base/index.ts'
import { CALL_ERRORS, CALL_TYPES, type EndedCall, newEndedCall } from './call.ts'
import { type Note, newNote } from './note.ts'
import { type Lane, NOBODY, OpenCalls } from './open-calls.ts'

const NO_ANSWER_AFTER_MS = 10_000
const SNAPSHOT_NO_ANSWER_AFTER_MS = 600_000
/** A follower that is away is sent little, but it may be away for long. */
const LANE_CALLS_MAX = 1_024

const ERROR = {
  none: CALL_ERRORS.indexOf('none'),
  notSent: CALL_ERRORS.indexOf('not-sent'),
  noAnswer: CALL_ERRORS.indexOf('no-answer'),
  rejected: CALL_ERRORS.indexOf('rejected'),
  refused: CALL_ERRORS.indexOf('refused'),
} as const

/** Kinds whose answers look alike share a lane. */
const LANES = 5
const LANE_OF = byKind(
  [RPC_KIND.RequestVote, 0],
  [RPC_KIND.PreVote, 1],
  [RPC_KIND.AppendEntries, 2],
  [RPC_KIND.InstallSnapshot, 2],
  [RPC_KIND.Heartbeat, 3],
  [RPC_KIND.TimeoutNow, 4],
  [RPC_KIND.RequestVoteReply, 0],
  [RPC_KIND.PreVoteReply, 1],
  [RPC_KIND.AppendEntriesReply, 2],
  [RPC_KIND.HeartbeatReply, 3],
)

const TYPE_OF = byKind(
  [RPC_KIND.RequestVote, CALL_TYPES.indexOf('RequestVote')],
  [RPC_KIND.PreVote, CALL_TYPES.indexOf('PreVote')],
  [RPC_KIND.AppendEntries, CALL_TYPES.indexOf('AppendEntries')],
  // A heartbeat is an AppendEntries without entries (Raft §5.2); a flag tells it apart.
  [RPC_KIND.Heartbeat, CALL_TYPES.indexOf('AppendEntries')],
  [RPC_KIND.InstallSnapshot, CALL_TYPES.indexOf('InstallSnapshot')],
  [RPC_KIND.TimeoutNow, CALL_TYPES.indexOf('TimeoutNow')],
)

export class Matcher {
  readonly #ended: (call: EndedCall) => void
  readonly #calls = new OpenCalls()
  /** Of each group, by peer and kind. */
  readonly #lanes = new Map<number, Lane[]>()
  /** What is being ended, and what is told of it. */
  readonly #request: Note = newNote()
  readonly #call: EndedCall = newEndedCall()

  /** `ended` is given the same object each time. */
  constructor(ended: (call: EndedCall) => void) {
    this.#ended = ended
  }

  /** Calls without an answer yet. */
  get open(): number {
    return this.#calls.length
  }

  take(note: Note): void {
    const lane = this.#lane(note)
    switch (note.kind) {
      case RPC_KIND.RequestVoteReply:
      case RPC_KIND.PreVoteReply:
        if (lane.first !== NOBODY)
          this.#answered(lane, lane.first, NOBODY, note.atMs, note.failed ? ERROR.refused : ERROR.none)
        return
      case RPC_KIND.AppendEntriesReply:
        if (note.failed) this.#named(lane, note, ERROR.rejected)
        else this.#acknowledged(lane, note)
        return
      case RPC_KIND.HeartbeatReply:
        this.#named(lane, note, ERROR.none)
        return
      default:
        this.#sent(lane, note)
    }
  }

  /** Ends what has waited too long. */
  expire(nowMs: number): void {
    for (const [group, lanes] of this.#lanes) {
      let open = 0
      for (const lane of lanes) {
        this.#expire(lane, nowMs)
        open += lane.length
      }
      if (open === 0) this.#lanes.delete(group)
    }
  }

  #expire(lane: Lane, nowMs: number): void {
    const calls = this.#calls
    let before = NOBODY
    for (let at = lane.first; at !== NOBODY; ) {
      const next = calls.after(at)
      const limitMs = calls.kind(at) === RPC_KIND.InstallSnapshot ? SNAPSHOT_NO_ANSWER_AFTER_MS : NO_ANSWER_AFTER_MS
      if (nowMs - calls.sentMs(at) > limitMs) this.#lost(lane, at, before)
      else before = at
      at = next
    }
  }

  #lane({ kind, peer, group }: Note): Lane {
    let lanes = this.#lanes.get(group)
    if (lanes === undefined) {
      lanes = []
      this.#lanes.set(group, lanes)
    }
    const number = peer * LANES + (LANE_OF[kind] as number)
    // A group has few peers, and most of them one or two lanes.
    for (const lane of lanes) if (lane.number === number) return lane
    const lane: Lane = { number, first: NOBODY, last: NOBODY, length: 0 }
    lanes.push(lane)
    return lane
  }

  #sent(lane: Lane, note: Note): void {
    // A transfer has no answer of its own: the vote that follows is one.
    if (note.failed || note.kind === RPC_KIND.TimeoutNow) {
      this.#tell(note, Number.NaN, note.failed ? ERROR.notSent : ERROR.none)
      return
    }
    this.#calls.push(lane, note)
    if (lane.length > LANE_CALLS_MAX) this.#lost(lane, lane.first, NOBODY)
  }

  /** The logs match up to the index: everything that ends there or before has been taken. */
  #acknowledged(lane: Lane, { index, atMs }: Note): void {
    while (lane.first !== NOBODY && this.#calls.index(lane.first) <= index)
      this.#answered(lane, lane.first, NOBODY, atMs, ERROR.none)
  }

  /**
   * A rejection names what stands before the entries that did not fit. The answer to a heartbeat, which has none, carries its read round; heartbeats before it were
   * lost, and end when their time is over.
   */
  #named(lane: Lane, { index, atMs }: Note, error: number): void {
    const calls = this.#calls
    let before = NOBODY
    let at = lane.first
    while (at !== NOBODY && calls.index(at) - calls.entries(at) !== index) {
      before = at
      at = calls.after(at)
    }
    if (at !== NOBODY) this.#answered(lane, at, before, atMs, error)
  }

  #answered(lane: Lane, at: number, before: number, atMs: number, error: number): void {
    this.#calls.remove(lane, at, before, this.#request)
    this.#tell(this.#request, Math.max(0, atMs - this.#request.atMs), error)
  }

  #lost(lane: Lane, at: number, before: number): void {
    this.#calls.remove(lane, at, before, this.#request)
    this.#tell(this.#request, Number.NaN, ERROR.noAnswer)
  }

  #tell({ kind, peer, group, term, entries, bytes, atMs }: Note, latencyMs: number, error: number): void {
    const call = this.#call
    call.type = TYPE_OF[kind] as number
    call.heartbeat = kind === RPC_KIND.Heartbeat
    call.peer = peer
    call.group = group
    call.term = term
    call.entries = entries
    call.bytes = bytes
    call.sentMs = atMs
    call.latencyMs = latencyMs
    call.error = error
    this.#ended(call)
  }
}

function byKind(...pairs: readonly (readonly [kind: number, value: number])[]): Uint8Array {
  const table = new Uint8Array(16)
  for (const [kind, value] of pairs) table[kind] = value
  return table
}
