/** What the loop and its maintenance count: plain numbers, read by whoever makes metrics of them. */
import { Histogram, SECONDS_BOUNDS } from '../base/index.ts'

export interface LoopStats {
  turns: number
  /** Milliseconds spent inside turns. */
  busyMs: number
  writesProposed: number
  entriesApplied: number
  readsServed: number
  elections: number
  leadershipChanges: number
  messagesSent: number
  messagesReceived: number
  /** From handing a write of the log over to hearing that it is durable. */
  readonly syncSeconds: Histogram
  readonly flushSeconds: Histogram
}

export function newLoopStats(): LoopStats {
  return {
    turns: 0,
    busyMs: 0,
    writesProposed: 0,
    entriesApplied: 0,
    readsServed: 0,
    elections: 0,
    leadershipChanges: 0,
    messagesSent: 0,
    messagesReceived: 0,
    syncSeconds: new Histogram(SECONDS_BOUNDS),
    flushSeconds: new Histogram(SECONDS_BOUNDS),
  }
}
