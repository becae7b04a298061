/**
 * Flotilla's own client as a target: `connect('nats://...')`, then `put` and `get` awaited one per lane. The client makes a promise per
 * operation; that is part of what its users pay. All that the benchmark knows of the client is in this file.
 */
import type { Client } from '../../src/index.ts'
import type { Lane, LaneObserver, Target, WriteOutcome } from '../load/index.ts'
import { type PromisedStore, PromiseLane } from './promise-lane.ts'

/** The part of the client's interface that a load needs. */
export type NativeClient = Pick<Client, 'put' | 'get' | 'close'>

export interface FlotillaNativeOptions {
  readonly url: string
  /** Clients of their own, each with its own connections; lanes are spread over them. */
  readonly clients: number
  /** Makes a client; undefined is Flotilla's own `connect`. */
  readonly connect?: (url: string) => Promise<NativeClient>
}

export class FlotillaNativeTarget implements Target {
  readonly name = 'flotilla-native'
  readonly #options: FlotillaNativeOptions
  #clients: NativeClient[] = []

  constructor(options: FlotillaNativeOptions) {
    this.#options = options
  }

  async open(lanes: number, observer: LaneObserver): Promise<readonly Lane[]> {
    const connect = this.#options.connect ?? (await loadConnect())
    for (let i = 0; i < this.#options.clients; i++) this.#clients.push(await connect(this.#options.url))
    return Array.from({ length: lanes }, (_, index) => {
      return new PromiseLane(index, storeOf(this.#clients[index % this.#clients.length] as NativeClient), observer)
    })
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close()
    this.#clients = []
  }
}

/** Loaded when needed, so that a load over HTTP does not carry the whole database in its process. */
async function loadConnect(): Promise<(url: string) => Promise<NativeClient>> {
  const { connect } = await import('../../src/index.ts')
  return connect
}

function storeOf(client: NativeClient): PromisedStore<Uint8Array | undefined> {
  return {
    put: (key, value) => client.put(key, value),
    get: (key) => client.get(key),
    valueOf: (found) => found,
    failureOf: (error) => ({ code: codeOf(error), outcome: outcomeOf(error) }),
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'CLIENT_ERROR'
}

function outcomeOf(error: unknown): WriteOutcome {
  const outcome = error instanceof Error && 'outcome' in error ? error.outcome : undefined
  return outcome === 'none' || outcome === 'applied' ? outcome : 'unknown'
}
