/** `flotilla config show|get|set|history`: the settings of a running cluster, and with `-c FILE` those that a store would be started with. */
import type { Command } from 'commander'
import {
  CliError,
  type Column,
  EXIT,
  formatTable,
  parseAnswer,
  printable,
  type Session,
  UsageError,
} from '../cli/index.ts'
import { configurationError } from './configuration-error.ts'
import { examples, type Registry, withSession } from './registry.ts'
import {
  loadUnits,
  plainValue,
  printSettings,
  rowsOf,
  type SettingRow,
  type ShownSettings,
  settingText,
} from './settings-table.ts'

const CONFIG_PATH = '/admin/config'

export function getSettings(session: Session): Promise<{ readonly document: ShownSettings; readonly text: string }> {
  return session.getJson<ShownSettings>(CONFIG_PATH)
}

export function addConfigSettings(config: Command, registry: Registry): void {
  addShow(config, registry)
  addGet(config, registry)
  addSet(config, registry)
  addHistory(config, registry)
}

interface ShowFlags {
  readonly effective?: true
  readonly changed?: true
  readonly config?: string
}

function addShow(config: Command, registry: Registry): void {
  config
    .command('show')
    .description('show the settings that a store goes by')
    .option('--effective', 'with the default and the source of each value')
    .option('--changed', 'only those that are not at their default')
    .option('-c, --config <file>', 'ask no store: what one would be started with from this file and the environment')
    .addHelpText(
      'after',
      examples(
        'flotilla config show',
        'flotilla config show --effective --changed',
        'flotilla config show --effective -c flotilla.yaml',
      ),
    )
    .action((flags: ShowFlags, command: Command) =>
      withSession(registry, command, async (session) => {
        const { document, text } =
          flags.config === undefined ? await getSettings(session) : await fileSettings(flags.config, registry)
        const rows = rowsOf(document).filter(({ source }) => flags.changed !== true || source !== 'default')
        const shown = flags.changed === true ? documentOf(rows) : document
        await printSettings(session, shown, text, rows, flags.effective === true)
      }),
    )
}

function documentOf(rows: readonly SettingRow[]): ShownSettings {
  return Object.fromEntries(rows.map(({ name, ...setting }) => [name, setting]))
}

/** Secrets are replaced, as a store does. */
export async function fileSettings(
  file: string,
  registry: Registry,
  env: Readonly<Record<string, string | undefined>> = registry.context.env,
): Promise<{ readonly document: ShownSettings; readonly text: string }> {
  const { effectiveConfig, loadConfig, shownSettings } = await import('../../src/server/config/index.ts')
  const loaded = loadConfig({ file, env })
  if (!loaded.ok) throw configurationError(loaded.errors)
  const document = shownSettings(effectiveConfig(loaded, new Map()))
  return { document, text: `${JSON.stringify(document)}\n` }
}

function addGet(config: Command, registry: Registry): void {
  config
    .command('get')
    .description('show one setting')
    .argument('<name>', 'dotted, such as placement.downAfter')
    .addHelpText(
      'after',
      examples('flotilla config get placement.downAfter', 'flotilla config get gateway.limits.valueBytes -o raw'),
    )
    .action((name: string, _flags: object, command: Command) =>
      withSession(registry, command, async (session) => {
        const { document } = await getSettings(session)
        const setting = Object.hasOwn(document, name) ? document[name] : undefined
        if (setting === undefined) throw await unknownSetting(name, Object.keys(document))
        const units = await loadUnits()
        const row: SettingRow = { name, ...setting }
        await session.print({
          document: row,
          items: [row],
          columns: [
            { name: 'name', value: (each) => each.name },
            { name: 'value', value: (each) => plainValue(each.value) },
            { name: 'source', value: (each) => each.source },
          ],
          table: () => printable(settingText(row.value, row.unit, units)),
          raw: `${plainValue(row.value)}\n`,
        })
      }),
    )
}

