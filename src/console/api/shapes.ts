/**
 * What the gateway answers, as far as the console looks at it. The gateway's own shapes are held against these by a test; nothing here runs.
 */

export interface Load {
  readonly readsPerSecond: number
  readonly writesPerSecond: number
}

export interface Store {
  readonly id: string
  readonly address: string
  readonly labels: Readonly<Record<string, string>>
  readonly state: 'up' | 'suspect' | 'down' | 'draining' | 'decommissioning' | 'gone' | 'registered'
  readonly replicas: number
  readonly leaders: number
  readonly bytes: number
  readonly load: Load
  readonly version: string
  /** Entries that a peer is behind in the groups that this store leads. */
  readonly lag: Readonly<Record<string, number>>
  readonly uptimeSeconds: number
  readonly notReady?: readonly string[]
}

export interface Replica {
  readonly store: string
  readonly role: string
  readonly matchIndex: number | null
  readonly state: 'probe' | 'replicate' | 'snapshot' | null
}

export interface Shard {
  readonly id: number
  readonly kind: 'placement' | 'data'
  /** Percent-encoded; the placement driver has none. */
  readonly start?: string
  readonly end?: string | null
  readonly epoch: { readonly membership: number; readonly range: number }
  readonly leader: string | null
  readonly term: number
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly replicas: readonly Replica[]
  readonly bytes: number
  readonly keys: number
  readonly load: Load
}

export interface Status {
  readonly health: string
  readonly ok: boolean
  readonly version: string
  readonly stores: { readonly total: number; readonly up: number }
  readonly shards: {
    readonly total: number
    readonly leaderless: readonly number[]
    readonly underReplicated: readonly number[]
  }
  readonly leaders: Readonly<Record<string, number>>
  readonly operators: { readonly running: number }
  readonly placement: { readonly leader: string | null; readonly term: number }
}

export interface OperatorStep {
  readonly what: string
  readonly state: 'waiting' | 'running' | 'done' | 'failed'
  readonly startedAt?: string
  readonly endedAt?: string
}

export interface Operator {
  /** Null while it is only tried. */
  readonly id: string | null
  readonly kind: string
  readonly shard?: number
  readonly store?: string
  readonly state: 'running' | 'finished' | 'failed' | 'cancelled'
  readonly reason: string
  readonly steps: readonly OperatorStep[]
  readonly createdAt: string
  readonly endedAt: string | null
  readonly error: string | null
}

export interface Scheduler {
  readonly name: string
  readonly paused: boolean
  readonly pausedUntil: string | null
  readonly lastRunAt: string | null
}

export interface Decision {
  readonly ts: string
  readonly scheduler: string
  readonly action: string | null
  readonly reason: string
  readonly numbers: Readonly<Record<string, unknown>>
}

export interface EventRow {
  readonly id: string
  readonly ts: string
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly type: string
  readonly store: string
  readonly group?: number
  readonly term?: number
  readonly index?: number
  readonly peer?: string
  readonly data?: Readonly<Record<string, unknown>>
}

export interface Call {
  readonly id: string
  readonly ts: string
  readonly from: string
  readonly to: string
  readonly type: string
  readonly group: number
  readonly term: number
  readonly entries: number
  readonly bytes: number
  readonly latencyMs: number | null
  readonly heartbeat: boolean
  readonly error: string | null
}

export interface Entry {
  readonly key: string
  readonly keyEncoding?: 'base64'
  readonly value?: string
  readonly encoding?: 'utf8' | 'base64'
  readonly revision: number
}

export interface Setting {
  readonly value: unknown
  readonly default: unknown
  readonly source: string
  readonly dynamic: boolean
  readonly unit?: string
}

export interface Heatmap {
  readonly from: string | number
  readonly to: string | number
  readonly stepSeconds: number
  /** Key bounds: one more than rows, or as many as there are rows. */
  readonly buckets: readonly (string | null)[]
  readonly reads: readonly (readonly number[])[]
  readonly writes: readonly (readonly number[])[]
}
