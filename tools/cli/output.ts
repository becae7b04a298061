/**
 * Results in the forms that `-o` offers. A command describes its result once, as a document, as items with columns, and as the gateway's own words;
 * this file turns that into text.
 */
import Table from 'cli-table3'

export const FORMATS = ['table', 'json', 'csv', 'ndjson', 'raw'] as const
export type Format = (typeof FORMATS)[number]

export interface Column<Item> {
  /** The header in CSV. */
  readonly name: string
  /** The header of tables; the name where it is absent. */
  readonly title?: string
  readonly value: (item: Item) => string | number | boolean | null | undefined
  /** For tables, where it differs from the value. */
  readonly show?: (item: Item) => string
  readonly align?: 'right'
}

/** Columns with a common edge and nothing between them, as is usual for lists in terminals. */
export function formatTable<Item>(items: readonly Item[], columns: readonly Column<Item>[]): string {
  const table = new Table({
    ...PLAIN,
    head: columns.map((column) => (column.title ?? column.name.replace(/(?<=[a-z0-9])[A-Z]/g, ' $&')).toUpperCase()),
    colAligns: columns.map((column) => column.align ?? 'left'),
  })
  for (const item of items) {
    table.push(columns.map((column) => (column.show === undefined ? plainText(column.value(item)) : column.show(item))))
  }
  return trimLines(table.toString())
}

/** Names and values, one a line. */
export function formatDetails(details: readonly (readonly [name: string, value: string | number])[]): string {
  const table = new Table(PLAIN)
  for (const [name, value] of details) table.push([name, String(value)])
  return trimLines(table.toString())
}

const PLAIN: Table.TableConstructorOptions = {
  chars: {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '',
  },
  style: { 'padding-left': 0, 'padding-right': 2, head: [], border: [], compact: true },
}

function trimLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

function plainText(value: string | number | boolean | null | undefined): string {
  return value === null || value === undefined ? '-' : String(value)
}

export function csvHeader<Item>(columns: readonly Column<Item>[]): string {
  return columns.map((column) => csvField(column.name)).join(',')
}

export function csvLine<Item>(item: Item, columns: readonly Column<Item>[]): string {
  return columns.map((column) => csvField(column.value(item))).join(',')
}

/** What a spreadsheet evaluates, also after blanks that it would trim, and in the wide forms of East Asian text. */
const FORMULA = /^\s*[=+\-@|%＝＋－＠]|^[\t\r\n]/

/** Quoted where it must be (RFC 4180). Text that a spreadsheet would run as a formula gets an apostrophe in front, as OWASP advises; JSON has the exact text. */
function csvField(value: string | number | boolean | null | undefined): string {
  const isFormula = typeof value === 'string' && FORMULA.test(value)
  const text = value === null || value === undefined ? '' : isFormula ? `'${value}` : String(value)
  return isFormula || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function formatJson(document: unknown): string {
  return JSON.stringify(document, undefined, 2)
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** For people; not exact. */
export function shortBytes(bytes: number): string {
  let amount = bytes
  let unit = 0
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024
    unit++
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[unit]}`
}

/** For people; not exact. */
export function shortDuration(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}
