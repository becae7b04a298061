/** Configuration: one schema, several sources, every mistake named with its place. */

export { type Listen, parseListen } from './address.ts'
export { type Composed, type ComposeOptions, composeFile } from './compose.ts'
export {
  acceptsSetting,
  type ClusterSettings,
  type Effective,
  effectiveConfig,
  type ShownSetting,
  type StartedWith,
  shownAs,
  shownSettings,
} from './effective.ts'
export { type LoadOptions, type LoadResult, loadConfig, type SettingSource } from './load.ts'
export { type PatchPlan, planPatch } from './patch.ts'
export { formatConfig, formatSettings } from './print.ts'
export { REDACTED, redactConfig } from './redact.ts'
export type { Config } from './schema.ts'
export { suggest } from './suggest.ts'
export { environmentName, settingFromText } from './text-layer.ts'
export { digestOf } from './tokens.ts'
export { formatBytes, formatDurationMs, parseBytes, parseDurationMs } from './units.ts'
