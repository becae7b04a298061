/**
 * The check of what clients see: several of them read and write a few keys through all stores at once, and one order of all operations must explain every answer. The
 * judge is the one that tests and simulations of this program use.
 */
import { randomInt } from 'node:crypto'
import type { Action, Operation, Outcome } from '../../src/testing/index.ts'
import { CliError, EXIT, type HttpClient, keyPath, parseAnswer, percentEncode, type Session } from '../cli/index.ts'
import { type Finding, finding } from './check-finding.ts'
import type { Entry } from './entry-columns.ts'
import { clusterMembers } from './members.ts'
import { pause, withPatience } from './patience.ts'

interface LinearizableOptions {
  readonly durationMs: number
  readonly clients: number
  readonly prefix: string
}

/** Few, so that clients meet. */
const KEYS = 5
const REFUSED_PAUSE_MS = 50
/** For each key. */
const JUDGE_MS_MAX = 30_000

export async function checkLinearizable(
  session: Session,
  { durationMs, clients, prefix }: LinearizableOptions,
): Promise<readonly Finding[]> {
  // Only this check pays for loading the judge.
  const { checkHistory } = await import('../../src/testing/index.ts')
  const { clock } = session.context
  const members = await clusterMembers(session)
  // Keys of their own, so that two checks at once do not disturb each other.
  const run = `${prefix}${randomInt(2 ** 47).toString(36)}/`
  const operations: Operation[] = []
  const endMs = clock.nowMs() + durationMs
  const work = async (number: number): Promise<void> => {
    const endpoint = members[number % members.length]?.endpoint ?? session.endpoints[0] ?? ''
    const client = session.clientAt(endpoint)
    for (let sequence = 0; clock.nowMs() < endMs; sequence++) {
      const key = `${run}${randomInt(KEYS)}`
      const action = chooseAction(`${number}.${sequence}`)
      const calledMs = clock.nowMs()
      const outcome = await perform(client, key, action)
      operations.push({ client: `c${number}`, key, action, calledMs, returnedMs: clock.nowMs(), outcome })
      if (outcome !== REFUSED && !isAnswer(outcome)) await pause(session.context, REFUSED_PAUSE_MS)
    }
  }
  try {
    await Promise.all(Array.from({ length: clients }, (_, number) => work(number)))
  } finally {
    await removeKeys(session, run)
  }
  const startedMs = clock.nowMs()
  const isOver = (): boolean => clock.nowMs() - startedMs > JUDGE_MS_MAX
  const verdict = checkHistory({ operations, staleReads: [], pages: [] }, { isOver })
  const answered = operations.filter(({ outcome }) => isAnswer(outcome)).length
  const refused = operations.filter(({ outcome }) => outcome === REFUSED).length
  return [
    finding(
      'answers',
      answered === 0 ? ['no operation succeeded'] : [],
      `${answered} of ${operations.length} operations succeeded, and ${refused} were refused by their condition`,
    ),
    finding(
      'order',
      verdict.ok ? [] : [`${verdict.kind}: ${verdict.reason}`],
      'one order explains what every client saw',
    ),
  ]
}

function chooseAction(value: string): Action {
  const roll = randomInt(100)
  if (roll < 45) return { kind: 'get' }
  if (roll < 55) return { kind: 'delete', condition: { kind: 'none' } }
  return { kind: 'put', value, condition: { kind: roll < 70 ? 'absent' : 'none' } }
}

async function perform(client: HttpClient, key: string, action: Action): Promise<Outcome> {
  const path = keyPath(Buffer.from(key, 'utf8'))
  try {
    switch (action.kind) {
      case 'get': {
        const { body } = await client.send({ method: 'GET', path, headers: { Accept: 'application/json' } })
        const { value = '', revision } = parseAnswer<Entry>(body.toString('utf8'))
        return { kind: 'read', found: { value, revision } }
      }
      case 'put': {
        const headers: Record<string, string> = action.condition.kind === 'absent' ? { 'If-None-Match': '*' } : {}
        const answer = await client.send({ method: 'PUT', path, headers, body: Buffer.from(action.value, 'utf8') })
        return { kind: 'written', revision: Number(answer.headers['flotilla-revision']) }
      }
      case 'delete': {
        const { headers } = await client.send({ method: 'DELETE', path })
        return {
          kind: 'deleted',
          existed: headers['flotilla-deleted'] === '1',
          revision: Number(headers['flotilla-revision']),
        }
      }
    }
  } catch (error) {
    return outcomeOf(error, action)
  }
}

/** Of a condition that did not hold only that nothing was done: the revision that it met is not needed to judge. */
const REFUSED: Outcome = { kind: 'none' }

function isAnswer({ kind }: Outcome): boolean {
  return kind !== 'none' && kind !== 'unknown'
}

/** Answers that are errors to other commands are observations here. */
function outcomeOf(error: unknown, action: Action): Outcome {
  if (!(error instanceof CliError)) throw error
  if (error.code === 'KEY_NOT_FOUND' && action.kind === 'get') return { kind: 'read', found: undefined }
  if (error.exitCode === EXIT.unknownOutcome) return { kind: 'unknown' }
  if (error.exitCode === EXIT.precondition) return REFUSED
  if (error.exitCode === EXIT.unavailable) return { kind: 'none' }
  throw error
}

/** Those that a check has left; a store that is away for a moment is waited for. */
export async function removeKeys({ client, context }: Session, prefix: string): Promise<void> {
  const path = `/kv?prefix=${percentEncode(Buffer.from(prefix, 'utf8'))}`
  await withPatience(context, () => client.send({ method: 'DELETE', path }))
}
