/**
 * How long this gateway took for requests of keys lately, from two looks at its metrics page. Histograms only grow, so their difference is what
 * happened in between.
 */

const SERIES = /^flotilla_http_request_duration_seconds_bucket\{(.*)\} ([0-9.e+-]+)/gm
const DATA_ROUTES = /route="\/(?:kv|kv64|batch)\b/

/** Upper bounds in seconds, ascending, each with the number of requests up to it. */
export type Histogram = ReadonlyMap<number, number>

/** Requests of the data routes, all together; undefined where the page has none. */
export function requestHistogram(metrics: string): Histogram | undefined {
  const counts = new Map<number, number>()
  for (const [, labels = '', value] of metrics.matchAll(SERIES)) {
    const bound = /le="([^"]+)"/.exec(labels)?.[1]
    if (bound === undefined || !DATA_ROUTES.test(labels)) continue
    const upper = bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound)
    counts.set(upper, (counts.get(upper) ?? 0) + Number(value))
  }
  return counts.size === 0 ? undefined : new Map([...counts].sort(([a], [b]) => a - b))
}

export function since(before: Histogram | undefined, after: Histogram): Histogram {
  const difference = new Map<number, number>()
  for (const [bound, value] of after) difference.set(bound, Math.max(0, value - (before?.get(bound) ?? 0)))
  return difference
}

/** Seconds, interpolated within a bucket; undefined where nothing was counted. */
export function quantile(histogram: Histogram, part: number): number | undefined {
  const total = histogram.get(Number.POSITIVE_INFINITY) ?? 0
  if (total === 0) return undefined
  const wanted = part * total
  let lower = 0
  let below = 0
  for (const [upper, upTo] of histogram) {
    if (upTo >= wanted) {
      if (upper === Number.POSITIVE_INFINITY) return lower
      return upTo === below ? upper : lower + ((upper - lower) * (wanted - below)) / (upTo - below)
    }
    lower = upper
    below = upTo
  }
  return lower
}
