/**
 * Flotilla's own client as a target: `connect('nats://...')`, then `put` and `get` awaited one per lane. The client makes a promise per
 * operation; that is part of what its users pay. All that the benchmark knows of the client is in this file.
 */
import type { Client } from '../../src/index.ts'
import type { Lane, LaneObserver, Target, WriteOutcome } from '../load/index.ts'

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
      return new NativeLane(index, this.#clients[index % this.#clients.length] as NativeClient, observer)
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

class NativeLane implements Lane {
  readonly #index: number
  readonly #client: NativeClient
  readonly #observer: LaneObserver
  /** Counts operations, so that the late answer to an abandoned one is recognised. */
  #operation = 0

  constructor(index: number, client: NativeClient, observer: LaneObserver) {
    this.#index = index
    this.#client = client
    this.#observer = observer
  }

  put(key: string, value: Buffer): void {
    const operation = ++this.#operation
    this.#client.put(key, value).then(
      () => {
        if (operation === this.#operation) this.#observer.putDone(this.#index)
      },
      (error: unknown) => this.#failed(operation, error),
    )
  }

  get(key: string): void {
    const operation = ++this.#operation
    this.#client.get(key).then(
      (value) => {
        if (operation === this.#operation) this.#observer.getDone(this.#index, value)
      },
      (error: unknown) => this.#failed(operation, error),
    )
  }

  abandon(): void {
    this.#operation++
    this.#observer.failed(this.#index, 'TIMEOUT', 'unknown')
  }

  #failed(operation: number, error: unknown): void {
    if (operation !== this.#operation) return
    this.#observer.failed(this.#index, codeOf(error), outcomeOf(error))
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'CLIENT_ERROR'
}

function outcomeOf(error: unknown): WriteOutcome {
  const outcome = error instanceof Error && 'outcome' in error ? error.outcome : undefined
  return outcome === 'none' || outcome === 'applied' ? outcome : 'unknown'
}