async function unknownSetting(name: string, names: readonly string[]): Promise<CliError> {
  const { suggest } = await import('../../src/server/config/index.ts')
  const near = suggest(name, names)
  const meant = near === undefined ? '' : `; did you mean ${near}?`
  return new CliError(EXIT.notFound, 'INVALID_ARGUMENT', `there is no setting ${JSON.stringify(name)}${meant}`, [
    'flotilla config show',
  ])
}

function addSet(config: Command, registry: Registry): void {
  config
    .command('set')
    .description('change one setting of the whole cluster while it runs')
    .argument('<name>', 'dotted, such as placement.downAfter')
    .argument('<value>', 'as in a file; null returns to what each store was started with')
    .option('--dry-run', 'only show what would be set')
    .addHelpText(
      'after',
      examples(
        'flotilla config set placement.downAfter 10m',
        'flotilla config set observability.log.level debug --dry-run',
        'flotilla config set placement.downAfter null',
      ),
    )
    .action((name: string, text: string, flags: { dryRun?: true }, command: Command) =>
      withSession(registry, command, async (session) => {
        const { settingFromText } = await import('../../src/server/config/index.ts')
        const answer = await session.client.send({
          method: 'PATCH',
          path: `${CONFIG_PATH}${flags.dryRun === true ? '?dry_run=true' : ''}`,
          headers: { 'Content-Type': 'application/merge-patch+json' },
          body: Buffer.from(JSON.stringify(nested(name, settingFromText(name, text))), 'utf8'),
        })
        const raw = answer.body.toString('utf8')
        const document = parseAnswer<ShownSettings>(raw)
        await printSettings(session, document, raw, rowsOf(document), true)
      }),
    )
}

/** `{a: {b: value}}` of `a.b`. */
function nested(name: string, value: unknown): unknown {
  const keys = name.split('.')
  if (keys.some((key) => key === '')) throw new UsageError(`the name ${JSON.stringify(name)} is not dotted words`)
  return keys.reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), value)
}

interface Change {
  readonly version: number
  readonly ts: string
  readonly by: string
  readonly settings: readonly { readonly name: string; readonly before: unknown; readonly after: unknown }[]
}

type ValueText = (name: string, value: unknown) => string

/** In CSV numbers stay numbers, in a table they are written as in a file. */
function changeColumns(shown: ValueText): readonly Column<Change>[] {
  const told = ({ settings }: Change, text: ValueText): string =>
    settings
      .map(({ name, before, after }) => {
        const [from, to] = [before, after].map((value) => (value === null ? 'not set' : text(name, value)))
        return `${name}: ${from} -> ${to}`
      })
      .join(', ')
  return [
    { name: 'version', value: ({ version }) => version, align: 'right' },
    { name: 'ts', title: 'time', value: ({ ts }) => ts },
    { name: 'by', value: ({ by }) => by, show: ({ by }) => printable(by) },
    {
      name: 'settings',
      value: (change) => told(change, (_, value) => String(plainValue(value))),
      show: (change) => printable(told(change, shown)),
    },
  ]
}

function addHistory(config: Command, registry: Registry): void {
  config
    .command('history')
    .description('show who changed which settings of the cluster, the newest first')
    .addHelpText('after', examples('flotilla config history'))
    .action((_flags: object, command: Command) =>
      withSession(registry, command, async (session) => {
        const { document, text } = await session.getJson<{ changes: readonly Change[] }>(`${CONFIG_PATH}/history`)
        const { changes } = document
        // A change does not say what its numbers count; the settings do.
        const [units, settings] = await Promise.all([loadUnits(), getSettings(session)])
        const columns = changeColumns((name, value) => settingText(value, settings.document[name]?.unit, units))
        const table = (): string => formatTable(changes, columns)
        await session.print({ document, items: changes, columns, table, raw: text })
      }),
    )
}
