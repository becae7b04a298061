/**
 * Tables that can be sorted by their heads; on a narrow screen each row becomes a card, with the heads as labels.
 */
import { type Child, h, type VirtualNode } from '../dom/node.ts'

export interface Column<Row> {
  readonly name: string
  readonly cell: (row: Row) => Child
  /** Absent: the table cannot be sorted by this. */
  readonly sort?: (row: Row) => number | string
  readonly isNumber?: boolean
  /** Left out where there is little room. */
  readonly isMinor?: boolean
}

export interface Sorting {
  column: string
  descending: boolean
}

export interface TableOptions<Row> {
  readonly label: string
  readonly key: (row: Row) => string | number
  readonly sorting?: Sorting
  /** Marks a row. */
  readonly tone?: (row: Row) => string | undefined
  readonly empty?: string
}

export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions<Row>,
): VirtualNode {
  const { sorting } = options
  const ordered = sorting === undefined ? rows : sorted(columns, rows, sorting)
  return h(
    'div.table',
    h(
      'table',
      { 'aria-label': options.label },
      h(
        'thead',
        h(
          'tr',
          columns.map((column) => headCell(column, sorting)),
        ),
      ),
      h(
        'tbody',
        ordered.map((row) =>
          h(
            'tr',
            { key: options.key(row), class: options.tone?.(row) },
            columns.map((column) =>
              h('td', { 'data-label': column.name, class: classOf(column) }, h('span', column.cell(row))),
            ),
          ),
        ),
      ),
    ),
    rows.length === 0 && h('p.empty', options.empty ?? 'Nothing here.'),
  )
}

function classOf<Row>({ isNumber, isMinor }: Column<Row>): string {
  return `${isNumber ? 'number' : ''} ${isMinor ? 'minor' : ''}`.trim()
}

function headCell<Row>(column: Column<Row>, sorting: Sorting | undefined): VirtualNode {
  const className = classOf(column)
  if (sorting === undefined || column.sort === undefined)
    return h('th', { scope: 'col', class: className }, column.name)
  const isSorted = sorting.column === column.name
  const order = sorting.descending ? 'descending' : 'ascending'
  const arrow = h('span.arrow', { 'aria-hidden': 'true' }, isSorted ? (sorting.descending ? '↓' : '↑') : '')
  return h(
    'th',
    { scope: 'col', class: className, 'aria-sort': isSorted ? order : undefined },
    h(
      'button.quiet',
      {
        type: 'button',
        onclick: () => {
          sorting.descending = isSorted ? !sorting.descending : column.isNumber === true
          sorting.column = column.name
        },
      },
      // Words of a column of numbers end where the numbers end.
      column.isNumber === true ? [arrow, column.name] : [column.name, arrow],
    ),
  )
}

function sorted<Row>(columns: readonly Column<Row>[], rows: readonly Row[], sorting: Sorting): readonly Row[] {
  const { sort } = columns.find(({ name }) => name === sorting.column) ?? {}
  if (sort === undefined) return rows
  const sign = sorting.descending ? -1 : 1
  return [...rows].sort((a, b) => {
    const [first, second] = [sort(a), sort(b)]
    return first === second ? 0 : first < second ? -sign : sign
  })
}
