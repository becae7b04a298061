/** Entries as lists show them. */
import { type Column, type JsonKey, printable } from '../cli/index.ts'

/** As `GET /kv` and `GET /kv/{key}` with JSON deliver them. */
export interface Entry extends JsonKey {
  readonly value?: string
  readonly encoding?: 'utf8' | 'base64'
  readonly revision: number
}

const SHOWN_CHARS_MAX = 80

const KEY_COLUMNS: readonly Column<Entry>[] = [
  { name: 'key', value: (entry) => entry.key, show: (entry) => printable(entry.key, entry.keyEncoding) },
  { name: 'keyEncoding', value: (entry) => entry.keyEncoding ?? 'utf8' },
]
const VALUE_COLUMNS: readonly Column<Entry>[] = [
  {
    name: 'value',
    value: (entry) => entry.value,
    show: (entry) => shortened(printable(entry.value ?? '', entry.encoding)),
  },
  { name: 'encoding', value: (entry) => entry.encoding },
]
const REVISION: Column<Entry> = { name: 'revision', value: (entry) => entry.revision, align: 'right' }

/** Every field, for CSV. */
export function entryColumns(keysOnly: boolean): readonly Column<Entry>[] {
  return [...KEY_COLUMNS, ...(keysOnly ? [] : VALUE_COLUMNS), REVISION]
}

/** Without the encodings, which a table has no need of. */
export function entryTableColumns(keysOnly: boolean): readonly Column<Entry>[] {
  return entryColumns(keysOnly).filter((column) => !column.name.toLowerCase().endsWith('encoding'))
}

function shortened(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}...`
}
