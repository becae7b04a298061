/** The events that happen with every write: nothing is built unless somebody listens to exactly them. Called by the loop with each Ready. */
import type { EventSink } from '../base/index.ts'
import type { AsyncReady } from '../raft/index.ts'
import type { LoopStats } from './loop-stats.ts'
import type { Replica } from './replica.ts'

/** Log writes that take longer than this are worth a warning: elections begin not much later. */
const SLOW_SYNC_MS = 500

/** A write of the log is durable. */
export function noteSync(events: EventSink, stats: LoopStats, durationMs: number): void {
  stats.syncSeconds.observe(durationMs / 1000)
  if (durationMs > SLOW_SYNC_MS) events.emit({ type: 'log_sync_slow', data: { durationMs: Math.round(durationMs) } })
}

export function noteLogWork(events: EventSink, replica: Replica, ready: AsyncReady): void {
  const appended = ready.append?.entries
  const last = appended?.at(-1)
  if (appended !== undefined && last !== undefined && events.wants('log_appended')) {
    const { index, term } = last
    events.emit({ type: 'log_appended', group: replica.group, term, index, data: { entries: appended.length } })
  }
  const committed = ready.apply?.entries
  const newest = committed?.at(-1)
  if (committed !== undefined && newest !== undefined && events.wants('log_committed')) {
    const { index, term } = newest
    events.emit({ type: 'log_committed', group: replica.group, term, index, data: { entries: committed.length } })
  }
}
