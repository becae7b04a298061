/** Commands that start an operator: each may be tried, started, or waited for. What they send differs; what people see does not. */
import type { Command } from 'commander'
import {
  CliError,
  type Column,
  EXIT,
  formatDetails,
  formatTable,
  parseAnswer,
  parseDuration,
  percentEncode,
  printable,
  type Session,
  write,
} from '../cli/index.ts'
import { type Registry, withSession } from './registry.ts'

export interface OperatorStep {
  readonly what: string
  readonly state: string
  readonly startedAt?: string
  readonly endedAt?: string
}

export interface Operator {
  readonly id: string | null
  readonly kind: string
  readonly shard: number
  readonly store?: string
  readonly state: 'running' | 'finished' | 'failed' | 'cancelled'
  readonly reason: string
  readonly scheduler?: string
  readonly steps: readonly OperatorStep[]
  readonly createdAt: string
  readonly endedAt: string | null
  readonly error: string | null
  readonly waitsFor?: string
}

export const OPERATOR_COLUMNS: readonly Column<Operator>[] = [
  { name: 'id', value: (operator) => operator.id },
  { name: 'kind', value: (operator) => operator.kind },
  { name: 'shard', value: (operator) => operator.shard },
  { name: 'state', value: (operator) => operator.state },
  { name: 'reason', value: (operator) => operator.reason },
  { name: 'createdAt', value: (operator) => operator.createdAt },
  { name: 'endedAt', value: (operator) => operator.endedAt },
  { name: 'error', value: (operator) => operator.error },
]

const STEP_COLUMNS: readonly Column<OperatorStep>[] = [
  { name: 'step', value: (step) => printable(step.what) },
  { name: 'state', value: (step) => step.state },
  { name: 'startedAt', value: (step) => step.startedAt },
  { name: 'endedAt', value: (step) => step.endedAt },
]

export const WAIT_DEFAULT = '30s'
export const DRY_RUN_HELP = 'only show what would be done'
const WAIT_MS_MAX = 10 * 60_000
const POLL_MS = 250

export interface OperatorFlags {
  readonly wait?: string
  readonly dryRun?: true
}

/** The options that every such command has. */
export function operatorOptions(command: Command): Command {
  return command
    .option('--wait <duration>', `wait for the end; --wait alone waits ${WAIT_DEFAULT}`)
    .option('--dry-run', DRY_RUN_HELP)
}

/** The path of a request, only tried where the command was given `--dry-run`. */
export function tried(path: string, command: Command): string {
  return command.opts<OperatorFlags>().dryRun === true ? `${path}?dry_run=true` : path
}

/** `--wait` may stand alone, and must not take the next word for its value; so it gets one. */
export function completeWait(words: readonly string[]): string[] {
  const end = words.indexOf('--')
  const isFlag = (index: number): boolean => end < 0 || index < end
  return words.map((word, index) => (word === '--wait' && isFlag(index) ? `--wait=${WAIT_DEFAULT}` : word))
}

/** Sends the request, waits where that is wished, and prints the operator. `lookAt`: the command that shows what it was about. */
export function requestOperator(
  registry: Registry,
  command: Command,
  flags: OperatorFlags,
  request: { readonly path: string; readonly body: object; readonly lookAt: string },
): Promise<void> {
  const waitMs = parseWait(flags)
  const isDryRun = flags.dryRun === true
  return withSession(registry, command, async (session) => {
    const { raw, operator } = await start(session, request, isDryRun, waitMs)
    if (!isDryRun) refuseFailure(operator, waitMs, request.lookAt)
    await printOperator(session, operator, raw)
  })
}

export function parseWait(flags: OperatorFlags): number | undefined {
  return flags.wait === undefined ? undefined : parseDuration('--wait', flags.wait, WAIT_MS_MAX)
}

interface Shown {
  readonly raw: string
  readonly operator: Operator
}

