/**
 * One measured load with its server-side costs: the step that `bench run` and `compare` share. Knows neither flags nor output.
 */
import type { Clock } from '../../src/base/index.ts'
import {
  type KeyDistribution,
  type KeyLayout,
  KeySpace,
  Ledger,
  type LoadResult,
  OperationSource,
  runLoad,
  type Target,
  ValueCodec,
} from '../load/index.ts'
import { ServerMeter } from '../systems/index.ts'

/** The data that several loads share: the same keys, and one memory of what was written. */
export interface DataSet {
  readonly keys: KeySpace
  readonly values: ValueCodec
  readonly ledger: Ledger
}

export interface LoadShape {
  readonly lanes: number
  readonly readRatio: number
  readonly distribution: KeyDistribution
  readonly seed: number
  readonly warmUpMs: number
  readonly durationMs: number
  readonly ratePerSecond?: number | undefined
  readonly timeoutMs: number
}

export interface Measurement {
  readonly load: LoadResult
  /** Processor time of all servers per operation, in microseconds. */
  readonly serverCpuUsPerOperation: number | undefined
  /** Completed operations per fsync, over all servers. */
  readonly operationsPerSync: number | undefined
}

export interface Servers {
  readonly pids: readonly number[]
  readonly metricsUrls: readonly string[]
}

const PRELOAD_LANES = 64
const PRELOAD_MS_MAX = 600_000

export function createDataSet(
  keyCount: number,
  prefix: string,
  layout: KeyLayout,
  bytes: number,
  runId: number,
): DataSet {
  return {
    keys: new KeySpace(keyCount, prefix, layout),
    values: new ValueCodec(bytes, runId),
    ledger: new Ledger(keyCount),
  }
}

/** Writes every key once, so that reads find something and what they find can be judged. */
export function preload(target: Target, data: DataSet, timeoutMs: number, clock: Clock): Promise<LoadResult> {
  const keyCount = data.keys.count
  return runLoad(target, {
    ...data,
    lanes: Math.min(PRELOAD_LANES, keyCount),
    source: new OperationSource({ readRatio: 0, distribution: 'sequential', keyCount, seed: 0 }),
    operationsMax: keyCount,
    warmUpMs: 0,
    durationMs: PRELOAD_MS_MAX,
    timeoutMs,
    clock,
  })
}

export async function measure(
  target: Target,
  data: DataSet,
  shape: LoadShape,
  servers: Servers,
  clock: Clock,
): Promise<Measurement> {
  const meter = new ServerMeter(servers.pids, servers.metricsUrls)
  const load = await runLoad(target, {
    ...data,
    lanes: shape.lanes,
    source: new OperationSource({ ...shape, keyCount: data.keys.count }),
    warmUpMs: shape.warmUpMs,
    durationMs: shape.durationMs,
    ratePerSecond: shape.ratePerSecond,
    timeoutMs: shape.timeoutMs,
    clock,
    cpuMs: ownCpuMs,
    onWindow: (edge) => meter.mark(edge),
  })
  const costs = await meter.costs()
  const perOperation = load.operations === 0 ? undefined : load.operations
  return {
    load,
    serverCpuUsPerOperation:
      costs.cpuMs === undefined || perOperation === undefined ? undefined : (costs.cpuMs * 1000) / perOperation,
    // A load of reads may need no fsync at all; then the quotient says nothing.
    operationsPerSync: costs.syncs === undefined || costs.syncs === 0 ? undefined : load.operations / costs.syncs,
  }
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
