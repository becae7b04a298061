/** Runs the command line inside the test's process, with streams that remember and a terminal that is none. */

import { performance } from 'node:perf_hooks'
import { PassThrough, Readable } from 'node:stream'
import type { Clock } from '../../src/base/index.ts'
import type { Context } from '../../tools/cli/index.ts'
import { runProgram } from '../../tools/program.ts'

export interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly bytes: Buffer
  readonly stderr: string
}

export interface RunOptions {
  readonly isTerminal?: boolean
  /** Of that terminal. */
  readonly columns?: number
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string | Uint8Array
  /** Is handed what the command does on a signal. */
  readonly onSignal?: Context['onSignal']
  readonly exit?: Context['exit']
}

const clock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
  soon: (run) => setImmediate(run),
}

export async function run(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const stdout = capture(options.isTerminal === true, options.columns)
  const stderr = capture(options.isTerminal === true, options.columns)
  const context: Context = {
    env: options.env ?? {},
    stdin: Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    clock,
    self: { argv: ['flotilla'], command: 'flotilla' },
    onSignal: options.onSignal ?? (() => {}),
    exit:
      options.exit ??
      ((exitCode) => {
        throw new Error(`the program wants to exit with ${exitCode}`)
      }),
  }
  const exitCode = await runProgram(words, context)
  return {
    exitCode,
    stdout: stdout.bytes().toString('utf8'),
    bytes: stdout.bytes(),
    stderr: stderr.bytes().toString('utf8'),
  }
}

function capture(isTTY: boolean, columns = 80): { readonly stream: Context['stdout']; readonly bytes: () => Buffer } {
  const chunks: Buffer[] = []
  const stream = new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk))
  return { stream: Object.assign(stream, { isTTY, columns }), bytes: () => Buffer.concat(chunks) }
}
