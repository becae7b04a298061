/** A measurement as text for people. Pure: lines in, nothing printed here. */
import type { LatencySummary, LoadResult } from '../load/index.ts'
import type { Measurement } from './measure.ts'
import type { RunOptions } from './run-options.ts'

export function describeRun(options: RunOptions): string[] {
  const what =
    options.readRatio === 0 ? 'put' : options.readRatio === 1 ? 'get' : `mix with ${percent(options.readRatio)} gets`
  const loop =
    options.ratePerSecond === undefined ? 'closed loop' : `open loop at ${options.ratePerSecond} operations/s`
  return [
    line('target', `${options.target} at ${options.endpoints.join(', ')}`),
    line('load', `${what}, ${options.valueBytes} B values, ${options.keyCount} keys, ${options.distribution}`),
    line('', `${options.lanes} in flight, ${loop}`),
    line('', `${seconds(options.durationMs)} after ${seconds(options.warmUpMs)} of warm-up, seed ${options.seed}`),
  ]
}

export function describeMeasurement(measurement: Measurement): string[] {
  const { load } = measurement
  const lines = [
    line(
      'throughput',
      `${Math.round(load.operationsPerSecond)} operations/s (${load.operations} in ${load.seconds} s)`,
    ),
    line('per second', load.perSecond.join(' ')),
  ]
  if (load.putLatency.count > 0) lines.push(line('put latency', latencyText(load.putLatency)))
  if (load.getLatency.count > 0) lines.push(line('get latency', latencyText(load.getLatency)))
  if (load.absent > 0) lines.push(line('absent', `${load.absent} gets found no value`))
  if (load.unstarted > 0)
    lines.push(line('unstarted', `${load.unstarted} operations were due and never found a free lane`))
  lines.push(line('errors', errorsText(load)))
  if (measurement.operationsPerSync !== undefined) {
    lines.push(line('fsync', `${measurement.operationsPerSync.toFixed(1)} operations per fsync, over all stores`))
  }
  const cpu = cpuText(measurement)
  if (cpu !== '') lines.push(line('processor', cpu))
  lines.push(line('verified', violationsText(load)))
  return lines
}

export function violationsText(load: LoadResult): string {
  if (load.violationCount === 0) return 'every value read was right'
  const kinds = Object.entries(load.violations).filter(([, count]) => count > 0)
  return `VIOLATIONS: ${kinds.map(([kind, count]) => `${count} ${kind}`).join(', ')}`
}

function errorsText(load: LoadResult): string {
  if (load.errorCount === 0) return 'none'
  return Object.entries(load.errors)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ')
}

function latencyText(latency: LatencySummary): string {
  const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = latency
  return `p50 ${ms(p50Ms)}  p90 ${ms(p90Ms)}  p99 ${ms(p99Ms)}  p99.9 ${ms(p999Ms)}  max ${ms(maxMs)} ms`
}

function cpuText(measurement: Measurement): string {
  const parts: string[] = []
  const generator = measurement.load.generatorCpuUsPerOperation
  if (generator !== undefined) parts.push(`${generator.toFixed(1)} us per operation in this process`)
  if (measurement.serverCpuUsPerOperation !== undefined) {
    parts.push(`${measurement.serverCpuUsPerOperation.toFixed(1)} us in the servers`)
  }
  return parts.join(', ')
}

function line(label: string, text: string): string {
  return `${label.padEnd(12)} ${text}`
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 3 : 1)
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1000} s`
}
