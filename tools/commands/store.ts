/** `flotilla store ls|show`: the processes of the cluster; what changes them is in store-changes. */
import type { Command } from 'commander'
import {
  type Column,
  formatDetails,
  formatTable,
  percentEncode,
  printable,
  type Session,
  shortBytes,
  shortDuration,
} from '../cli/index.ts'
import { examples, type Registry, withSession } from './registry.ts'
import { addStoreChanges } from './store-changes.ts'

interface Store {
  readonly id: string
  readonly address: string
  readonly labels: Readonly<Record<string, string>>
  readonly state: string
  readonly replicas: number
  readonly leaders: number
  readonly bytes: number
  readonly load: { readonly readsPerSecond: number; readonly writesPerSecond: number }
  readonly version: string
  readonly lag: Readonly<Record<string, number>>
  readonly uptimeSeconds: number
}

const COLUMNS: readonly Column<Store>[] = [
  { name: 'id', value: (store) => store.id },
  { name: 'address', value: (store) => store.address },
  { name: 'state', value: (store) => store.state },
  { name: 'replicas', value: (store) => store.replicas, align: 'right' },
  { name: 'leaders', value: (store) => store.leaders, align: 'right' },
  { name: 'bytes', value: (store) => store.bytes, show: (store) => shortBytes(store.bytes), align: 'right' },
  {
    name: 'readsPerSecond',
    title: 'reads/s',
    value: (store) => store.load.readsPerSecond,
    show: (store) => store.load.readsPerSecond.toFixed(0),
    align: 'right',
  },
  {
    name: 'writesPerSecond',
    title: 'writes/s',
    value: (store) => store.load.writesPerSecond,
    show: (store) => store.load.writesPerSecond.toFixed(0),
    align: 'right',
  },
  { name: 'version', value: (store) => store.version },
  {
    name: 'uptimeSeconds',
    title: 'up',
    value: (store) => store.uptimeSeconds,
    show: (store) => shortDuration(store.uptimeSeconds),
    align: 'right',
  },
  { name: 'labels', value: (store) => pairs(store.labels) },
]

function pairs(entries: Readonly<Record<string, string | number>>): string {
  return printable(
    Object.entries(entries)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
  )
}

export function addStore(parent: Command, registry: Registry): void {
  const store = parent.command('store').description('show and change stores: the processes that keep the data')
  store
    .command('ls')
    .description('list all stores')
    .addHelpText('after', examples('flotilla store ls', 'flotilla store ls -o csv'))
    .action((_flags: object, command: Command) =>
      withSession(registry, command, async (session) => {
        const { document, text } = await session.getJson<{ stores: readonly Store[] }>('/admin/stores')
        await session.print({
          document,
          items: document.stores,
          columns: COLUMNS,
          table: () => formatTable(document.stores, COLUMNS),
          raw: text,
        })
      }),
    )
  store
    .command('show')
    .description('show one store')
    .argument('<store>', 'the id of the store')
    .addHelpText('after', examples('flotilla store show s1'))
    .action((id: string, _flags: object, command: Command) =>
      withSession(registry, command, async (session) => {
        const path = `/admin/stores/${percentEncode(Buffer.from(id, 'utf8'))}`
        const { document, text } = await session.getJson<Store>(path)
        await printStore(session, document, text)
      }),
    )
  addStoreChanges(store, registry, printStore)
}

function printStore(session: Session, document: Store, raw: string): Promise<void> {
  return session.print({ document, items: [document], columns: COLUMNS, table: () => storeTable(document), raw })
}

function storeTable(store: Store): string {
  return formatDetails([
    ['store', printable(store.id)],
    ['address', printable(store.address)],
    ['state', store.state],
    ['labels', pairs(store.labels) || 'none'],
    ['replicas', store.replicas],
    ['leaders', store.leaders],
    ['bytes', shortBytes(store.bytes)],
    ['reads per second', store.load.readsPerSecond.toFixed(1)],
    ['writes per second', store.load.writesPerSecond.toFixed(1)],
    ['lag in entries', pairs(store.lag) || 'none'],
    ['version', printable(store.version)],
    ['up for', shortDuration(store.uptimeSeconds)],
  ])
}
