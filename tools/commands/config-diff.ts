/** `flotilla config diff [FILE] [OTHER]`: in what two configurations differ, the running one among them. */
import type { Command } from 'commander'
import { type Column, formatTable, printable, type Session } from '../cli/index.ts'
import { fileSettings, getSettings } from './config-settings.ts'
import { examples, type Registry, withSession } from './registry.ts'
import { loadUnits, plainValue, type ShownSettings, settingText } from './settings-table.ts'

interface Difference {
  readonly name: string
  readonly from: unknown
  readonly to: unknown
  /** Of the value on the left: what the cluster sets, a file cannot change. */
  readonly source: string
  readonly unit?: string
}

export function addConfigDiff(config: Command, registry: Registry): void {
  config
    .command('diff')
    .description('show what differs: from the defaults to a store, from a store to a file, or between two files')
    .argument('[file]', 'YAML or JSON; the environment is left out')
    .argument('[other]', 'another one')
    .addHelpText(
      'after',
      examples('flotilla config diff', 'flotilla config diff flotilla.yaml', 'flotilla config diff old.yaml new.yaml'),
    )
    .action((file: string | undefined, other: string | undefined, _flags: object, command: Command) =>
      withSession(registry, command, async (session) => {
        const differences = await differencesOf(session, registry, file, other)
        const units = await loadUnits()
        const shown = (value: unknown, unit: string | undefined): string => printable(settingText(value, unit, units))
        const columns: readonly Column<Difference>[] = [
          { name: 'name', value: ({ name }) => name },
          { name: 'from', value: ({ from }) => plainValue(from), show: ({ from, unit }) => shown(from, unit) },
          { name: 'to', value: ({ to }) => plainValue(to), show: ({ to, unit }) => shown(to, unit) },
          { name: 'source', value: ({ source }) => source },
        ]
        const document = { differences }
        const table = (): string => (differences.length === 0 ? 'no differences' : formatTable(differences, columns))
        await session.print({ document, items: differences, columns, table, raw: `${JSON.stringify(document)}\n` })
      }),
    )
}

async function differencesOf(
  session: Session,
  registry: Registry,
  file: string | undefined,
  other: string | undefined,
): Promise<Difference[]> {
  const right = file === undefined ? undefined : (await fileSettings(file, registry, {})).document
  if (other !== undefined && right !== undefined) {
    return compare(right, (await fileSettings(other, registry, {})).document)
  }
  const { document } = await getSettings(session)
  if (right !== undefined) return compare(document, right)
  return Object.entries(document).flatMap(([name, { default: from, value: to, source, unit }]) =>
    isSame(from, to) ? [] : [{ name, from, to, source, ...(unit === undefined ? {} : { unit }) }],
  )
}

/** Secrets are replaced on both sides, so that only their number shows. */
function compare(left: ShownSettings, right: ShownSettings): Difference[] {
  return Object.entries(right).flatMap(([name, { value: to, unit }]) => {
    const known = left[name]
    if (known === undefined || isSame(known.value, to)) return []
    return [{ name, from: known.value, to, source: known.source, ...(unit === undefined ? {} : { unit }) }]
  })
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
