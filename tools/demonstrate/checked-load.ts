/**
 * Clients that go on whatever is shown: reads and writes of a few keys through the native client, one operation at a time each, every answer noted for the
 * linearizability checker and for the quantiles. An operation that fails although the client retries what may be retried is counted: most
 * demonstrations claim that there is none.
 */
import { FlotillaError } from '../../src/protocol/index.ts'
import type { connect } from '../../src/server/index.ts'
import { type Action, checkLinearizable, type Operation, type Outcome } from '../../src/testing/index.ts'
import { delay } from '../cluster/poll.ts'
import { Latencies } from './latencies.ts'

type Client = Awaited<ReturnType<typeof connect>>

export interface LoadOptions {
  readonly clients: number
  /** Between two operations of one client. */
  readonly thinkMs: number
  /** In 100. */
  readonly writes: number
}

const TIMEOUT_MS = 8_000

export class CheckedLoad {
  readonly latencies = new Latencies()
  /** What failed, in words. */
  readonly failures: string[] = []
  readonly #client: Client
  readonly #options: LoadOptions
  readonly #history: Operation[] = []
  readonly #running: Promise<void>[] = []
  #keys: readonly string[]
  #thinkMs: number
  #stopped = false
  #sequence = 0

  constructor(client: Client, keys: readonly string[], options: LoadOptions) {
    this.#client = client
    this.#keys = keys
    this.#options = options
    this.#thinkMs = options.thinkMs
  }

  start(): this {
    for (let i = 0; i < this.#options.clients; i++) this.#running.push(this.#run(`client-${i}`))
    return this
  }

  /** The keys from now on. */
  aim(keys: readonly string[]): void {
    this.#keys = keys
  }

  /** Between two operations of one client from now on; what it was at first, when absent. */
  pace(thinkMs = this.#options.thinkMs): void {
    this.#thinkMs = thinkMs
  }

  /** Ends the clients. Answers what the checker says of everything they saw, in words. */
  async judge(): Promise<{ readonly ok: boolean; readonly text: string }> {
    this.#stopped = true
    await Promise.all(this.#running)
    const verdict = checkLinearizable(this.#history)
    return {
      ok: verdict.ok,
      text: verdict.ok ? `linearizable, ${this.#history.length} operations` : `NOT LINEARIZABLE: ${verdict.reason}`,
    }
  }

  async #run(name: string): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      const key = this.#keys[(turn * 7 + name.length * 3 + this.#sequence) % this.#keys.length] ?? ''
      const isWrite = (turn * 37 + this.#sequence) % 100 < this.#options.writes
      const action: Action = isWrite
        ? { kind: 'put', value: `${name}.${++this.#sequence}`, condition: { kind: 'none' } }
        : { kind: 'get' }
      const calledMs = performance.now()
      const outcome = await this.#perform(key, action)
      const returnedMs = performance.now()
      this.latencies.note(returnedMs - calledMs)
      if (outcome.kind !== 'none') this.#history.push({ client: name, key, action, calledMs, returnedMs, outcome })
      await delay(this.#thinkMs)
    }
  }

  async #perform(key: string, action: Action): Promise<Outcome> {
    try {
      if (action.kind === 'put') {
        const { revision } = await this.#client.put(key, action.value, { timeout: TIMEOUT_MS })
        return { kind: 'written', revision }
      }
      const entry = await this.#client.getEntry(key, { timeout: TIMEOUT_MS })
      if (entry === undefined) return { kind: 'read', found: undefined }
      return { kind: 'read', found: { value: Buffer.from(entry.value).toString('utf8'), revision: entry.revision } }
    } catch (error) {
      if (!(error instanceof FlotillaError)) throw error
      this.failures.push(`${action.kind} ${key}: ${error.code} ${error.message}`)
      return { kind: error.outcome === 'none' ? 'none' : 'unknown' }
    }
  }
}
