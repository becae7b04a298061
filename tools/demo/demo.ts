/**
 * `flotilla demo`: hosts the broker, starts three `flotilla start` processes, waits until they serve, and ends them in order. Stores that die are reported
 * and left dead: seeing the others take over is what the demo is for.
 */
import { request } from 'node:http'
import path from 'node:path'
import { type Broker, BrokerListenError, startBroker } from '../../src/broker/index.ts'
import { CliError, type Context, EXIT, isColoured, write } from '../cli/index.ts'
import { ChildStore } from './child-store.ts'
import { HOST, portRefusal } from './ports.ts'
import { goneNotice, noticeable, styleOf, welcome } from './welcome.ts'

export interface DemoOptions {
  readonly context: Context
  readonly directory: string
  /** Of the first gateway. */
  readonly port: number
  readonly isVerbose: boolean
  readonly version: string
}

const STORES = [
  { id: 's1', host: 'a' },
  { id: 's2', host: 'b' },
  { id: 's3', host: 'c' },
] as const
const SHARDS = 8
const BROKER_PORT = 4222
/** A demo that was killed a moment ago may still be letting go of its ports. */
const PORT_PATIENCE_MS = 3_000
const READY_MS_MAX = 60_000
const STOP_MS_MAX = 30_000
const POLL_INTERVAL_MS = 100

