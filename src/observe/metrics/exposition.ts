/**
 * The text that Prometheus reads (exposition format 0.0.4), from the catalogue and the numbers of the moment. Pure.
 */
import type { Histogram } from '../../base/index.ts'
import { METRICS, type MetricDefinition, type MetricName } from './catalogue.ts'

type Catalogue = typeof METRICS

/** One value of a metric with labels; in the order of the catalogue's labels. */
export interface Sample {
  readonly labels: readonly string[]
  readonly value: number
}

export interface HistogramSample {
  readonly labels: readonly string[]
  readonly histogram: Histogram
}

type ReadingOf<Name extends MetricName> = Catalogue[Name]['type'] extends 'histogram'
  ? Iterable<HistogramSample>
  : Catalogue[Name]['labels'] extends readonly []
    ? number
    : Iterable<Sample>

/** A value, or values with labels, for every metric of the catalogue. */
export type MetricsReading = { readonly [Name in MetricName]: ReadingOf<Name> }

export function exposition(reading: MetricsReading): string {
  let text = ''
  for (const [name, definition] of Object.entries<MetricDefinition>(METRICS)) {
    text += `# HELP ${name} ${escapeHelp(definition.help)}\n# TYPE ${name} ${definition.type}\n`
    const value: number | Iterable<Sample | HistogramSample> = reading[name as MetricName]
    if (typeof value === 'number') text += `${name} ${numberText(value)}\n`
    else {
      for (const sample of value) {
        text +=
          'histogram' in sample
            ? histogramText(name, definition.labels, sample)
            : `${name}${labelsText(definition.labels, sample.labels)} ${numberText(sample.value)}\n`
      }
    }
  }
  return text
}

function histogramText(name: string, names: readonly string[], { labels, histogram }: HistogramSample): string {
  const { bounds, counts, sum } = histogram
  let text = ''
  let count = 0
  for (let position = 0; position < counts.length; position++) {
    count += counts[position] as number
    const bound = bounds[position]
    const le = bound === undefined ? '+Inf' : numberText(bound)
    text += `${name}_bucket${labelsText([...names, 'le'], [...labels, le])} ${count}\n`
  }
  const where = labelsText(names, labels)
  return `${text}${name}_sum${where} ${numberText(sum)}\n${name}_count${where} ${count}\n`
}

function labelsText(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return ''
  return `{${names.map((name, position) => `${name}="${escapeLabel(values[position] ?? '')}"`).join(',')}}`
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
