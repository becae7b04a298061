/**
 * Answers of a gateway to views whose real ones would take minutes to become interesting: a heat map with a hot range that wanders, messages of an
 * election, settings of every kind. The shapes are those of the public contract.
 */
import type { Call, Heatmap, Setting } from '../../src/console/api/shapes.ts'

const STEPS = 120
const BUCKETS = 48

export function heatmapAnswer(nowMs: number): Heatmap {
  const start = (row: number): string => (row === 0 ? '' : `user%2F${String(row * 100).padStart(5, '0')}`)
  const load = (step: number, row: number, scale: number): number => {
    const centre = 10 + 20 * (1 + Math.sin(step / 18))
    const ridge = 3000 * Math.exp(-((row - centre) ** 2) / 6)
    const night = step > 70 && step < 84 ? 0.02 : 1
    return Math.round(scale * night * (ridge + 12 + (row % 7)))
  }
  const grid = (scale: number): number[][] =>
    Array.from({ length: STEPS }, (_, step) => Array.from({ length: BUCKETS }, (_, row) => load(step, row, scale)))
  return {
    from: new Date(nowMs - STEPS * 15_000).toISOString(),
    to: new Date(nowMs).toISOString(),
    stepSeconds: 15,
    buckets: Array.from({ length: BUCKETS }, (_, row) => start(row)),
    reads: grid(1),
    writes: grid(0.2),
  }
}

/** A pre-vote and a vote that two others were asked for; one of them did not answer at first. */
export function electionCalls(group: number, term: number, atMs: number, [from, ...others]: readonly string[]): Call[] {
  const call = (type: string, position: number, to: string, error: string | null): Call => ({
    id: `c-${type}-${position}`,
    ts: new Date(atMs + position * 3).toISOString(),
    from: from ?? '',
    to,
    type,
    group,
    term,
    entries: 0,
    bytes: 60,
    latencyMs: error === null ? 1.4 + position : null,
    heartbeat: false,
    error,
  })
  return others.flatMap((to, position) => [
    call('PreVote', position, to, position === 0 ? null : 'timed out'),
    call('RequestVote', 4 + position, to, null),
  ])
}

export function settingsAnswer(): Record<string, Setting> {
  return {
    'placement.downAfter': { value: '5m', default: '5m', source: 'default', dynamic: true },
    'gateway.limits.inflight': { value: 4000, default: 2000, source: 'cluster', dynamic: true },
    'raft.tickMs': { value: 50, default: 50, source: 'file', dynamic: false, unit: 'ms' },
  }
}
