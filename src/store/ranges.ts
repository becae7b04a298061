import type { KeyRange } from '../storage/index.ts'

/** Arithmetic of key ranges, as the replicas of one store need it so that no key ever has two owners. */
export function rangesOverlap(a: KeyRange, b: KeyRange): boolean {
  if (isEmpty(a) || isEmpty(b)) return false
  return (a.end === undefined || b.start < a.end) && (b.end === undefined || a.start < b.end)
}

/** The smallest range that covers both. */
export function hull(a: KeyRange, b: KeyRange): KeyRange {
  if (isEmpty(a)) return b
  if (isEmpty(b)) return a
  const start = a.start < b.start ? a.start : b.start
  if (a.end === undefined || b.end === undefined) return { start, end: undefined }
  return { start, end: a.end > b.end ? a.end : b.end }
}

export function sameRange(a: KeyRange, b: KeyRange): boolean {
  return a.start === b.start && a.end === b.end
}

function isEmpty(range: KeyRange): boolean {
  return range.end !== undefined && range.end <= range.start
}
