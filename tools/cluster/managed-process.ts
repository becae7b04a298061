/**
 * A child process of a test: its output is kept for failures, and it never outlives the test process. It leads a process group of its
 * own, so that what it started ends with it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { poll } from './poll.ts'

const LINES_MAX = 20_000

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const running = new Set<ManagedProcess>()

function killAll(): void {
  for (const child of running) child.killGroup()
}

process.once('exit', killAll)
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  // A test runner that gives up sends these; without a handler the children would be orphans.
  process.once(signal, () => {
    killAll()
    process.exit(1)
  })
}

export class ManagedProcess {
  readonly name: string
  readonly lines: string[] = []
  readonly exited: Promise<Exit>
  readonly #child: ChildProcess
  readonly #startedMs = performance.now()
  #exit: Exit | undefined
  #wasEnded = false

  constructor(name: string, command: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.name = name
    const [program = '', ...rest] = command
    const child = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...environment },
    })
    this.#child = child
    this.#collect(child.stdout)
    this.#collect(child.stderr)
    this.exited = once(child, 'close').then(([code, signal]: Exit[keyof Exit][]) => {
      running.delete(this)
      this.#exit = { code: code as number | null, signal: signal as NodeJS.Signals | null }
      return this.#exit
    })
    child.on('error', (error) => this.lines.push(`cannot be started: ${error.message}`))
    running.add(this)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get exit(): Exit | undefined {
    return this.#exit
  }

  get isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Whether it was told to end, by force or in order. */
  get wasEnded(): boolean {
    return this.#wasEnded
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.isRunning) return
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') this.#wasEnded = true
    this.#child.kill(signal)
  }

  /** As a power cut would, for the whole process group. */
  killGroup(): void {
    if (this.#child.pid === undefined || !this.isRunning) return
    this.#wasEnded = true
    try {
      process.kill(-this.#child.pid, 'SIGKILL')
    } catch (error) {
      // It ended between the look and the signal.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  async kill(): Promise<void> {
    this.killGroup()
    await this.exited
  }

  /** Waits for its end; complains, with its output, when that takes longer than `deadlineMs`. */
  async ended(deadlineMs: number): Promise<Exit> {
    await poll(`the end of ${this.name}`, deadlineMs, () => this.#exit !== undefined)
    return await this.exited
  }

  output(linesMax = 60): string {
    const shown = this.lines.slice(-linesMax).map((line) => `    ${line}`)
    return [`  ${this.name} (pid ${this.pid ?? 'none'}, ${this.#describe()}):`, ...shown].join('\n')
  }

  #describe(): string {
    if (this.#exit !== undefined) return `ended with ${this.#exit.signal ?? `code ${this.#exit.code}`}`
    return `runs since ${Math.round(performance.now() - this.#startedMs)} ms`
  }

  #collect(stream: NodeJS.ReadableStream | null): void {
    if (stream === null) return
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      this.lines.push(...lines)
      if (this.lines.length > LINES_MAX) this.lines.splice(0, this.lines.length - LINES_MAX)
    })
    stream.on('end', () => {
      if (rest !== '') this.lines.push(rest)
    })
  }
}
