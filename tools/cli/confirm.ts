/** Asks before what cannot be taken back. On a terminal a person answers; elsewhere `-y` has to. */
import { createInterface } from 'node:readline'
import { CliError, EXIT, UsageError } from './cli-error.ts'
import { type Context, write } from './context.ts'

/** Returns when it may be done; throws when it may not. `what` is a command: "take everything away from store s4, for good". */
export async function confirm(context: Context, isSure: boolean, what: string): Promise<void> {
  if (isSure) return
  const { stdin, stderr } = context
  if (stdin.isTTY !== true || stderr.isTTY !== true)
    throw new UsageError(`to ${what} needs -y where nobody can be asked`)
  await write(stderr, `${what.charAt(0).toUpperCase()}${what.slice(1)}? [y/N] `)
  const lines = createInterface({ input: stdin })
  const answer = await new Promise<string>((resolve) => {
    lines.once('line', resolve)
    lines.once('close', () => resolve(''))
  })
  lines.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(EXIT.failed, 'ABORTED', 'nothing was done')
}
