import type { Key } from '../../../shard-map/index.ts'

/**
 * The vocabulary of the key-value machine: operations, the commands that carry them through the log, and what comes back.
 */
export type KvCondition =
  | { readonly kind: 'none' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'exists' }
  | { readonly kind: 'revision'; readonly revision: number }

export type KvOperation =
  | { readonly kind: 'put'; readonly key: Key; readonly value: Uint8Array; readonly condition: KvCondition }
  | { readonly kind: 'delete'; readonly key: Key; readonly condition: KvCondition }
  | { readonly kind: 'get'; readonly key: Key }

/**
 * One log entry. `rangeEpoch` is the shard's range epoch that the sender routed by: if the shard has another one when the command is
 * applied, nothing happens and the result is `stale-epoch`.
 */
export type KvCommand =
  | {
      readonly kind: 'operations'
      readonly rangeEpoch: number
      readonly atomic: boolean
      readonly operations: readonly KvOperation[]
    }
  | {
      readonly kind: 'delete-range'
      readonly rangeEpoch: number
      readonly start: Key
      readonly end: Key | undefined
      /** Removes at most this many of the first keys in the range. */
      readonly keysMax: number
    }

export type KvOperationResult =
  | { readonly kind: 'put'; readonly revision: number }
  | { readonly kind: 'delete'; readonly deleted: boolean; readonly revision: number }
  | { readonly kind: 'get'; readonly found: false }
  | { readonly kind: 'get'; readonly found: true; readonly value: Uint8Array; readonly revision: number }
  /** The condition did not hold; the key's current revision, or undefined when it is absent. */
  | { readonly kind: 'condition-failed'; readonly revision: number | undefined }

export type KvResult =
  | { readonly kind: 'operations'; readonly results: readonly KvOperationResult[] }
  /** An atomic command whose operation `index` failed its condition; nothing was changed. */
  | { readonly kind: 'aborted'; readonly index: number; readonly revision: number | undefined }
  | { readonly kind: 'delete-range'; readonly deleted: number; readonly more: boolean }
  | { readonly kind: 'stale-epoch' }
  | { readonly kind: 'malformed'; readonly reason: string }

/** A stored record. */
export interface KvRecord {
  readonly revision: number
  readonly value: Uint8Array
}
