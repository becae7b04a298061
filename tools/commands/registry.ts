/** How a command enters the program: it adds itself, and says what to run and with which exit code. */
import type { Command } from 'commander'
import { type Context, type Format, Session } from '../cli/index.ts'

export interface Registry {
  readonly context: Context
  /** The exit code of the program, where it is not 0. */
  exitCode: number
  /** The whole program again, for shells: runs the words in a context and answers the exit code. */
  readonly runProgram: (words: readonly string[], context: Context) => Promise<number>
}

export type AddCommand = (parent: Command, registry: Registry) => void

/** Runs `work` with a session and closes it, whatever happens. `pipeFormat`: see Session. */
export async function withSession(
  registry: Registry,
  command: Command,
  work: (session: Session) => Promise<void>,
  pipeFormat?: Format,
): Promise<void> {
  const session = new Session(command, registry.context, pipeFormat)
  try {
    await work(session)
  } finally {
    session.close()
  }
}

/** Text for the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`
}
