/**
 * The children a comparison starts: each in a record, so that all are ended at the end, on an interrupt, and when this process exits for
 * any reason. Knows no database. One instance per comparison, owned by its composition root.
 */
import { type ChildProcess, spawn } from 'node:child_process'

const OUTPUT_KEPT_CHARS = 4000
const STOP_GRACE_MS = 10_000

export interface Child {
  readonly pid: number
  readonly name: string
  /** The last output, for the message when something went wrong. */
  output(): string
  /** Undefined while it runs. */
  exited(): string | undefined
  /** SIGTERM, and SIGKILL when that takes more than 10 s. */
  stop(): Promise<void>
}

export class ChildProcesses {
  readonly #running = new Set<ChildProcess>()
  readonly #killAll = (): void => {
    for (const child of this.#running) child.kill('SIGKILL')
  }

  constructor() {
    process.on('exit', this.#killAll)
  }

  /** Kills what still runs and forgets the exit hook. */
  close(): void {
    this.#killAll()
    process.off('exit', this.#killAll)
  }

  /** Starts `command`. Rejects when it cannot be started at all; whether it gets ready is the caller's to find out. */
  start(name: string, command: string, args: readonly string[], cwd: string): Promise<Child> {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let kept = ''
    let exit: string | undefined
    const keep = (chunk: Buffer): void => {
      kept = (kept + chunk.toString()).slice(-OUTPUT_KEPT_CHARS)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const ended = new Promise<void>((resolve) => {
      child.on('exit', (code, signal) => {
        exit = signal ?? `exit code ${code}`
        this.#running.delete(child)
        resolve()
      })
    })
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('spawn', () => {
        this.#running.add(child)
        resolve({
          pid: child.pid as number,
          name,
          output: () => kept,
          exited: () => exit,
          stop: () => stopChild(child, ended),
        })
      })
    })
  }
}

async function stopChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS)
  await ended
  clearTimeout(killer)
}
