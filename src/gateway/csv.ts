/**
 * Rows as CSV (RFC 4180) that is safe to open in a spreadsheet: text that a spreadsheet would take for a formula gets an apostrophe in front, as OWASP
 * advises. Pure.
 */
export type CsvValue = string | number | boolean | null | undefined

export function csvText(columns: readonly string[], rows: readonly (readonly CsvValue[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(csvField).join(',')}\r\n`).join('')
}

/** What a spreadsheet evaluates, also after blanks that it would trim, and in the wide forms of East Asian text. */
const FORMULA = /^\s*[=+\-@|%＝＋－＠]|^[\t\r\n]/

function csvField(value: CsvValue): string {
  if (value === null || value === undefined) return ''
  if (typeof value !== 'string') return String(value)
  const harmless = FORMULA.test(value) ? `'${value}` : value
  return /[",\r\n']/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
