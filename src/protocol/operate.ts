import type { HandRequest, SchedulerName, ShardId, StoreId } from '../../shard-map/index.ts'
import type { JsonValue } from '../machine/index.ts'
import type { ErrorValue } from './errors.ts'

/**
 * What people ask of the placement driver, through whichever gateway they reached. The answer is the JSON document that they are shown: its
 * shapes are those of the public contract, and nobody on the way looks into it.
 */
export type OperateRequest =
  | { readonly what: 'start'; readonly request: HandRequest; readonly dryRun: boolean }
  | { readonly what: 'list-operators' }
  | { readonly what: 'show-operator'; readonly operator: string }
  | { readonly what: 'cancel-operator'; readonly operator: string }
  | { readonly what: 'drain'; readonly store: StoreId; readonly dryRun: boolean }
  | { readonly what: 'decommission'; readonly store: StoreId; readonly dryRun: boolean }
  /** Takes a store back that is draining or being decommissioned. */
  | { readonly what: 'recommission'; readonly store: StoreId; readonly dryRun: boolean }
  | {
      readonly what: 'register-store'
      readonly store: StoreId
      readonly address: string
      readonly labels: Readonly<Record<string, string>>
    }
  | { readonly what: 'forget-store'; readonly store: StoreId }
  /** null removes a label. */
  | { readonly what: 'label-store'; readonly store: StoreId; readonly labels: Readonly<Record<string, string | null>> }
  | { readonly what: 'rebalance'; readonly dryRun: boolean }
  | { readonly what: 'list-schedulers' }
  /** `seconds` undefined: it runs again. */
  | { readonly what: 'pause-scheduler'; readonly scheduler: SchedulerName; readonly seconds: number | undefined }
  | { readonly what: 'explain-shard'; readonly shard: ShardId }
  | { readonly what: 'explain-store'; readonly store: StoreId }
  | { readonly what: 'hot' }
  | { readonly what: 'heat-map' }
  /** Snapshots now, of one shard or of everything; or the log of one shard shortened now. */
  | { readonly what: 'snapshot'; readonly shard: ShardId | undefined; readonly dryRun: boolean }
  | { readonly what: 'compact'; readonly shard: ShardId; readonly dryRun: boolean }
  /** The settings of the cluster, by dotted name, and their version. */
  | { readonly what: 'show-settings' }
  /** Who changed which of them lately. */
  | { readonly what: 'settings-history' }
  /** Checked by whoever sends it; null removes one. Answered when every store that lives has taken it, or a moment has passed. */
  | {
      readonly what: 'configure'
      readonly settings: readonly (readonly [name: string, value: JsonValue])[]
      /** Refused with OPERATOR_CONFLICT when the settings are at another one. */
      readonly expectedVersion?: number
      /** Who wants it, for the history. */
      readonly by?: string
    }

/** A refusal is not an error of the way: the driver was reached and said no. */
export type OperateAnswer =
  | { readonly ok: true; readonly document: unknown }
  | { readonly ok: false; readonly error: ErrorValue }
