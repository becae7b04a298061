/**
 * The entry point of `npm run bench` and `flotilla bench`: gives the program its clock, its output and its exit code. `npm run bench -- --help` explains the rest.
 */
import { randomInt } from 'node:crypto'
import { NPM_COMMAND, runProgram } from './program.ts'
import { systemClock } from './system-clock.ts'

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
const RUN_ID_MIN = 1_000_000
const KEEP_ALIVE_INTERVAL_MS = 60_000

for (const [signal, exitCode] of Object.entries(SIGNAL_EXIT_CODES)) {
  // Exiting runs the hooks that end every child and remove its data.
  process.on(signal, () => process.exit(exitCode))
}

// Whoever started this process over a channel and is gone cannot stop it any more. The channel alone does not hold the process.
process.on('disconnect', () => process.exit(SIGNAL_EXIT_CODES.SIGHUP))
process.channel?.unref()

// The clock's timers do not hold the process, and between two systems nothing else does.
const keepAlive = setInterval(() => {}, KEEP_ALIVE_INTERVAL_MS)
process.exitCode = await runProgram(process.argv.slice(2), {
  clock: systemClock,
  command: process.env.FLOTILLA_BENCH_COMMAND ?? NPM_COMMAND,
  endpoints: process.env.FLOTILLA_ENDPOINT || undefined,
  runId: randomInt(RUN_ID_MIN, 2 ** 32),
  print: (line) => console.log(line),
  printError: (line) => console.error(line),
})
clearInterval(keepAlive)
