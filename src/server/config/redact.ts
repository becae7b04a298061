/** Secrets out of values that people will see. */
import { withoutCredentials } from './address.ts'
import type { Config } from './schema.ts'
import { getAt, SETTINGS, type Setting, setAt, type Tree } from './settings.ts'

export const REDACTED = '<redacted>'

/** The configuration with every secret replaced; for logs and for `GET /admin/config`. */
export function redactConfig(config: Config): Config {
  const copy: Tree = {}
  for (const setting of SETTINGS.values()) setAt(copy, setting.name, redactValue(setting, getAt(config, setting.name)))
  // Every setting of the schema was copied, so the shape is that of the original.
  return copy as Config
}

export function redactValue(setting: Setting, value: unknown): unknown {
  if (setting.secret === undefined || value === undefined || value === null) return value
  if (setting.secret === 'url') {
    return Array.isArray(value) ? value.map((item) => redactAddress(item)) : redactAddress(value)
  }
  if (Array.isArray(value)) return value.map(() => REDACTED)
  if (typeof value !== 'object') return REDACTED
  return Object.fromEntries(Object.keys(value).map((key) => [key, REDACTED]))
}

function redactAddress(value: unknown): unknown {
  return typeof value === 'string' ? withoutCredentials(value) : REDACTED
}
