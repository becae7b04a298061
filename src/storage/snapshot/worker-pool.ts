/**
 * The Piscina pool of one data store: threads that start with the first task and end when idle. The only file that imports Piscina; it knows nothing of
 * what the tasks do.
 */
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'

/** More threads than this only take the processor from the foreground. */
const THREADS_MAX = 2
/** An export waits most of the time for its reader; waiting ones must not keep others from the thread. */
const TASKS_PER_THREAD_MAX = 16
/** Moves come in rows, and a thread that starts anew holds each of them up by half a second. */
const IDLE_MS_MAX = 30_000

export class WorkerPool {
  readonly #pool: Piscina
  /** Rejects when a thread dies outside any task, as one does that cannot start; Piscina would leave its queue waiting then. */
  readonly #whenBroken: Promise<never>
  #broken = false

  constructor() {
    // Sources run as .ts, the compiled package as .js; a worker is started from the same kind of file as this one.
    const source = import.meta.url.endsWith('.ts')
    this.#pool = new Piscina({
      filename: fileURLToPath(new URL(source ? './worker.ts' : './worker.js', import.meta.url)),
      ...(source ? sourceLoader() : {}),
      minThreads: 0,
      maxThreads: THREADS_MAX,
      concurrentTasksPerWorker: TASKS_PER_THREAD_MAX,
      idleTimeout: IDLE_MS_MAX,
      // Idle threads must keep their loops turning, so that ports close.
      atomics: 'disabled',
    })
    this.#whenBroken = new Promise((_, reject) => {
      this.#pool.on('error', (error: unknown) => {
        this.#broken = true
        reject(error)
      })
    })
    // Whoever waits for a task sees it; without a task nobody needs to.
    this.#whenBroken.catch(() => {})
  }

  /** Whether a new pool is needed. */
  get broken(): boolean {
    return this.#broken
  }

  /** Calls the function `name` of the worker file with `task`. Rejects when the thread dies. */
  async run<T>(name: string, task: object, transferList: readonly object[]): Promise<T> {
    const running: Promise<T> = this.#pool.run(task, { name, transferList: [...transferList] as never })
    return await Promise.race([running, this.#whenBroken])
  }

  /** Ends the threads. To be called when no task runs. */
  async close(): Promise<void> {
    await this.#pool.destroy()
  }
}

/**
 * What lets a thread run TypeScript sources. Where Node strips types itself, or hands the loader of the main thread down to its threads, nothing is
 * needed, and the thread inherits the arguments of the process; Node 20 does neither. Compiled packages never come here.
 */
function sourceLoader(): { execArgv?: string[] } {
  if (Number(process.versions.node.split('.')[0]) >= 22) return {}
  const register = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  return { execArgv: ['--import', `data:text/javascript,import{register}from${register};register()`] }
}
