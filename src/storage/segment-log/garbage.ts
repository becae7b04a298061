import type { Segment, Segments } from './segments.ts'

/**
 * Decides whether copying live records out of the oldest segment pays. Facts in, decision out; the segment log does the
 * copying.
 *
 * Segments leave in order of age only, so one live record pins everything behind it. The rule: as long as the full segments
 * hold more than twice what is live in them, the oldest is emptied. So the log takes at most about twice the live bytes
 * plus the segment being filled, and on average a byte is copied at most once per byte that dies.
 */
const LIVE_SHARE_MAX = 1 / 2
/** Bounds how long one call keeps the loop: a few milliseconds of copying. */
const BYTES_PER_CALL = 4 * 1024 * 1024

export interface CollectionPlan {
  readonly segment: Segment
  readonly bytesMax: number
}

/** `end`: segments from here on may hold bytes that are still being written, so they cannot be read. */
export function planCollection(segments: Segments, end: number): CollectionPlan | undefined {
  let bytes = 0
  let liveBytes = 0
  for (let sequence = segments.oldest; sequence < end; sequence++) {
    const segment = segments.get(sequence)
    bytes += segment.bytes
    liveBytes += segment.liveBytes
  }
  if (liveBytes > bytes * LIVE_SHARE_MAX) return undefined
  for (let sequence = segments.oldest; sequence < end; sequence++) {
    const segment = segments.get(sequence)
    if (segment.liveBytes > 0) return { segment, bytesMax: BYTES_PER_CALL }
  }
  return undefined
}
