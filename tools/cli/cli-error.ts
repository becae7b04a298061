/**
 * Everything that can go wrong for a person at a terminal: a code, a sentence, the next command to try, and the exit code. The only table of exit
 * codes is here.
 */
import { printable } from './printable.ts'

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  precondition: 4,
  unavailable: 5,
  unknownOutcome: 6,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: ExitCode
  readonly code: string
  /** A command to try next, or several. */
  readonly next: readonly string[]
  /** What to do about it, in the words of whoever refused. */
  readonly hint: string | undefined

  constructor(exitCode: ExitCode, code: string, message: string, next: readonly string[] = [], hint?: string) {
    super(message)
    this.exitCode = exitCode
    this.code = code
    this.next = next
    this.hint = hint
  }
}

/** A word on the command line that cannot be right. `candidates` are those that could have been meant by `word`. */
export class UsageError extends CliError {
  readonly word: string
  readonly candidates: readonly string[]

  constructor(message: string, word = '', candidates: readonly string[] = []) {
    super(EXIT.usage, 'INVALID_ARGUMENT', message)
    this.word = word
    this.candidates = candidates
  }
}

/** The members of an `application/problem+json` answer that matter here. */
export interface Problem {
  readonly code: string
  readonly detail: string
  readonly outcome: 'none' | 'applied' | 'unknown'
  readonly hint?: string
}

/** What is not known, where an outcome is. `path`: of the request. */
export function unknownOutcome(path: string): string {
  return `; it is not known whether ${isOperating(path) ? 'that was done' : 'the write happened'}`
}

/** How to find out what became of a request whose outcome is unknown. */
export function lookAfter(path: string): string {
  if (path.startsWith('/admin/config')) return 'flotilla config history'
  return isOperating(path) ? 'flotilla operator ls' : 'flotilla get KEY -o json'
}

function isOperating(path: string): boolean {
  return path.startsWith('/admin/')
}

export function errorOfProblem(problem: Problem, status: number, path: string): CliError {
  const sentence = `${printable(problem.detail)}${problem.outcome === 'unknown' ? unknownOutcome(path) : ''}`
  return new CliError(exitCodeOf(problem, status), problem.code, sentence, nextOf(problem, path), problem.hint)
}

function exitCodeOf({ code, outcome }: Problem, status: number): ExitCode {
  if (outcome === 'unknown') return EXIT.unknownOutcome
  switch (code) {
    case 'KEY_NOT_FOUND':
    case 'SHARD_NOT_FOUND':
    case 'STORE_NOT_FOUND':
    case 'OPERATOR_NOT_FOUND':
    case 'SCHEDULER_NOT_FOUND':
      return EXIT.notFound
    case 'PRECONDITION_FAILED':
      return EXIT.precondition
    case 'INVALID_ARGUMENT':
      return EXIT.usage
    default:
      return status === 429 || status === 503 || status === 504 ? EXIT.unavailable : EXIT.failed
  }
}

/** Of INVALID_ARGUMENT the help of the command is next, which whoever prints the error knows. */
function nextOf({ code, outcome }: Problem, path: string): string[] {
  if (outcome === 'unknown') return [lookAfter(path)]
  switch (code) {
    case 'KEY_NOT_FOUND':
      return ['flotilla scan']
    case 'SHARD_NOT_FOUND':
      return ['flotilla shard ls']
    case 'OPERATOR_NOT_FOUND':
      return ['flotilla operator ls']
    case 'SCHEDULER_NOT_FOUND':
      return ['flotilla scheduler ls']
    case 'OPERATOR_CONFLICT':
      return [path.startsWith('/admin/config') ? 'flotilla config history' : 'flotilla operator ls']
    case 'STORE_NOT_FOUND':
      return ['flotilla store ls']
    case 'PRECONDITION_FAILED':
      return ['flotilla get KEY -o json']
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
      return ['FLOTILLA_TOKEN=... flotilla status']
    case 'INVALID_ARGUMENT':
      return []
    default:
      return ['flotilla status']
  }
}
