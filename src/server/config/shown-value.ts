/** Values of settings as complaints quote them: short, and never a secret. */
import { redactValue } from './redact.ts'
import type { Setting } from './settings.ts'

const SHOWN_CHARS_MAX = 80

export function shownValue(setting: Setting, value: unknown): string {
  if (setting.secret === 'value') return 'not valid'
  if (value === null || value === undefined) return 'empty'
  const text = JSON.stringify(redactValue(setting, value))
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}...`
}
