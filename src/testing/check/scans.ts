/**
 * Scans, page by page: the order is right, no key comes twice or from outside, and every key of the part that was read is either among the items or was
 * absent at some moment of the page. The last is decided by the search for an order: a page is one read per key.
 */
import type { Operation, ScanPage } from './history.ts'
import { PASSED, type Verdict, violation } from './verdict.ts'

/** What a page says by itself, without knowing what was written. */
export function checkPage(page: ScanPage): Verdict {
  const { items, reverse, start, end, next, itemsMax } = page
  const problem = (what: string): Verdict =>
    violation(
      `scan by ${page.client} at ${page.calledMs} from ${JSON.stringify(start)} to ${JSON.stringify(end)}: ${what}`,
    )
  if (items.length > itemsMax) return problem(`${items.length} items although ${itemsMax} were the most`)
  for (const [position, { key }] of items.entries()) {
    if (key < start || (end !== undefined && key >= end)) return problem(`${JSON.stringify(key)} lies outside`)
    const before = items[position - 1]?.key
    if (before !== undefined && before === key) return problem(`${JSON.stringify(key)} comes twice`)
    if (before !== undefined && before < key === reverse)
      return problem(`${JSON.stringify(key)} comes after ${JSON.stringify(before)}`)
    if (next !== undefined && (reverse ? key < next : key >= next))
      return problem(`${JSON.stringify(key)} belongs to the next page, which begins at ${JSON.stringify(next)}`)
  }
  if (next !== undefined && (next < start || (end !== undefined && next > end)))
    return problem(`the next page begins outside, at ${JSON.stringify(next)}`)
  return PASSED
}

/** The page as reads of single keys. `keys` are all that the history knows; `slackMs` is added to the age that a stale page admits. */
export function readsOfPage(page: ScanPage, keys: Iterable<string>, slackMs = 0): Operation[] {
  const { client, reverse, next, returnedMs, stalenessMs } = page
  const calledMs = page.calledMs - (stalenessMs > 0 ? stalenessMs + slackMs : 0)
  const start = reverse ? (next ?? page.start) : page.start
  const end = reverse ? page.end : (next ?? page.end)
  const reads: Operation[] = []
  const common = { client, action: { kind: 'get' }, calledMs, returnedMs } as const
  const present = new Set<string>()
  for (const { key, value, revision } of page.items) {
    present.add(key)
    const outcome =
      value === undefined
        ? ({ kind: 'listed', revision } as const)
        : ({ kind: 'read', found: { value, revision } } as const)
    reads.push({ ...common, key, outcome })
  }
  for (const key of keys) {
    if (present.has(key) || key < start || (end !== undefined && key >= end)) continue
    reads.push({ ...common, key, outcome: { kind: 'read', found: undefined } })
  }
  return reads
}
