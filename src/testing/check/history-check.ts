/**
 * All that a recorded history must keep, in one call: pages by themselves, revisions, and then one order per key for writes, reads, stale reads and pages
 * together. The cheap checks come first, because what they say is easier to read.
 */
import { settleAtomicBatches } from './atomic-batches.ts'
import type { History, Operation } from './history.ts'
import { checkLinearizable, type LinearizabilityOptions } from './linearizability.ts'
import { checkRevisionOrder } from './revision-order.ts'
import { checkPage, readsOfPage } from './scans.ts'
import { readOfStaleRead } from './stale-reads.ts'
import { type Verdict, worstOf } from './verdict.ts'

export interface HistoryOptions extends LinearizabilityOptions {
  /** How much older than it says a stale answer may be, in milliseconds of the history's clock. */
  readonly stalenessSlackMs?: number
}

export function checkHistory(history: History, options: HistoryOptions = {}): Verdict {
  const cheap = worstOf([...history.pages.map(checkPage), checkRevisionOrder(history.operations)])
  if (!cheap.ok) return cheap
  return checkLinearizable(operationsOf(history, options.stalenessSlackMs), options)
}

/** Everything the history knows of single keys. */
function operationsOf({ operations, staleReads, pages }: History, slackMs = 0): readonly Operation[] {
  const keys = new Set(operations.map(({ key }) => key))
  const all = [...operations]
  for (const read of staleReads) all.push(readOfStaleRead(read, slackMs))
  for (const page of pages) for (const read of readsOfPage(page, keys, slackMs)) all.push(read)
  return settleAtomicBatches(all)
}
