/**
 * The metrics page of one process: Node's own metrics from `prom-client`, everything else from the catalogue. Counting happens where things happen, with
 * plain numbers; they are read when somebody scrapes, so that metrics cost the hot path nothing. Per-group series are capped; totals cover all groups.
 */
import { collectDefaultMetrics, Registry } from 'prom-client'
import { Histogram, SECONDS_BOUNDS } from '../../base/index.ts'
import { exposition, type HistogramSample, type MetricsReading } from './exposition.ts'

/** What the page counts itself is no business of who reads the rest. */
export type PartReading = Omit<MetricsReading, 'flotilla_http_request_duration_seconds'>

export interface MetricsPage {
  readonly contentType: string
  metrics(): Promise<string>
  /** One HTTP request has ended. */
  observe(route: string, method: string, status: number, seconds: number): void
}

/** Their names end like those of counters, which they are not; the same figures are in `nodejs_active_*`. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']
/** Routes times methods times statuses that occur are far fewer; beyond this something is wrong with the labels. */
const REQUEST_SERIES_MAX = 500

export function createMetrics(read: () => PartReading): MetricsPage {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  const requests = new Map<string, HistogramSample>()
  return {
    contentType: registry.contentType,
    async metrics() {
      const text = exposition({ ...read(), flotilla_http_request_duration_seconds: requests.values() })
      return text + (await registry.metrics())
    },
    observe(route, method, status, seconds): void {
      const key = `${route} ${method} ${status}`
      let sample = requests.get(key)
      if (sample === undefined) {
        if (requests.size >= REQUEST_SERIES_MAX) return
        sample = { labels: [route, method, String(status)], histogram: new Histogram(SECONDS_BOUNDS) }
        requests.set(key, sample)
      }
      sample.histogram.observe(seconds)
    },
  }
}

const GROUPS_MAX = 50

/** The groups that get series of their own: those with the most work behind them. */
export function busiest<Group extends { readonly commitIndex: number }>(groups: readonly Group[]): readonly Group[] {
  if (groups.length <= GROUPS_MAX) return groups
  return [...groups].sort((left, right) => right.commitIndex - left.commitIndex).slice(0, GROUPS_MAX)
}
