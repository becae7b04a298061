/**
 * One value for one setting, as a cluster keeps it: what the schema makes of it, so that every store goes by the same number, whatever it was written
 * as. For values that come as JSON; a duration may be the number of milliseconds that `GET /admin/config` shows.
 */
import type { Setting } from './settings.ts'
import { formatDurationMs } from './units.ts'

export type ParsedSetting = { readonly ok: true; readonly value: unknown } | { readonly ok: false }

export function parseSetting(setting: Setting, raw: unknown): ParsedSetting {
  const isMs = setting.leaf.unit === 'ms' && typeof raw === 'number'
  const parsed = setting.leaf.schema.safeParse(isMs ? formatDurationMs(raw) : raw)
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false }
}