async function start(
  session: Session,
  request: { readonly path: string; readonly body: object },
  isDryRun: boolean,
  waitMs: number | undefined,
): Promise<Shown> {
  // On a terminal the steps are shown as they go, so the gateway need not wait.
  const isShown = waitMs !== undefined && !isDryRun && session.context.stderr.isTTY === true
  const query = isDryRun ? '?dry_run=true' : waitMs === undefined || isShown ? '' : `?wait=${waitMs}ms`
  const answer = await session.client.send({
    method: 'POST',
    path: `${request.path}${query}`,
    headers: { 'Content-Type': 'application/json' },
    body: Buffer.from(JSON.stringify(request.body), 'utf8'),
    extraMs: isShown ? 0 : (waitMs ?? 0),
  })
  const raw = answer.body.toString('utf8')
  const operator = parseAnswer<Operator>(raw)
  return isShown && operator.id !== null ? await follow(session, operator.id, waitMs) : { raw, operator }
}

/** Looks at an operator until it has ended or the time is over, and tells of each step that begins. */
export async function follow(session: Session, id: string, waitMs: number): Promise<Shown> {
  const { clock, stderr, onSignal, exit } = session.context
  onSignal(() => {
    // Only the waiting ends.
    void write(stderr, `operator ${id} goes on without this command\n  try: flotilla operator wait ${id}\n`).then(() =>
      exit(EXIT.interrupted),
    )
  })
  const untilMs = clock.nowMs() + waitMs
  let told = ''
  for (;;) {
    const { document: operator, text: raw } = await session.getJson<Operator>(operatorPath(id))
    const running = operator.steps.findIndex(({ state }) => state === 'running')
    const what = operator.steps[running]?.what
    const line =
      what === undefined
        ? ''
        : `step ${running + 1} of ${operator.steps.length}: ${printable(what)}${operator.waitsFor === undefined ? '' : ` (${printable(operator.waitsFor)})`}`
    if (line !== '' && line !== told && stderr.isTTY === true) await write(stderr, `${line} ...\n`)
    told = line
    const leftMs = untilMs - clock.nowMs()
    if (operator.state !== 'running' || leftMs <= 0) return { raw, operator }
    await new Promise<void>((resolve) => {
      clock.after(Math.min(POLL_MS, leftMs), resolve)
    })
  }
}

export function operatorPath(id: string): string {
  return `/admin/operators/${percentEncode(Buffer.from(id, 'utf8'))}`
}

export function refuseFailure({ id, state, error }: Operator, waitMs: number | undefined, lookAt: string): void {
  const next = [lookAt, `flotilla operator show ${id}`]
  if (state === 'failed' || state === 'cancelled') {
    const why = error === null ? '' : `: ${error}`
    throw new CliError(
      EXIT.failed,
      'ABORTED',
      `operator ${id} has ${state === 'failed' ? 'failed' : 'been cancelled'}${why}`,
      next,
    )
  }
  if (state === 'running' && waitMs !== undefined) {
    throw new CliError(EXIT.unknownOutcome, 'TIMEOUT', `operator ${id} still runs after ${waitMs} ms`, next)
  }
}

export function printOperator(session: Session, operator: Operator, raw: string): Promise<void> {
  return session.print({
    document: operator,
    items: [operator],
    columns: OPERATOR_COLUMNS,
    table: () => operatorTable(operator),
    raw,
  })
}

function operatorTable(operator: Operator): string {
  const isPreview = operator.id === null && operator.state === 'running'
  const details = formatDetails([
    ['operator', operator.id ?? (isPreview ? 'none; this is what it would be' : 'none was needed')],
    ['kind', operator.kind],
    operator.store === undefined
      ? ['shard', operator.shard === 0 ? 'all' : operator.shard]
      : ['store', printable(operator.store)],
    ['state', isPreview ? 'not started' : operator.state],
    ['reason', printable(operator.reason)],
    ...(operator.waitsFor === undefined ? [] : [['waits for', printable(operator.waitsFor)] as const]),
    ...(operator.error === null ? [] : [['error', printable(operator.error)] as const]),
  ])
  return operator.steps.length === 0 ? details : `${details}\n\n${formatTable(operator.steps, STEP_COLUMNS)}`
}
