/**
 * Finds the answer to each message: by group, peer and kind, in the order in which they were sent. An acknowledgement of entries answers all that it covers. What
 * stays without an answer ends after a while, so that memory stays bounded. Pure.
 */
import { RPC_KIND } from '../../base/index.ts'
import { CALL_ERRORS, CALL_TYPES, type EndedCall } from './call.ts'
import type { Note } from './recorder.ts'

interface OpenCall {
  readonly kind: number
  readonly term: number
  readonly index: number
  readonly entries: number
  readonly bytes: number
  readonly sentMs: number
}

interface Lane {
  readonly peer: number
  readonly group: number
  calls: OpenCall[]
}

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
const LANES: Readonly<Record<number, number>> = {
  [RPC_KIND.RequestVote]: 0,
  [RPC_KIND.PreVote]: 1,
  [RPC_KIND.AppendEntries]: 2,
  [RPC_KIND.InstallSnapshot]: 2,
  [RPC_KIND.Heartbeat]: 3,
  [RPC_KIND.TimeoutNow]: 4,
  [RPC_KIND.RequestVoteReply]: 0,
  [RPC_KIND.PreVoteReply]: 1,
  [RPC_KIND.AppendEntriesReply]: 2,
  [RPC_KIND.HeartbeatReply]: 3,
}

export class Matcher {
  readonly #ended: (call: EndedCall) => void
  readonly #lanes = new Map<number, Lane>()

  constructor(ended: (call: EndedCall) => void) {
    this.#ended = ended
  }

  /** Calls without an answer yet. */
  get open(): number {
    let count = 0
    for (const lane of this.#lanes.values()) count += lane.calls.length
    return count
  }

  take(note: Note): void {
    const lane = this.#lane(note)
    switch (note.kind) {
      case RPC_KIND.RequestVoteReply:
      case RPC_KIND.PreVoteReply: {
        const call = lane.calls.shift()
        if (call !== undefined) this.#end(lane, call, note.atMs, note.failed ? ERROR.refused : ERROR.none)
        return
      }
      case RPC_KIND.AppendEntriesReply:
        if (note.failed) this.#rejected(lane, note)
        else this.#acknowledged(lane, note)
        return
      case RPC_KIND.HeartbeatReply:
        this.#heartbeatAnswered(lane, note)
        return
      default:
        this.#sent(lane, note)
    }
  }

  /** Ends what has waited too long. */
  expire(nowMs: number): void {
    for (const [key, lane] of this.#lanes) {
      const isLate = ({ kind, sentMs }: OpenCall): boolean =>
        nowMs - sentMs > (kind === RPC_KIND.InstallSnapshot ? SNAPSHOT_NO_ANSWER_AFTER_MS : NO_ANSWER_AFTER_MS)
      if (lane.calls.some(isLate)) {
        for (const call of lane.calls) if (isLate(call)) this.#end(lane, call, undefined, ERROR.noAnswer)
        lane.calls = lane.calls.filter((call) => !isLate(call))
      }
      if (lane.calls.length === 0) this.#lanes.delete(key)
    }
  }

  #lane({ kind, peer, group }: Note): Lane {
    const key = (group * 65_536 + peer) * 8 + (LANES[kind] ?? 0)
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = { peer, group, calls: [] }
      this.#lanes.set(key, lane)
    }
    return lane
  }

  #sent(lane: Lane, { kind, term, index, entries, bytes, atMs, failed }: Note): void {
    const call: OpenCall = { kind, term, index, entries, bytes, sentMs: atMs }
    if (failed) this.#end(lane, call, undefined, ERROR.notSent)
    // It has no answer of its own: the vote that follows is one.
    else if (kind === RPC_KIND.TimeoutNow) this.#end(lane, call, undefined, ERROR.none)
    else {
      lane.calls.push(call)
      if (lane.calls.length <= LANE_CALLS_MAX) return
      const oldest = lane.calls.shift()
      if (oldest !== undefined) this.#end(lane, oldest, undefined, ERROR.noAnswer)
    }
  }

  /** The logs match up to the index: everything that ends there or before has been taken. */
  #acknowledged(lane: Lane, { index, atMs }: Note): void {
    let count = 0
    for (const call of lane.calls) {
      if (call.index > index) break
      this.#end(lane, call, atMs, ERROR.none)
      count++
    }
    lane.calls.splice(0, count)
  }

  /** It names what stands before the entries that did not fit. */
  #rejected(lane: Lane, { index, atMs }: Note): void {
    const position = lane.calls.findIndex((call) => call.index - call.entries === index)
    const [call] = position < 0 ? [] : lane.calls.splice(position, 1)
    if (call !== undefined) this.#end(lane, call, atMs, ERROR.rejected)
  }

  /** Answers carry the read round of their heartbeat; those before it were lost, and end when their time is over. */
  #heartbeatAnswered(lane: Lane, { index, atMs }: Note): void {
    const position = lane.calls.findIndex((call) => call.index === index)
    const [call] = position < 0 ? [] : lane.calls.splice(position, 1)
    if (call !== undefined) this.#end(lane, call, atMs, ERROR.none)
  }

  #end({ peer, group }: Lane, call: OpenCall, atMs: number | undefined, error: number): void {
    const { kind, term, entries, bytes, sentMs } = call
    const heartbeat = kind === RPC_KIND.Heartbeat
    const latencyMs = atMs === undefined ? undefined : Math.max(0, atMs - sentMs)
    this.#ended({ type: typeOf(kind), heartbeat, peer, group, term, entries, bytes, sentMs, latencyMs, error })
  }
}

const TYPE_OF: Readonly<Record<number, number>> = {
  [RPC_KIND.RequestVote]: CALL_TYPES.indexOf('RequestVote'),
  [RPC_KIND.PreVote]: CALL_TYPES.indexOf('PreVote'),
  [RPC_KIND.AppendEntries]: CALL_TYPES.indexOf('AppendEntries'),
  // A heartbeat is an AppendEntries without entries (Raft §5.2); a flag tells it apart.
  [RPC_KIND.Heartbeat]: CALL_TYPES.indexOf('AppendEntries'),
  [RPC_KIND.InstallSnapshot]: CALL_TYPES.indexOf('InstallSnapshot'),
  [RPC_KIND.TimeoutNow]: CALL_TYPES.indexOf('TimeoutNow'),
}

function typeOf(kind: number): number {
  return TYPE_OF[kind] ?? 0
}
