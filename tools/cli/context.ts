/**
 * The world as the command line sees it: streams, environment, time, signals. The entry point makes the real one, tests make others.
 */
import type { Readable, Writable } from 'node:stream'
import type { Clock } from '../../src/base/index.ts'

export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly clock: Clock
  /** How this program was started, so that it can start itself again: arguments, and the same for people to type. */
  readonly self: { readonly argv: readonly string[]; readonly command: string }
  /** From now on `handler` decides what signals do; before, they end the process. */
  readonly onSignal: (handler: (signal: Signal) => void) => void
  /** Ends the process at once. */
  readonly exit: (exitCode: number) => void
}

/** Resolves when the stream can take more, so that long output does not gather in memory. */
export function write(stream: Writable, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => (error ? reject(error) : resolve()))
  })
}

/** Whether to use colours on a stream: on terminals, unless NO_COLOR says otherwise (no-color.org). */
export function isColoured(stream: { readonly isTTY?: boolean }, env: Context['env']): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
}
