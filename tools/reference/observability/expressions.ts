/**
 * What a dashboard asks Prometheus for a metric of the catalogue, made from the metric's type and labels. Everything that names metrics in queries does it
 * through these, so that a name which is no metric does not compile.
 */
import { METRICS, type MetricDefinition, type MetricName } from '../../../src/observe/index.ts'

/** What `prom-client` exports of the process, as far as dashboards and alerts use it. */
export type NodeMetricName =
  | 'process_cpu_seconds_total'
  | 'process_resident_memory_bytes'
  | 'process_open_fds'
  | 'process_max_fds'
  | 'nodejs_eventloop_lag_p50_seconds'
  | 'nodejs_eventloop_lag_p99_seconds'
  | 'nodejs_heap_size_used_bytes'
  | 'nodejs_heap_size_total_bytes'
  | 'nodejs_external_memory_bytes'
  | 'nodejs_gc_duration_seconds'

export type AnyMetricName = MetricName | NodeMetricName

export interface Query {
  readonly expr: string
  readonly legend: string
}

export function definitionOf(name: MetricName): MetricDefinition {
  return METRICS[name]
}

/** The metric itself, narrowed by a matcher such as `state="down"`. */
export function series(name: AnyMetricName, matcher = ''): string {
  return matcher === '' ? name : `${name}{${matcher}}`
}

export function ratePerSecond(name: AnyMetricName, matcher = '', window = '$__rate_interval'): string {
  return `rate(${series(name, matcher)}[${window}])`
}

export function sumBy(labels: readonly string[], expr: string): string {
  return labels.length === 0 ? `sum(${expr})` : `sum by (${labels.join(', ')}) (${expr})`
}

/** A quantile of a histogram over everything that the labels do not keep apart. */
export function quantile(
  share: number,
  name: AnyMetricName,
  labels: readonly string[],
  matcher = '',
  window = '$__rate_interval',
): string {
  const buckets = `rate(${name}_bucket${matcher === '' ? '' : `{${matcher}}`}[${window}])`
  return `histogram_quantile(${share}, ${sumBy(['le', ...labels], buckets)})`
}

/** Series with a label for each group are many: these are the largest. */
const LARGEST = 10
const SHARES = [0.5, 0.95, 0.99] as const

/** What a panel of this metric shows: rates of counters, quantiles of histograms, values of gauges; per store unless `isCluster`. */
export function queriesOf(name: MetricName, matcher: string, isCluster: boolean): Query[] {
  const { type, labels } = definitionOf(name)
  const place = isCluster ? [] : ['instance']
  const placeLegend = isCluster ? '' : '{{instance}}'
  if (type === 'histogram') {
    return SHARES.map((share) => ({
      expr: quantile(share, name, place, matcher),
      legend: `p${share * 100} ${placeLegend}`.trim(),
    }))
  }
  const value = type === 'counter' ? ratePerSecond(name, matcher) : series(name, matcher)
  if (labels.includes('group')) {
    return [{ expr: `topk(${LARGEST}, max by (group) (${value}))`, legend: 'shard {{group}}' }]
  }
  const kept = [...place, ...labels]
  const legend = [placeLegend, ...labels.map((label) => `{{${label}}}`)].join(' ').trim()
  return [{ expr: sumBy(kept, value), legend: legend === '' ? name : legend }]
}

/** Grafana's name of the unit. */
export function unitOf(name: MetricName): string {
  const { type, unit } = definitionOf(name)
  if (type === 'counter') return unit === 'bytes' ? 'Bps' : unit === 'seconds' ? 'percentunit' : 'cps'
  return unit === 'bytes' ? 'bytes' : unit === 'seconds' ? 's' : 'short'
}
