/**
 * JetStream KV as a target: one bucket with three replicas, through the `nats` client, `kv.put` and `kv.get` awaited one per lane.
 * Reads go to the stream's leader (no direct gets), the nearest that JetStream has to a linearizable read; its acknowledgement of a write
 * does not wait for the disk. The client makes promises per operation; that is part of what its users pay.
 */
import { connect, type KV, type KvEntry, type NatsConnection, NatsError, StorageType } from 'nats'
import type { Lane, LaneObserver, Target } from '../load/index.ts'
import { type PromisedStore, PromiseLane } from './promise-lane.ts'

export interface JetStreamOptions {
  /** One connection to each. */
  readonly servers: readonly string[]
  readonly bucket: string
  readonly replicas: number
  readonly timeoutMs: number
}

export class JetStreamTarget implements Target {
  readonly name = 'jetstream'
  readonly #options: JetStreamOptions
  #connections: NatsConnection[] = []

  constructor(options: JetStreamOptions) {
    this.#options = options
  }

  async open(lanes: number, observer: LaneObserver): Promise<readonly Lane[]> {
    const { servers, bucket, replicas, timeoutMs } = this.#options
    const buckets: KV[] = []
    for (const server of servers) {
      const connection = await connect({ servers: server, timeout: timeoutMs })
      this.#connections.push(connection)
      const stream = connection.jetstream({ timeout: timeoutMs })
      const options = { replicas, history: 1, storage: StorageType.File, allow_direct: false, timeout: timeoutMs }
      buckets.push(await stream.views.kv(bucket, options))
    }
    return Array.from({ length: lanes }, (_, index) => {
      return new PromiseLane(index, storeOf(buckets[index % buckets.length] as KV), observer)
    })
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) await connection.close()
    this.#connections = []
  }
}

function storeOf(bucket: KV): PromisedStore<KvEntry | null> {
  return {
    put: (key, value) => bucket.put(key, value),
    get: (key) => bucket.get(key),
    valueOf: (entry) => entry?.value,
    failureOf: (error, isWrite) => ({
      code: error instanceof NatsError ? `NATS_${error.code}` : 'CLIENT_ERROR',
      outcome: isWrite ? 'unknown' : 'none',
    }),
  }
}
