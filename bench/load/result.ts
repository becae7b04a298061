/** What a run found, as plain data: the driver fills it, reports print it, `compare` divides it. */
import { LatencyRecorder, type LatencySummary } from './latency-recorder.ts'
import type { Verdict } from './ledger.ts'

export type Violation = Exclude<Verdict, 'ok'>

export interface LoadResult {
  /** Length of the measured window, without warm-up. */
  readonly seconds: number
  /** Operations that succeeded within the window. */
  readonly operations: number
  readonly puts: number
  readonly gets: number
  /** Gets that found no value, where none was expected. */
  readonly absent: number
  readonly operationsPerSecond: number
  /** Successful operations in each whole second of the window. */
  readonly perSecond: readonly number[]
  readonly latency: LatencySummary
  readonly putLatency: LatencySummary
  readonly getLatency: LatencySummary
  /** Of what succeeded, from when it was sent: in an open loop, without the wait for a free lane. */
  readonly serviceLatency: LatencySummary
  /** Of what failed, from when it was sent. */
  readonly failureLatency: LatencySummary
  /** Failures within the window, by code. */
  readonly errors: Readonly<Record<string, number>>
  readonly errorCount: number
  /** Reads that broke linearizability or came back damaged, over the whole run including warm-up. */
  readonly violations: Readonly<Record<Violation, number>>
  readonly violationCount: number
  /** Open loop: operations due within the window that never found a free lane. Their wait so far is in the latencies. */
  readonly unstarted: number
  /** Processor time of this process per successful operation, in microseconds; undefined without a processor meter. */
  readonly generatorCpuUsPerOperation: number | undefined
}

/** Counts while a run is on; turned into a `LoadResult` at its end. */
export class ResultRecorder {
  readonly put = new LatencyRecorder()
  readonly get = new LatencyRecorder()
  readonly service = new LatencyRecorder()
  readonly failure = new LatencyRecorder()
  readonly violations: Record<Violation, number> = { stale: 0, lost: 0, phantom: 0, corrupt: 0 }
  absent = 0
  unstarted = 0
  readonly #errors = new Map<string, number>()
  readonly #perSecond: Float64Array
  readonly #seconds: number
  #puts = 0
  #gets = 0

  constructor(windowMs: number) {
    this.#seconds = windowMs / 1000
    this.#perSecond = new Float64Array(Math.max(1, Math.floor(this.#seconds)))
  }

  /** A success `intoWindowMs` after the window's start. Ends past the window count for latency, not for throughput. */
  succeeded(isGet: boolean, latencyMs: number, intoWindowMs: number, serviceMs: number): void {
    this.service.record(serviceMs)
    if (isGet) this.get.record(latencyMs)
    else this.put.record(latencyMs)
    if (intoWindowMs >= this.#seconds * 1000) return
    if (isGet) this.#gets++
    else this.#puts++
    const second = Math.floor(intoWindowMs / 1000)
    if (second < this.#perSecond.length) this.#perSecond[second] = (this.#perSecond[second] as number) + 1
  }

  failed(code: string, tookMs: number): void {
    this.failure.record(tookMs)
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1)
  }

  result(elapsedSeconds: number, cpuMs: number | undefined): LoadResult {
    const all = new LatencyRecorder()
    all.add(this.put)
    all.add(this.get)
    const operations = this.#puts + this.#gets
    const sorted = [...this.#errors].sort(([left], [right]) => (left < right ? -1 : 1))
    return {
      seconds: elapsedSeconds,
      operations,
      puts: this.#puts,
      gets: this.#gets,
      absent: this.absent,
      operationsPerSecond: elapsedSeconds === 0 ? 0 : operations / elapsedSeconds,
      perSecond: [...this.#perSecond.subarray(0, Math.max(1, Math.floor(elapsedSeconds)))],
      latency: all.summary(),
      putLatency: this.put.summary(),
      getLatency: this.get.summary(),
      serviceLatency: this.service.summary(),
      failureLatency: this.failure.summary(),
      errors: Object.fromEntries(sorted),
      errorCount: sorted.reduce((sum, [, count]) => sum + count, 0),
      violations: { ...this.violations },
      violationCount: Object.values(this.violations).reduce((sum, count) => sum + count, 0),
      unstarted: this.unstarted,
      generatorCpuUsPerOperation: cpuMs === undefined || operations === 0 ? undefined : (cpuMs * 1000) / operations,
    }
  }
}
