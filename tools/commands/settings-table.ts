/** Settings as the command line shows them: one a row, sizes and durations as people write them. */
import { type Column, formatTable, printable, type Session } from '../cli/index.ts'

/** As the gateway shows it. */
export interface ShownSetting {
  readonly value: unknown
  readonly default: unknown
  readonly source: string
  readonly dynamic: boolean
  readonly unit?: string
}

export type ShownSettings = Readonly<Record<string, ShownSetting>>

export interface SettingRow extends ShownSetting {
  readonly name: string
}

type Units = Pick<typeof import('../../src/server/config/index.ts'), 'formatBytes' | 'formatDurationMs'>

/** Only commands that show settings pay for loading the schema. */
export async function loadUnits(): Promise<Units> {
  return await import('../../src/server/config/index.ts')
}

export function rowsOf(settings: ShownSettings): SettingRow[] {
  return Object.entries(settings).map(([name, setting]) => ({ name, ...setting }))
}

/** A value as a file would have it. */
export function settingText(value: unknown, unit: string | undefined, units: Units): string {
  if (typeof value === 'number' && unit === 'bytes') return String(units.formatBytes(value))
  if (typeof value === 'number' && unit === 'ms') return units.formatDurationMs(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** In CSV and for scripts: numbers stay numbers. */
export function plainValue(value: unknown): string | number | boolean | null {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** `isFull`: with the default beside the value. */
export async function printSettings(
  session: Session,
  document: ShownSettings,
  raw: string,
  rows: readonly SettingRow[],
  isFull: boolean,
): Promise<void> {
  const units = await loadUnits()
  const shown = (value: unknown, { unit }: SettingRow): string => printable(settingText(value, unit, units))
  const columns: readonly Column<SettingRow>[] = [
    { name: 'name', value: ({ name }) => name },
    { name: 'value', value: ({ value }) => plainValue(value), show: (row) => shown(row.value, row) },
    { name: 'default', value: (row) => plainValue(row.default), show: (row) => shown(row.default, row) },
    { name: 'source', value: ({ source }) => source },
    { name: 'dynamic', value: ({ dynamic }) => dynamic, show: ({ dynamic }) => (dynamic ? 'yes' : 'no') },
    { name: 'unit', value: ({ unit }) => unit },
  ]
  const inTable = isFull ? columns.slice(0, 5) : columns.filter(({ name }) => name === 'name' || name === 'value')
  await session.print({ document, items: rows, columns, table: () => formatTable(rows, inTable), raw })
}
