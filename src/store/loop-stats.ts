/** What the loop counts: plain numbers, read by whoever makes metrics of them. */
export interface LoopStats {
  turns: number
  writesProposed: number
  entriesApplied: number
  readsServed: number
  elections: number
  messagesSent: number
}

export function newLoopStats(): LoopStats {
  return { turns: 0, writesProposed: 0, entriesApplied: 0, readsServed: 0, elections: 0, messagesSent: 0 }
}
