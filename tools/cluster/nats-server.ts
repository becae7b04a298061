/**
 * Finds and starts a real nats-server for a test, on a free port of 127.0.0.1. Where there is none, `startNatsServer` answers undefined and
 * the test must say so (see `NATS_SERVER_ABSENT`); it never pretends. A server that a test forgot dies with the test process.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export type NatsServerAuth = { readonly user: string; readonly password: string } | { readonly token: string }

export interface NatsServerOptions {
  readonly auth?: NatsServerAuth
  /** Absent: any free port. */
  readonly port?: number
  /** Lines for its configuration file, such as `max_payload: 1024`. */
  readonly config?: readonly string[]
  /** How long credentials may be awaited, in seconds. */
  readonly authTimeoutSeconds?: number
}

export interface NatsServer {
  /** Stays the same over restarts. */
  readonly url: string
  readonly port: number
  /** Of the process that runs now; undefined when none does. */
  readonly pid: number | undefined
  /** Asks it to end, waits until it has, removes its files. */
  stop(): Promise<void>
  /** As a power cut would; waits until the process is gone. `restart` brings it back. */
  kill(): Promise<void>
  /** SIGSTOP: it holds its connections and says nothing. */
  pause(): void
  continue(): void
  /** Starts it again on the same port, after ending it if it runs. */
  restart(): Promise<void>
}

export const NATS_SERVER_ABSENT =
  'SKIPPED: no nats-server on PATH and NATS_SERVER_BIN is not set, so nothing is compared with a real one'

/** The path of the binary: `NATS_SERVER_BIN`, else the first on PATH. */
export function findNatsServer(): string | undefined {
  const chosen = process.env.NATS_SERVER_BIN
  if (chosen !== undefined && chosen !== '') return isExecutable(chosen) ? chosen : undefined
  const directories = (process.env.PATH ?? '').split(delimiter)
  return directories.map((directory) => join(directory, 'nats-server')).find(isExecutable)
}

/** Starts a server and waits until it greets clients. Undefined when there is no binary. */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer | undefined> {
  const binary = findNatsServer()
  if (binary === undefined) return undefined
  // Between finding a free port and its use by the server somebody else may take it; then another is tried.
  const attempts = options.port === undefined ? 5 : 1
  for (let attempt = 1; ; attempt++) {
    const server = new NatsServerProcess(binary, options.port ?? (await freePort()), options)
    try {
      await server.restart()
      return server
    } catch (error) {
      await server.stop()
      if (attempt === attempts) throw error
    }
  }
}

class NatsServerProcess implements NatsServer {
  readonly url: string
  readonly port: number
  readonly #binary: string
  readonly #directory: string
  readonly #configFile: string
  readonly #dieWithTest = (): void => {
    this.#child?.kill('SIGKILL')
  }
  #child: ChildProcess | undefined
  #log = ''

  constructor(binary: string, port: number, options: NatsServerOptions) {
    this.#binary = binary
    this.port = port
    this.url = `nats://127.0.0.1:${port}`
    this.#directory = mkdtempSync(join(tmpdir(), 'flotilla-nats-'))
    this.#configFile = join(this.#directory, 'server.conf')
    const lines = [`listen: "127.0.0.1:${port}"`, ...authorization(options), ...(options.config ?? [])]
    writeFileSync(this.#configFile, `${lines.join('\n')}\n`)
    process.once('exit', this.#dieWithTest)
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM')
    this.#log = ''
    const child = spawn(this.#binary, ['-c', this.#configFile], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    child.stderr?.on('data', (text: Buffer) => {
      this.#log = (this.#log + text.toString('utf8')).slice(-4096)
    })
    // A binary that cannot run has no exit code; `#isRunning` sees that it has no pid either.
    child.on('error', (error) => {
      this.#log += error.message
    })
    while (!(await greets(this.port))) {
      if (!this.#isRunning()) throw new Error(`nats-server did not start on port ${this.port}: ${this.#log}`)
      await delay(10)
    }
    if (!this.#isRunning()) throw new Error(`somebody else answers on port ${this.port}: ${this.#log}`)
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  continue(): void {
    this.#child?.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    process.off('exit', this.#dieWithTest)
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #isRunning(): boolean {
    const child = this.#child
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child !== undefined && this.#isRunning()) {
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
    }
    this.#child = undefined
  }
}

function authorization({ auth, authTimeoutSeconds }: NatsServerOptions): string[] {
  if (auth === undefined) return []
  const credentials =
    'token' in auth
      ? [`token: ${JSON.stringify(auth.token)}`]
      : [`user: ${JSON.stringify(auth.user)}`, `password: ${JSON.stringify(auth.password)}`]
  const timeout = authTimeoutSeconds === undefined ? [] : [`timeout: ${authTimeoutSeconds}`]
  return [`authorization { ${[...credentials, ...timeout].join(', ')} }`]
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Absent or not executable: both mean that it cannot be started.
    return false
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** Whether something on the port says INFO. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const settle = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('data', (bytes) => settle(bytes.toString('latin1').startsWith('INFO ')))
    socket.once('error', () => settle(false))
    socket.once('close', () => settle(false))
  })
}
