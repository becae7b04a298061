/** The port of `compare`: something that can be started fresh on loopback, loaded, and stopped. One adapter per database. */
import type { Target } from '../load/index.ts'

export type SystemName = 'flotilla' | 'etcd' | 'jetstream'

export interface System {
  readonly name: SystemName
  /** One line on how to get it, when it is not here. */
  missing(): string | undefined
  version(): Promise<string>
  /** Starts three members with their data under `directory`, and waits until they serve. */
  start(directory: string): Promise<RunningSystem>
}

/** How a workload reaches a system: over HTTP at any member, over HTTP straight at leaders, or with the native client. */
export type Access = 'http' | 'http-leaders' | 'native'

export interface RunningSystem {
  /** Undefined when the system has no such access. */
  target(access: Access): Target | undefined
  /** The server processes, for their processor time; brokers included. */
  readonly pids: readonly number[]
  /** Where `/metrics` with `storage_syncs_total` is served; empty when nowhere. */
  readonly metricsUrls: readonly string[]
  stop(): Promise<void>
}
