/**
 * One store of the demo: a `flotilla start` process, its configuration file, its log file. Reports lines and the end; decides nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { formatSettings } from '../../src/server/config/index.ts'
import { makeDirectory } from '../../src/storage/index.ts'
import { LogFile } from './log-file.ts'
import { HOST } from './ports.ts'

/** The C library gives free memory back from here on. Only the environment that a process begins with can say so; without it glibc keeps what large values took. */
const TRIM_BYTES = '131072'

export interface ChildStoreOptions {
  readonly id: string
  readonly host: string
  readonly port: number
  /** Its data, its configuration and its log go into a directory of its name in here. */
  readonly directory: string
  readonly founders: readonly string[]
  readonly shards: number
  readonly brokers: readonly string[]
  /** The program and its first arguments, up to and without the command. */
  readonly program: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface ChildEnd {
  readonly exitCode: number | null
  readonly signal: string | null
}

export class ChildStore {
  readonly id: string
  readonly port: number
  readonly url: string
  readonly directory: string
  readonly configFile: string
  readonly logFile: string
  /** Resolves when the process is gone and everything it printed has been seen. */
  readonly ended: Promise<ChildEnd>
  /** The last complaint of the command line, such as `UNAVAILABLE: gateway.listen ... is in use`. */
  lastError: string | undefined
  /** The configuration of an earlier run. */
  readonly #formerConfig: string | undefined
  readonly #process: ChildProcess
  readonly #log: LogFile

  /** Starts the process. Throws system errors when the directory cannot be written. */
  constructor(options: ChildStoreOptions, onLine: (line: string) => void) {
    const { id, port, program } = options
    this.id = id
    this.port = port
    this.url = `http://${HOST}:${port}`
    this.directory = path.join(options.directory, id)
    this.configFile = path.join(this.directory, 'flotilla.yaml')
    this.logFile = path.join(this.directory, 'flotilla.log')
    makeDirectory(path.resolve(this.directory))
    this.#formerConfig = existsSync(this.configFile) ? readFileSync(this.configFile, 'utf8') : undefined
    writeFileSync(this.configFile, configurationOf(options, path.resolve(this.directory)))
    this.#log = new LogFile(this.logFile, (error) => onLine(`the log file cannot be written: ${error.message}`))
    const [command = process.execPath, ...words] = program
    this.#process = spawn(command, [...words, 'start', '-c', this.configFile], {
      // Over the channel the store learns when this process is gone, and ends.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { MALLOC_TRIM_THRESHOLD_: TRIM_BYTES, ...withoutSettings(options.env), NO_COLOR: '1' },
    })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#see(line, onLine))
    }
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        this.lastError = error.message
        resolve({ exitCode: null, signal: null })
      })
      this.#process.once('close', (exitCode, signal) => {
        void this.#log.close().then(() => resolve({ exitCode, signal }))
      })
    })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null && this.#process.pid !== undefined
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.isRunning) this.#process.kill(signal)
  }

  /** For a store that did not start: the directory may be in use by another demo, which needs its own file. */
  restoreConfiguration(): void {
    if (this.#formerConfig !== undefined) writeFileSync(this.configFile, this.#formerConfig)
  }

  #see(line: string, onLine: (line: string) => void): void {
    const error = /^error: (.*)$/.exec(line)?.[1]
    const more = /^ {2}(?!try: |hint: )(.*)$/.exec(line)?.[1]
    if (error !== undefined) this.lastError = error
    else if (more !== undefined && this.lastError !== undefined) this.lastError += `; ${more}`
    this.#log.write(`${line}\n`)
    onLine(line)
  }
}

/** Settings in the environment are meant for a store that somebody starts, not for three that must differ. */
function withoutSettings(env: ChildStoreOptions['env']): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^FLOTILLA_.*__/.test(name)))
}

function configurationOf(options: ChildStoreOptions, directory: string): string {
  const settings = {
    'cluster.id': 'demo',
    'cluster.bootstrap.stores': options.founders,
    'cluster.bootstrap.replicas': options.founders.length,
    'cluster.bootstrap.shards': options.shards,
    'store.id': options.id,
    'store.dir': directory,
    'store.labels': { host: options.host },
    'transport.servers': options.brokers,
    'transport.embedded': false,
    'gateway.listen': `${HOST}:${options.port}`,
    'observability.log.format': 'json',
  }
  return formatSettings(settings, 'Written by `flotilla demo` each time it starts.')
}
