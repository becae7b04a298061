/**
 * The configuration as the gateway shows and changes it. It knows no setting: its owner has the schema and fills this in. The settings of the cluster
 * come from the placement driver and are handed over as they are.
 */
import type { OperateRequest } from '../protocol/index.ts'

/** By dotted name. */
export type ClusterSettings = ReadonlyMap<string, unknown>

/** By dotted name: `{value, default, source, dynamic, unit?}`. */
export type SettingsView = Readonly<Record<string, unknown>>

export type SettingsPlan =
  | {
      readonly ok: true
      readonly changes: Extract<OperateRequest, { readonly what: 'configure' }>['settings']
      /** The settings that were named, as they will be. */
      readonly shown: SettingsView
    }
  /** Sentences. */
  | { readonly ok: false; readonly errors: readonly string[] }

export interface SettingsPort {
  /** What this store has heard of the cluster's settings. */
  readonly heard: ClusterSettings
  /** Everything that this store goes by under these settings of the cluster. */
  show(cluster: ClusterSettings): SettingsView
  /** What a merge patch would change; changes nothing. */
  plan(cluster: ClusterSettings, patch: unknown): SettingsPlan
  /** A value as people may see it: without secrets. */
  display(name: string, value: unknown): unknown
}
