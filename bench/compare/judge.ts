/**
 * From samples to medians, ratios and verdicts. Pure. A ratio is taken within each round, where both systems met the same machine in the
 * same mood, and the median of these is judged.
 */
import type { Measurement } from '../run/index.ts'
import type { SystemName } from '../systems/index.ts'
import type { Metric, RatioRule } from './workloads.ts'

export interface Sample {
  readonly round: number
  readonly system: SystemName
  readonly workload: string
  readonly measurement: Measurement
}

export interface MedianRow {
  readonly workload: string
  readonly system: SystemName
  readonly rounds: number
  readonly operationsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly serverCpuUsPerOperation: number | undefined
  readonly generatorCpuUsPerOperation: number | undefined
  readonly operationsPerSync: number | undefined
  /** Sums over all rounds, not medians. */
  readonly errors: number
  readonly violations: number
}

export interface Ratio {
  readonly rule: RatioRule
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: number
  /** Undefined where the rule has no bound. */
  readonly passed: boolean | undefined
}

/** The middle value; of an even number, the mean of the two in the middle. `undefined` of nothing. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((left, right) => left - right)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2
}

/** One row per workload and system, in the order of first appearance in `workloads`. */
export function medianRows(samples: readonly Sample[], workloads: readonly string[]): MedianRow[] {
  const rows: MedianRow[] = []
  for (const workload of workloads) {
    const ofWorkload = samples.filter((sample) => sample.workload === workload)
    for (const system of new Set(ofWorkload.map((sample) => sample.system))) {
      const measurements = ofWorkload.filter((sample) => sample.system === system).map((sample) => sample.measurement)
      rows.push(medianRow(workload, system, measurements))
    }
  }
  return rows
}

function medianRow(workload: string, system: SystemName, measurements: readonly Measurement[]): MedianRow {
  const optional = (pick: (measurement: Measurement) => number | undefined): number | undefined =>
    median(measurements.map(pick).filter((value) => value !== undefined))
  const of = (pick: (measurement: Measurement) => number): number => median(measurements.map(pick)) ?? 0
  const sum = (pick: (measurement: Measurement) => number): number =>
    measurements.reduce((total, measurement) => total + pick(measurement), 0)
  return {
    workload,
    system,
    rounds: measurements.length,
    operationsPerSecond: of(({ load }) => load.operationsPerSecond),
    p50Ms: of(({ load }) => load.latency.p50Ms),
    p99Ms: of(({ load }) => load.latency.p99Ms),
    p999Ms: of(({ load }) => load.latency.p999Ms),
    serverCpuUsPerOperation: optional((measurement) => measurement.serverCpuUsPerOperation),
    generatorCpuUsPerOperation: optional(({ load }) => load.generatorCpuUsPerOperation),
    operationsPerSync: optional((measurement) => measurement.operationsPerSync),
    errors: sum(({ load }) => load.errorCount),
    violations: sum(({ load }) => load.violationCount),
  }
}

/** Rules without a round in which both systems did something are left out. */
export function ratios(samples: readonly Sample[], rules: readonly RatioRule[]): Ratio[] {
  const judged: Ratio[] = []
  for (const rule of rules) {
    const values = roundsOf(samples).map((round) => roundRatio(samples, rule, round))
    const known = values.filter((value) => value !== undefined)
    const middle = median(known)
    if (middle === undefined) continue
    judged.push({
      rule,
      median: middle,
      min: Math.min(...known),
      max: Math.max(...known),
      rounds: known.length,
      passed: passes(rule, middle),
    })
  }
  return judged
}

function passes(rule: RatioRule, ratio: number): boolean | undefined {
  if (rule.bound === undefined) return undefined
  return rule.bound.kind === 'floor' ? ratio >= rule.bound.value : ratio <= rule.bound.value
}

function roundsOf(samples: readonly Sample[]): number[] {
  return [...new Set(samples.map((sample) => sample.round))]
}

function roundRatio(samples: readonly Sample[], rule: RatioRule, round: number): number | undefined {
  const figure = (system: SystemName): number | undefined => {
    const found = samples.find(
      (sample) => sample.round === round && sample.system === system && sample.workload === rule.workload,
    )
    return found === undefined ? undefined : metricOf(found.measurement, rule.metric)
  }
  const own = figure('flotilla')
  const peer = figure(rule.peer)
  // A system that did nothing has no figure; dividing by it would pass any floor.
  return own === undefined || peer === undefined || own === 0 || peer === 0 ? undefined : own / peer
}

function metricOf(measurement: Measurement, metric: Metric): number {
  switch (metric) {
    case 'throughput':
      return measurement.load.operationsPerSecond
    case 'p50':
      return measurement.load.latency.p50Ms
  }
}
