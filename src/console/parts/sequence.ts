/**
 * An election as a sequence: a lane for each store, time downwards, messages as arrows, what stores decided as marks. What is drawn is computed first,
 * so that it can be tested; drawing adds nothing to it.
 */
import type { Call, EventRow } from '../api/shapes.ts'

export interface Arrow {
  readonly kind: 'ask' | 'answer'
  readonly from: string
  readonly to: string
  readonly startMs: number
  readonly endMs: number
  readonly words: string
  readonly isLost: boolean
}

export interface Mark {
  readonly store: string
  readonly atMs: number
  readonly words: string
  readonly tone: 'plain' | 'good' | 'bad'
}

export interface Sequence {
  readonly lanes: readonly string[]
  readonly arrows: readonly Arrow[]
  readonly marks: readonly Mark[]
  readonly fromMs: number
  readonly toMs: number
}

const VOTES: ReadonlySet<string> = new Set(['RequestVote', 'PreVote', 'TimeoutNow'])
const TONES: Readonly<Record<string, Mark['tone']>> = {
  election_won: 'good',
  election_lost: 'bad',
  leader_lost: 'bad',
  quorum_lost: 'bad',
}
/** What may have led to an election happened in the term before it. */
const CAUSES: ReadonlySet<string> = new Set([
  'PreVote',
  'TimeoutNow',
  'pre_vote_started',
  'election_handed_over',
  'leader_lost',
  'leadership_lost',
  'quorum_lost',
])
/** How long before its first sign a cause may lie. */
const CAUSE_MS_MAX = 3_000
/** An election takes less, even one that is tried again. */
const ELECTION_MS_MAX = 10_000

/**
 * `stores` get a lane even where nothing is known of them. Undefined where nothing of the term is known.
 */
export function sequenceOf(
  term: number,
  events: readonly EventRow[],
  calls: readonly Call[],
  stores: readonly string[],
): Sequence | undefined {
  const ofTerm = [...events, ...calls.filter(({ type }) => VOTES.has(type))].filter((row) => row.term === term)
  const times = ofTerm.map(({ ts }) => Date.parse(ts))
  if (times.length === 0) return undefined
  const first = Math.min(...times)
  const belongs = (row: EventRow | Call): boolean => {
    const passedMs = Date.parse(row.ts) - first
    if (row.term === term) return passedMs <= ELECTION_MS_MAX
    return row.term === term - 1 && CAUSES.has(row.type) && passedMs <= 0 && passedMs >= -CAUSE_MS_MAX
  }
  const marks = events.filter(belongs).map(markOf)
  const arrows = calls.filter((call) => VOTES.has(call.type) && belongs(call)).flatMap(arrowsOf)
  const all = [...marks.map(({ atMs }) => atMs), ...arrows.flatMap(({ startMs, endMs }) => [startMs, endMs])]
  const named = [...marks.map(({ store }) => store), ...arrows.flatMap(({ from, to }) => [from, to])]
  return {
    lanes: [...new Set([...stores, ...named])].sort(),
    arrows: arrows.sort((a, b) => a.startMs - b.startMs),
    marks: marks.sort((a, b) => a.atMs - b.atMs),
    fromMs: Math.min(...all),
    toMs: Math.max(...all),
  }
}

function markOf(event: EventRow): Mark {
  const detail = event.peer === undefined ? '' : ` ${event.peer}`
  return {
    store: event.store,
    atMs: Date.parse(event.ts),
    words: `${event.type.replaceAll('_', ' ')}${detail}`,
    tone: TONES[event.type] ?? 'plain',
  }
}

/** The answer took the same way back; when it came is known, so that is where its arrow ends. */
function arrowsOf(call: Call): Arrow[] {
  const startMs = Date.parse(call.ts)
  const { from, to, type, term, latencyMs, error } = call
  const ask: Arrow = {
    kind: 'ask',
    from,
    to,
    startMs,
    endMs: startMs + (latencyMs ?? 0) / 2,
    words: `${type}, term ${term}`,
    isLost: error !== null,
  }
  if (latencyMs === null || error !== null) return [ask]
  const words = latencyMs < 1 ? `${latencyMs.toFixed(2)} ms` : `${latencyMs.toFixed(1)} ms`
  return [
    ask,
    { kind: 'answer', from: to, to: from, startMs: ask.endMs, endMs: startMs + latencyMs, words, isLost: false },
  ]
}
