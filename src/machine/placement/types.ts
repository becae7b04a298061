import type { MapChange, RefusalReason, RejectedReport } from '../../../shard-map/index.ts'
import type { OperatorCommand, OperatorResult } from './operator-types.ts'

/**
 * The vocabulary of the placement machine: the commands in the log of group 1, and what comes back.
 */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue }

export type PlacementCommand =
  | OperatorCommand
  | { readonly kind: 'change'; readonly change: MapChange }
  /** Numbers that no shard and no replica has ever had. */
  | { readonly kind: 'allocate-ids'; readonly count: number }
  /**
   * Settings by dotted name, null removes one; all or nothing. `expectedVersion` refuses when somebody else changed the settings since they
   * were read.
   */
  | {
      readonly kind: 'configure'
      readonly settings: readonly (readonly [name: string, value: JsonValue])[]
      readonly expectedVersion: number | undefined
      /** For the history: who wants it, in a few words, and when, by the wall clock of whoever proposed it. */
      readonly by?: string
      readonly atMs?: number
    }

export type PlacementResult =
  | OperatorResult
  /** `rejected` are the reports of an update that the map did not take in; the others it did. */
  | { readonly kind: 'applied'; readonly version: number; readonly rejected: readonly RejectedReport[] }
  /** Nothing was changed. A second bootstrap ends here, as `already-bootstrapped`. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason | 'config-conflict'; readonly message: string }
  | { readonly kind: 'ids'; readonly first: number; readonly count: number }
  | { readonly kind: 'configured'; readonly version: number }
  | { readonly kind: 'malformed'; readonly reason: string }

/** Settings that the cluster as a whole has been given. */
export interface ClusterConfig {
  /** Grows with every change of a setting. */
  readonly version: number
  readonly settings: ReadonlyMap<string, JsonValue>
}

/** What one version of the settings changed. Null: the cluster says nothing of this setting. */
export interface ConfigChange {
  readonly version: number
  readonly atMs: number
  readonly by: string
  readonly settings: readonly (readonly [name: string, before: JsonValue, after: JsonValue])[]
}