/** Answers the exit code. Rejects with CliError when the demo cannot start. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const demo = new Demo(options)
  try {
    return await demo.run()
  } finally {
    await demo.end()
  }
}

class Demo {
  readonly #options: DemoOptions
  readonly #context: Context
  readonly #stores: ChildStore[] = []
  #broker: Broker | undefined
  #isStopping = false

  constructor(options: DemoOptions) {
    this.#options = options
    this.#context = options.context
  }

  async run(): Promise<number> {
    const stopRequested = this.#stopRequest()
    await this.#checkPorts()
    const brokers = await this.#openBroker()
    this.#startStores(brokers)
    const ready = await Promise.race([this.#allReady(), stopRequested])
    if (ready !== 'ready') return EXIT.ok
    for (const store of this.#stores) void this.#reportEnd(store)
    await this.#print(
      welcome(
        {
          version: this.#options.version,
          stores: this.#stores,
          shards: SHARDS,
          broker:
            this.#broker === undefined ? brokers.join(', ') : `${this.#broker.url} (this process, pid ${process.pid})`,
          command: this.#context.self.command,
          directory: this.#options.directory,
        },
        styleOf(isColoured(this.#context.stdout, this.#context.env)),
      ),
    )
    await stopRequested
    await this.#print('\nstopping ...\n')
    return EXIT.ok
  }

  /** Stops the stores, then the broker they need for it. */
  async end(): Promise<void> {
    this.#isStopping = true
    for (const store of this.#stores) store.kill('SIGTERM')
    const timer = this.#context.clock.after(STOP_MS_MAX, () => this.#killAll())
    await Promise.all(this.#stores.map((store) => store.ended))
    timer.cancel()
    await this.#broker?.stop()
  }

  #killAll(): void {
    for (const store of this.#stores) store.kill('SIGKILL')
  }

  #stopRequest(): Promise<'stop'> {
    return new Promise((resolve) => {
      this.#context.onSignal((signal) => {
        if (this.#isStopping && signal === 'SIGINT') {
          this.#killAll()
          this.#context.exit(EXIT.interrupted)
        }
        this.#isStopping = true
        resolve('stop')
      })
    })
  }

  async #checkPorts(): Promise<void> {
    const { clock } = this.#context
    const deadlineMs = clock.nowMs() + PORT_PATIENCE_MS
    for (let i = 0; i < STORES.length; i++) {
      const port = this.#options.port + i
      let refusal = await portRefusal(port)
      while (refusal === 'EADDRINUSE' && clock.nowMs() < deadlineMs) {
        await this.#pause()
        refusal = await portRefusal(port)
      }
      if (refusal === undefined) continue
      if (refusal === 'EADDRINUSE') {
        throw new CliError(EXIT.failed, 'UNAVAILABLE', `port ${port} is in use by another process`, [
          `flotilla demo --port ${this.#options.port + 1000}`,
        ])
      }
      throw new CliError(EXIT.failed, 'PERMISSION_DENIED', `port ${port} cannot be listened on (${refusal})`, [
        'flotilla demo --port 8080',
      ])
    }
  }

  /** The addresses of the broker, which is in this process unless the environment names another. */
  async #openBroker(): Promise<readonly string[]> {
    const named = (this.#context.env.FLOTILLA_NATS ?? '').split(',').filter((server) => server !== '')
    if (named.length > 0) return named
    // The usual port belongs to somebody else's broker, then: any other will do.
    this.#broker = await this.#listen(BROKER_PORT).catch((error: unknown) => {
      if (error instanceof BrokerListenError && error.code === 'ADDRESS_IN_USE') return this.#listen(0)
      throw error
    })
    return [this.#broker.url]
  }

  async #listen(port: number): Promise<Broker> {
    return startBroker({ host: HOST, port, clock: this.#context.clock })
  }

  #startStores(brokers: readonly string[]): void {
    const { directory, port, isVerbose } = this.#options
    const { self, env } = this.#context
    STORES.forEach(({ id, host }, index) => {
      const onLine = (line: string): void => {
        const text = isVerbose ? line : this.#isStopping ? undefined : noticeable(line)
        if (text !== undefined) void write(this.#context.stderr, `${id} | ${text}\n`)
      }
      const founders = STORES.map((store) => store.id)
      try {
        this.#stores.push(
          new ChildStore(
            { id, host, port: port + index, directory, founders, shards: SHARDS, brokers, program: self.argv, env },
            onLine,
          ),
        )
      } catch (error) {
        throw directoryError(error as NodeJS.ErrnoException, path.join(directory, id))
      }
    })
  }

  /** Resolves when every store serves; rejects when one ends first, or too much time passes. */
  async #allReady(): Promise<'ready'> {
    const { clock } = this.#context
    const deadlineMs = clock.nowMs() + READY_MS_MAX
    for (const store of this.#stores) {
      while (!(await isReady(store.url))) {
        const ended = this.#stores.find((candidate) => !candidate.isRunning)
        if (ended !== undefined && !this.#isStopping) {
          await ended.ended
          throw this.#startFailure(ended, ended.lastError ?? 'it ended without a reason')
        }
        if (clock.nowMs() > deadlineMs)
          throw this.#startFailure(store, `it is not ready after ${READY_MS_MAX / 1000} s`)
        await this.#pause()
      }
    }
    return 'ready'
  }

  #startFailure(store: ChildStore, reason: string): CliError {
    for (const each of this.#stores) each.restoreConfiguration()
    return new CliError(EXIT.failed, 'NOT_READY', `store ${store.id} did not start: ${reason}`, [
      `tail ${store.logFile}`,
    ])
  }

  async #reportEnd(store: ChildStore): Promise<void> {
    const end = await store.ended
    if (this.#isStopping) return
    const running = this.#stores.filter((candidate) => candidate.isRunning).length
    await this.#print(goneNotice(store, end, running, this.#context.self.command))
  }

  #print(text: string): Promise<void> {
    return write(this.#context.stdout, text)
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#context.clock.after(POLL_INTERVAL_MS, resolve)
    })
  }
}

/** Whether the gateway says that it can serve. */
function isReady(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = request(`${url}/readyz`, { timeout: 1000, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    asking.on('timeout', () => asking.destroy())
    // No gateway yet.
    asking.on('error', () => resolve(false))
    asking.end()
  })
}

function directoryError(error: NodeJS.ErrnoException, directory: string): Error {
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    // What Node says where several directories are missing and the file system is read-only.
    case 'ENOENT':
      return new CliError(EXIT.failed, 'PERMISSION_DENIED', `${directory} cannot be written by this user`, [
        'flotilla demo --dir PATH',
      ])
    case 'ENOSPC':
      return new CliError(EXIT.failed, 'DISK_FULL', `${directory} cannot be written: the disk is full`)
    case 'ENOTDIR':
    case 'EEXIST':
      return new CliError(EXIT.failed, 'INVALID_ARGUMENT', `${directory} is not a directory`, [
        'flotilla demo --dir PATH',
      ])
    default:
      return error
  }
}
