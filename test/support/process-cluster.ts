/**
 * The cluster of real processes that tests use: with recorded loads on it, and with an end that judges.
 *
 *   await withCluster({ broker: 'nats-server' }, async (cluster) => { ... })
 *
 * cleans up whatever happens, prints the stores' logs when the test fails, and fails a test whose stores complained unexpectedly.
 */
import { type ClusterOptions, ProcessCluster as PlainCluster } from '../../tools/cluster/process-cluster.ts'
import { HttpTarget } from './http-target.ts'
import { Workload, type WorkloadOptions } from './workload.ts'

export async function withCluster(
  options: ClusterOptions,
  run: (cluster: ProcessCluster) => Promise<void>,
): Promise<void> {
  const cluster = await ProcessCluster.create(options)
  try {
    await cluster.startAll()
    await run(cluster)
    cluster.assertQuiet()
  } catch (error) {
    process.stderr.write(`${cluster.logs()}\n`)
    throw error
  } finally {
    await cluster.cleanUp()
  }
}

export class ProcessCluster extends PlainCluster {
  readonly #loads: Workload[] = []

  /** Clients that use whatever stores run; they end with the cluster at the latest. */
  load(name: string, options: WorkloadOptions & { readonly timeoutMs?: number }): Workload {
    const target = new HttpTarget(() => this.addresses, options.clients, options.timeoutMs)
    const load = new Workload(name, target, options)
    this.#loads.push(load)
    return load.start()
  }

  /** One reader for each of the stores, all that run by default; for the last reads of a workload. */
  readers(ids: readonly string[] = this.running): HttpTarget[] {
    return ids.map((id) => new HttpTarget(() => [this.address(id)], 1))
  }

  override async cleanUp(): Promise<void> {
    for (const load of this.#loads) load.cancel()
    await super.cleanUp()
    await Promise.all(this.#loads.map((load) => load.stop()))
  }
}
