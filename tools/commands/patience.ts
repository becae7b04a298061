/** Trying again what may be tried again: long work should outlive a leader that changes or a store that restarts. */
import { CliError, type Context, EXIT } from '../cli/index.ts'

const ATTEMPTS_MAX = 8
const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 3_000

/** Only for work that does no harm when it is done twice. Rejects with the last error. */
export async function withPatience<Answer>(context: Context, work: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof CliError) || attempt === ATTEMPTS_MAX) throw error
      if (error.exitCode !== EXIT.unavailable && error.exitCode !== EXIT.unknownOutcome) throw error
    }
    await pause(context, Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** attempt))
  }
}

export function pause({ clock }: Context, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve)
  })
}
