/** `flotilla check ranges|consistency|linearizable|perf`: tries whether a cluster keeps its promises. The work of each is in a file beside this one. */
import type { Command } from 'commander'
import { EXIT, formatTable, parseDuration, parseWhole, printable, type Session, UsageError } from '../cli/index.ts'
import { checkConsistency } from './check-consistency.ts'
import type { Finding } from './check-finding.ts'
import { checkLinearizable } from './check-linearizable.ts'
import { checkPerformance, LOADS } from './check-perf.ts'
import { checkRanges } from './check-ranges.ts'
import { examples, type Registry, withSession } from './registry.ts'

const SECONDS_MAX = 3600
const DURATION_MS_MAX = SECONDS_MAX * 1000
const CLIENTS_MAX = 100

export function addCheck(parent: Command, registry: Registry): void {
  const check = parent
    .command('check')
    .description('try whether the cluster keeps its promises; exit code 1 when it does not')
  check
    .command('ranges')
    .description('every key belongs to exactly one shard, with a leader and all its replicas, at every store alike')
    .addHelpText('after', examples('flotilla check ranges'))
    .action((_flags: object, command: Command) => runCheck(registry, command, 'ranges', checkRanges))
  check
    .command('consistency')
    .description('every store has the same keys, values and revisions; reads everything from each')
    .option('--prefix <text>', 'only keys that begin with this text', '')
    .addHelpText(
      'after',
      `${examples('flotilla check consistency', 'flotilla check consistency --prefix user:')}\n\nWorks under load: what differs is looked at again until the stores agree or time is up.`,
    )
    .action((flags: { readonly prefix: string }, command: Command) =>
      runCheck(registry, command, 'consistency', (session) =>
        checkConsistency(session, Buffer.from(flags.prefix, 'utf8')),
      ),
    )
  check
    .command('linearizable')
    .description('clients read and write a few keys through all stores, and one order must explain what they saw')
    .option('--duration <duration>', 'how long', '5s')
    .option('--clients <n>', 'how many at once', '6')
    .option('--prefix <text>', 'the keys begin with this text, and are deleted afterwards', 'flotilla-check/')
    .addHelpText(
      'after',
      examples('flotilla check linearizable', 'flotilla check linearizable --duration 1m --clients 20'),
    )
    .action(
      (flags: { readonly duration: string; readonly clients: string; readonly prefix: string }, command: Command) => {
        const durationMs = parseDuration('--duration', flags.duration, DURATION_MS_MAX)
        const clients = parseWhole('--clients', flags.clients, 1, CLIENTS_MAX)
        if (flags.prefix === '') throw new UsageError('--prefix is empty')
        return runCheck(registry, command, 'linearizable', (session) =>
          checkLinearizable(session, { durationMs, clients, prefix: flags.prefix }),
        )
      },
    )
  check
    .command('perf')
    .description('write at a steady rate, and see whether the cluster keeps up')
    .option('--load <size>', `${LOADS.map(({ name, perSecond }) => `${name} (${perSecond}/s)`).join(', ')}`, 's')
    .option('--duration <duration>', 'how long', '10s')
    .option('--prefix <text>', 'the keys begin with this text, and are deleted afterwards', 'flotilla-check/')
    .addHelpText('after', examples('flotilla check perf', 'flotilla check perf --load m --duration 1m'))
    .action(
      (flags: { readonly load: string; readonly duration: string; readonly prefix: string }, command: Command) => {
        const load = LOADS.find(({ name }) => name === flags.load)
        if (load === undefined) {
          const names = LOADS.map(({ name }) => name)
          throw new UsageError(
            `--load ${JSON.stringify(flags.load)} is not one of ${names.join(', ')}`,
            flags.load,
            names,
          )
        }
        const durationMs = parseDuration('--duration', flags.duration, DURATION_MS_MAX)
        if (flags.prefix === '') throw new UsageError('--prefix is empty')
        return runCheck(registry, command, 'perf', (session) =>
          checkPerformance(session, { ...load, durationMs, prefix: flags.prefix }),
        )
      },
    )
}

function runCheck(
  registry: Registry,
  command: Command,
  name: string,
  work: (session: Session) => Promise<readonly Finding[]>,
): Promise<void> {
  return withSession(registry, command, async (session) => {
    const findings = await work(session)
    const ok = findings.every((finding) => finding.ok)
    const columns = [
      {
        name: 'ok',
        title: '',
        value: (finding: Finding) => finding.ok,
        show: (finding: Finding) => (finding.ok ? 'ok' : 'FAILED'),
      },
      { name: 'what', value: (finding: Finding) => finding.what, show: (finding: Finding) => printable(finding.what) },
      {
        name: 'detail',
        value: (finding: Finding) => finding.detail,
        show: (finding: Finding) => printable(finding.detail),
      },
    ]
    await session.print({
      document: { check: name, ok, findings },
      items: findings,
      columns,
      table: () => `${formatTable(findings, columns)}\n\n${ok ? 'passed' : 'failed'}`,
      raw: findings.map((finding) => `${JSON.stringify(finding)}\n`).join(''),
    })
    if (!ok) registry.exitCode = EXIT.failed
  })
}
