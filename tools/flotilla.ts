#!/usr/bin/env node
/**
 * The entry point of the command line: gives the program the real streams, time and signals, and ends the process with its exit code. Everything else is in
 * `program.ts`.
 */
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Clock } from '../src/base/index.ts'
import type { Context, Signal } from './cli/index.ts'
import { runProgram } from './program.ts'

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
const KEEP_ALIVE_INTERVAL_MS = 60_000

const clock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  soon: (run) => setImmediate(run),
}

let onSignal = (signal: Signal): void => process.exit(SIGNAL_EXIT_CODES[signal])
for (const signal of Object.keys(SIGNAL_EXIT_CODES) as Signal[]) process.on(signal, () => onSignal(signal))
// Whoever started this process over a channel and is gone cannot stop it any more, and stores recover from that as from a crash. Not `exit`: its hooks
// flush the log into a pipe that nobody reads, and that may take for ever.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever read the output has seen enough.
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

const script = process.argv[1] ?? 'flotilla'
const isInstalled = path.basename(script) === 'flotilla'
const context: Context = {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  clock,
  self: {
    argv: [process.execPath, ...process.execArgv, script],
    command: isInstalled
      ? 'flotilla'
      : ['node', ...process.execArgv, path.relative(process.cwd(), script) || script].join(' '),
  },
  onSignal: (handler) => {
    onSignal = handler
  },
  exit: (exitCode) => process.exit(exitCode),
}

// The clock's timers do not hold the process, and a command may wait for nothing else.
const keepAlive = setInterval(() => {}, KEEP_ALIVE_INTERVAL_MS)
const exitCode = await runProgram(process.argv.slice(2), context)
clearInterval(keepAlive)
// What a pipe has not taken yet would be lost.
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
await new Promise<void>((resolve) => process.stderr.write('', () => resolve()))
process.exit(exitCode)
