/** What `compare` measures and what it demands, as data. Adding a workload or a bound is adding a row. */
import type { Access, SystemName } from '../systems/index.ts'

export interface Workload {
  readonly name: string
  readonly title: string
  readonly access: Access
  readonly lanes: number
  readonly readRatio: number
}

export const WORKLOADS: readonly Workload[] = [
  { name: 'http-put', title: 'HTTP put @64', access: 'http', lanes: 64, readRatio: 0 },
  { name: 'http-get', title: 'HTTP get @64', access: 'http', lanes: 64, readRatio: 1 },
  { name: 'http-put-leaders', title: 'HTTP put @64, leaders', access: 'http-leaders', lanes: 64, readRatio: 0 },
  { name: 'http-get-leaders', title: 'HTTP get @64, leaders', access: 'http-leaders', lanes: 64, readRatio: 1 },
  { name: 'http-mix', title: 'HTTP mix 50/50 @64', access: 'http', lanes: 64, readRatio: 0.5 },
  { name: 'http-put-1', title: 'HTTP put @1', access: 'http', lanes: 1, readRatio: 0 },
  { name: 'http-get-1', title: 'HTTP get @1', access: 'http', lanes: 1, readRatio: 1 },
  { name: 'native-put', title: 'native put @64', access: 'native', lanes: 64, readRatio: 0 },
  { name: 'native-get', title: 'native get @64', access: 'native', lanes: 64, readRatio: 1 },
]

export type Metric = 'throughput' | 'p50'

/** Flotilla's figure divided by the peer's. A bound makes it pass or fail; without one it only informs. */
export interface RatioRule {
  readonly workload: string
  readonly metric: Metric
  readonly peer: SystemName
  readonly bound?: { readonly kind: 'floor' | 'ceiling'; readonly value: number }
}

export const RATIO_RULES: readonly RatioRule[] = [
  { workload: 'http-put', metric: 'throughput', peer: 'etcd', bound: { kind: 'floor', value: 1.5 } },
  { workload: 'http-get', metric: 'throughput', peer: 'etcd', bound: { kind: 'floor', value: 1.5 } },
  { workload: 'http-put-leaders', metric: 'throughput', peer: 'etcd', bound: { kind: 'floor', value: 1.5 } },
  { workload: 'http-get-leaders', metric: 'throughput', peer: 'etcd', bound: { kind: 'floor', value: 1.5 } },
  { workload: 'http-mix', metric: 'throughput', peer: 'etcd' },
  { workload: 'http-put-1', metric: 'p50', peer: 'etcd', bound: { kind: 'ceiling', value: 1.2 } },
  { workload: 'http-get-1', metric: 'p50', peer: 'etcd', bound: { kind: 'ceiling', value: 1.2 } },
  { workload: 'native-put', metric: 'throughput', peer: 'jetstream', bound: { kind: 'floor', value: 1 } },
  { workload: 'native-get', metric: 'throughput', peer: 'jetstream' },
]
