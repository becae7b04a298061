/**
 * The cluster under chaos: real stores, each behind a proxy of its own, with what the run has done to them so far. Faults act through it, and it
 * keeps them from asking the impossible of the cluster: a store has one trouble at a time, and only one store's disk is ever damaged.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { BrokerProcess } from '../cluster/broker-process.ts'
import { problem } from '../cluster/http.ts'
import { NetworkNamespace } from '../cluster/network-namespace.ts'
import { Hopeless, poll } from '../cluster/poll.ts'
import { type ClusterOptions, ProcessCluster } from '../cluster/process-cluster.ts'
import type { Recorder } from './recorder.ts'
import type { SeededRandom } from './seeded-random.ts'
import { SmallDisk } from './small-disk.ts'
import { GOOD_CONDUCT, TcpProxy } from './tcp-proxy.ts'
import { Timeline } from './timeline.ts'

const READY_MS_MAX = 60_000
const BULK_ROUNDS = 10
const BULK_KEYS = 5
const BULK_VALUE_BYTES = 20_000

export interface SceneOptions {
  readonly broker: 'nats-server' | 'embedded'
  readonly stores: number
  readonly shards: number
  readonly recorder: Recorder
  readonly print: (line: string) => void
}

export class Scene {
  readonly cluster: ProcessCluster
  readonly recorder: Recorder
  readonly timeline: Timeline
  /** The last store's disk is small, where this user may mount one. */
  readonly smallDisk: SmallDisk | undefined
  /** Stores that a fault is busy with. */
  readonly #troubled = new Set<string>()
  readonly #proxies: ReadonlyMap<string, TcpProxy>
  readonly #networks: ReadonlyMap<string, NetworkNamespace>
  /** Where the shards begin, percent-encoded; known once the cluster runs. */
  starts: readonly string[] = []
  /** What a store with a damaged replica must say of it; undefined while no disk is damaged. */
  damaged: { readonly store: string; readonly shards: readonly number[] } | undefined
  /** Set when a damage was done, whether or not it hit anything. */
  isDamageDone = false
  /** What failed, in the order in which it was found. */
  readonly failures: string[] = []

  private constructor(
    cluster: ProcessCluster,
    options: SceneOptions,
    proxies: ReadonlyMap<string, TcpProxy>,
    networks: ReadonlyMap<string, NetworkNamespace>,
    smallDisk: SmallDisk | undefined,
  ) {
    this.cluster = cluster
    this.recorder = options.recorder
    this.timeline = new Timeline(() => options.recorder.nowMs(), options.print)
    this.#proxies = proxies
    this.#networks = networks
    this.smallDisk = smallDisk
  }

  static async open(options: SceneOptions): Promise<Scene> {
    const proxies = new Map<string, TcpProxy>()
    const smallDisk = SmallDisk.mount(mkdtempSync(path.join(tmpdir(), 'flotilla-chaos-disk-')))
    const last = `s${options.stores}`
    const made = NetworkNamespace.make(options.stores)
    const networks = new Map(made.map((network, position) => [`s${position + 1}`, network]))
    const clusterOptions: ClusterOptions = {
      broker: options.broker,
      stores: options.stores,
      shards: options.shards,
      // Small, so that compaction, snapshots and new segments happen all the time.
      config: { storage: { segmentBytes: '256KiB', overlayBytes: '1MiB' }, raft: { compactEntries: 100 } },
      brokerUrlOf: (id) => proxies.get(id)?.url ?? cluster.broker.url,
      networkOf: (id) => networks.get(id),
      directoryOf: (id) => (id === last ? smallDisk?.folder(id) : undefined),
    }
    const cluster: ProcessCluster = await ProcessCluster.create(clusterOptions)
    for (const id of cluster.ids) proxies.set(id, await TcpProxy.open(cluster.broker.url, networks.get(id)?.brokerHost))
    return new Scene(cluster, options, proxies, networks, smallDisk)
  }

  get broker(): BrokerProcess {
    return this.cluster.broker
  }

  get storeOnSmallDisk(): string | undefined {
    return this.smallDisk === undefined ? undefined : this.cluster.ids.at(-1)
  }

  proxy(id: string): TcpProxy {
    const proxy = this.#proxies.get(id)
    if (proxy === undefined) throw new Error(`there is no store ${id}`)
    return proxy
  }

  /** The network of a store that has one of its own. */
  network(id: string): NetworkNamespace | undefined {
    return this.#networks.get(id)
  }

  get lostMessages(): number {
    return [...this.#proxies.values()].reduce((sum, { lostMessages }) => sum + lostMessages, 0)
  }

  /** Up to `count` stores that have no trouble yet, kept from other faults until `release`. Empty when there are not enough. */
  reserve(count: number, random: SeededRandom, wanted: (id: string) => boolean = () => true): string[] {
    const free = random.shuffled(this.cluster.ids.filter((id) => !this.#troubled.has(id) && wanted(id)))
    const chosen = free.slice(0, count)
    if (chosen.length < count) return []
    for (const id of chosen) this.#troubled.add(id)
    return chosen
  }

  release(ids: readonly string[]): void {
    for (const id of ids) this.#troubled.delete(id)
  }

  /** Stores without trouble. */
  get sound(): readonly string[] {
    return this.cluster.running.filter((id) => !this.#troubled.has(id))
  }

  /** Starts a store that does not run, and waits until it serves what it can. */
  async start(id: string): Promise<void> {
    this.cluster.start(id)
    await this.waitServing(id)
  }

  /**
   * Waits until a store says that it is ready, or that it lacks nothing but its damaged replicas. While others are in trouble that may never be, so a store
   * that waits for a leader elsewhere counts as started.
   */
  async waitServing(id: string, deadlineMs = READY_MS_MAX): Promise<void> {
    await poll(`${id} serves again`, deadlineMs, async () => {
      if (!this.cluster.process(id).isRunning) throw new Hopeless(`${id} ended instead of becoming ready`)
      const reasons = await this.reasonsOf(id)
      const left = reasons.filter((reason) => !this.isKnownDamage(id, reason))
      const isLonely = this.#troubled.size > 1 && left.every((reason) => /has no leader|no shard map yet/.test(reason))
      if (left.length > 0 && !isLonely) throw new Error(left.join('; '))
      return true
    })
  }

  /** Why a store is not ready; empty when it is. Throws when it does not answer. */
  async reasonsOf(id: string): Promise<readonly string[]> {
    const answer = await this.cluster.http(id, { method: 'GET', path: '/readyz', hangMs: 5_000 })
    if (answer.status === 200) return []
    return problem(answer)?.reasons ?? [`status ${answer.status}`]
  }

  isKnownDamage(id: string, reason: string): boolean {
    if (this.damaged?.store !== id) return false
    return this.damaged.shards.some((shard) => reason.startsWith(`shard ${shard} is damaged on this store`))
  }

  /** Writes a few megabytes to keys that nobody reads, so that logs move on; what is refused is not tried again. */
  async writeBulk(random: SeededRandom): Promise<void> {
    for (let round = 0; round < BULK_ROUNDS; round++) {
      const via = random.pick(this.sound)
      if (via === undefined) return
      await Promise.all(
        this.starts.flatMap((start) =>
          Array.from({ length: BULK_KEYS }, async (_, number) => {
            const path = `/kv/${start}~bulk${number}`
            const body = `${round}.${'x'.repeat(BULK_VALUE_BYTES)}`
            const headers = { 'Flotilla-Timeout-Ms': '2000' }
            await this.cluster.http(via, { method: 'PUT', path, body, headers }).catch(ignoreRefusal)
          }),
        ),
      )
    }
  }

  fail(what: string): void {
    this.failures.push(what)
    this.timeline.note(`FAILED: ${what}`)
  }

  /** Ends what faults may have left behind. */
  async heal(): Promise<void> {
    for (const id of this.cluster.ids) {
      this.proxy(id).behave(GOOD_CONDUCT)
      this.network(id)?.mend()
      if (this.cluster.running.includes(id)) this.cluster.continue(id)
    }
    this.smallDisk?.free()
    this.#troubled.clear()
    for (const id of this.cluster.ids) if (!this.cluster.running.includes(id)) this.cluster.start(id)
  }

  async close(): Promise<void> {
    for (const proxy of this.#proxies.values()) proxy.close()
    await this.cluster.cleanUp()
    for (const network of this.#networks.values()) network.remove()
    this.smallDisk?.unmount()
  }
}

/** Bulk is for moving logs; whether a write of it succeeds does not matter. */
function ignoreRefusal(): undefined {
  return undefined
}
