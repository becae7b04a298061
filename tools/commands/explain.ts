/**
 * `flotilla explain SUBJECT`: what an error code means and what to do about it, which asks nobody; or why the placement driver did, or did not, act on a
 * shard or a store.
 */
import type { Command } from 'commander'
import {
  type Column,
  formatDetails,
  formatTable,
  outputFormat,
  percentEncode,
  printable,
  printResult,
  UsageError,
} from '../cli/index.ts'
import { examples, type Registry, withSession } from './registry.ts'

interface CodeMeaning {
  readonly code: string
  readonly title: string
  readonly explanation: string
  readonly cure: string
  readonly httpStatus: number
  readonly exitCode: number
  readonly retryable: boolean
}

const CODE_COLUMNS: readonly Column<CodeMeaning>[] = [
  { name: 'code', value: (meaning) => meaning.code },
  { name: 'title', value: (meaning) => meaning.title },
  { name: 'explanation', value: (meaning) => meaning.explanation },
  { name: 'cure', value: (meaning) => meaning.cure },
  { name: 'httpStatus', value: (meaning) => meaning.httpStatus },
  { name: 'exitCode', value: (meaning) => meaning.exitCode },
  { name: 'retryable', value: (meaning) => meaning.retryable },
]

interface Decision {
  readonly ts: string
  readonly scheduler: string
  readonly action: string | null
  readonly reason: string
  readonly numbers?: Readonly<Record<string, unknown>>
}

const DECISION_COLUMNS: readonly Column<Decision>[] = [
  { name: 'ts', title: 'time', value: (decision) => decision.ts },
  { name: 'scheduler', value: (decision) => printable(decision.scheduler) },
  { name: 'action', value: (decision) => (decision.action === null ? null : printable(decision.action)) },
  { name: 'reason', value: (decision) => printable(decision.reason) },
  { name: 'numbers', value: (decision) => numbersText(decision) },
]

function numbersText({ numbers = {} }: Decision): string {
  const rounded = (value: unknown): unknown => (typeof value === 'number' ? Math.round(value * 100) / 100 : value)
  return Object.entries(numbers)
    .map(([name, value]) => printable(`${name}=${String(rounded(value))}`))
    .join(' ')
}

export function addExplain(parent: Command, registry: Registry): void {
  parent
    .command('explain')
    .description('what an error code means, or why the placement driver acted on a shard or store')
    .argument('<subject>', 'an error code, the id of a shard, or that of a store')
    .addHelpText('after', examples('flotilla explain QUORUM_LOST', 'flotilla explain 7', 'flotilla explain s2 -o json'))
    .action(async (subject: string, _flags: object, command: Command) => {
      // Only this command pays for loading the table.
      const { ERROR_TABLE, isErrorCode } = await import('../../src/protocol/index.ts')
      const code = subject.toUpperCase().replaceAll('-', '_')
      if (isErrorCode(code)) {
        await explainCode(registry, command, { code, ...ERROR_TABLE[code] })
        return
      }
      if (/^[A-Z][A-Z]*(_[A-Z]+)+$/.test(subject))
        throw new UsageError(`there is no error code ${subject}`, subject, Object.keys(ERROR_TABLE))
      await explainDecisions(registry, command, subject)
    })
}

function explainCode({ context }: Registry, command: Command, meaning: CodeMeaning): Promise<void> {
  const retry = meaning.retryable ? 'may succeed, unless the outcome is unknown' : 'will fail in the same way'
  const lines = [
    `${meaning.code}: ${meaning.title}`,
    '',
    meaning.explanation,
    meaning.cure,
    '',
    formatDetails([
      ['over HTTP', meaning.httpStatus],
      ['exit code', `${meaning.exitCode}; 6 where it is not known whether the write happened`],
      ['the same again', retry],
    ]),
  ]
  return printResult(context, outputFormat(command.optsWithGlobals(), context, 'json'), {
    document: meaning,
    items: [meaning],
    columns: CODE_COLUMNS,
    table: () => lines.join('\n'),
    raw: `${lines.join('\n')}\n`,
  })
}

function explainDecisions(registry: Registry, command: Command, subject: string): Promise<void> {
  const kind = /^[0-9]+$/.test(subject) ? 'shard' : 'store'
  const path = `/admin/explain?${kind}=${percentEncode(Buffer.from(subject, 'utf8'))}`
  return withSession(registry, command, async (session) => {
    const { document, text } = await session.getJson<{ readonly decisions: readonly Decision[] }>(path)
    await session.print({
      document,
      items: document.decisions,
      columns: DECISION_COLUMNS,
      table: () =>
        document.decisions.length === 0
          ? `the placement driver has decided nothing about ${kind} ${printable(subject)} yet`
          : formatTable(document.decisions, DECISION_COLUMNS),
      raw: text,
    })
  })
}
