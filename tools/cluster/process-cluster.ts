/**
 * A cluster of real store processes over a real broker, as a user runs it, and the blows that tests and chaos deal it: kill -9, orderly stops,
 * pauses, restarts, wiped directories. Talks to the stores only over HTTP and reads only their logs and exit codes. It judges little: what
 * should hold is for its users to say.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type BrokerKind, type BrokerProcess, startBrokerProcess } from './broker-process.ts'
import { type HttpAnswer, type HttpRequest, http, json } from './http.ts'
import { type Exit, ManagedProcess } from './managed-process.ts'
import type { NetworkNamespace } from './network-namespace.ts'
import { Hopeless, poll } from './poll.ts'
import { freePort } from './ports.ts'
import { storeCommand } from './programs.ts'
import { TEST_TOKENS } from './test-token.ts'

export interface ClusterOptions {
  readonly broker: BrokerKind
  readonly stores?: number
  readonly shards?: number
  /** Sections of the configuration that differ from the defaults. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Log lines of level error that this test provokes. */
  readonly expectedErrors?: readonly RegExp[]
  /** Where a store keeps its data; a folder of the cluster's own by default. */
  readonly directoryOf?: (store: string) => string | undefined
  /** The command that runs a store with a configuration file, where that is not this build's. Asked at each start. */
  readonly commandOf?: (store: string, configFile: string) => string[] | undefined
  /** How a store reaches the broker, where that is not the direct way. */
  readonly brokerUrlOf?: (store: string) => string
  /** A network of its own, where a store has one. */
  readonly networkOf?: (store: string) => NetworkNamespace | undefined
}

/** What `/admin/shards` tells, as far as tests look at it. */
export interface ShardView {
  readonly id: number
  readonly kind: 'placement' | 'data'
  readonly start?: string
  readonly end?: string | null
  readonly leader: string | null
  readonly term: number
  readonly commitIndex: number
  readonly replicas: readonly { readonly store: string; readonly matchIndex: number | null }[]
}

const READY_MS = 60_000
const STOP_MS = 30_000

export class ProcessCluster {
  readonly ids: readonly string[]
  readonly broker: BrokerProcess
  readonly #options: ClusterOptions
  readonly #root: string
  readonly #addresses = new Map<string, string>()
  readonly #processes = new Map<string, ManagedProcess>()
  /** Those that ended, for their output. */
  readonly #past: ManagedProcess[] = []

  /** `root` is an empty folder of its own, removed by `cleanUp`. See `ProcessCluster.create`. */
  constructor(options: ClusterOptions, broker: BrokerProcess, root: string) {
    this.#options = options
    this.broker = broker
    this.#root = root
    this.ids = Array.from({ length: options.stores ?? 3 }, (_, position) => `s${position + 1}`)
  }

  /** Starts the broker and chooses the addresses; starts no store. */
  static async create<Cluster extends ProcessCluster>(
    this: new (
      options: ClusterOptions,
      broker: BrokerProcess,
      root: string,
    ) => Cluster,
    options: ClusterOptions,
  ): Promise<Cluster> {
    const broker = await startBrokerProcess(options.broker)
    const cluster = new this(options, broker, mkdtempSync(path.join(tmpdir(), 'flotilla-cluster-')))
    await cluster.#chooseAddresses()
    return cluster
  }

  // Life of the stores.

  async startAll(): Promise<void> {
    for (const id of this.ids) this.start(id)
    await Promise.all(this.ids.map((id) => this.waitReady(id)))
  }

  /** Starts a store and does not wait for it. */
  start(id: string): ManagedProcess {
    assert(this.#processes.get(id)?.isRunning !== true, `${id} runs already`)
    return this.#spawn(id, id)
  }

  /** Starts another process with the configuration of a store; `name` is what its log is called. Nothing else knows of it. */
  startTwin(id: string): ManagedProcess {
    const child = new ManagedProcess(`a second ${id}`, this.#command(id))
    this.#past.push(child)
    return child
  }

  async restart(id: string): Promise<void> {
    this.start(id)
    await this.waitReady(id)
  }

  async waitReady(id: string, deadlineMs = READY_MS): Promise<void> {
    await poll(`${id} is ready`, deadlineMs, async () => {
      if (!this.process(id).isRunning) throw new Hopeless(`${id} ended instead of becoming ready`)
      const answer = await this.http(id, { method: 'GET', path: '/readyz', hangMs: 5_000 })
      if (answer.status !== 200) throw new Error(answer.body.toString('utf8').slice(0, 300))
      return true
    })
  }

  /** kill -9: nothing is flushed, nobody is told. */
  async kill9(...ids: readonly string[]): Promise<void> {
    for (const id of ids) this.process(id).killGroup()
    await Promise.all(ids.map((id) => this.process(id).exited))
  }

  /** SIGTERM; resolves with how it ended and how long that took. */
  async stop(id: string): Promise<Exit & { readonly tookMs: number }> {
    const startedMs = performance.now()
    this.process(id).signal('SIGTERM')
    const exit = await this.process(id).ended(STOP_MS + 5_000)
    return { ...exit, tookMs: performance.now() - startedMs }
  }

  pause(id: string): void {
    this.process(id).signal('SIGSTOP')
  }

  continue(id: string): void {
    this.process(id).signal('SIGCONT')
  }

  /** Empties the data directory of a store that does not run. */
  wipe(id: string): void {
    assert(!this.process(id).isRunning, `${id} runs`)
    rmSync(this.directory(id), { recursive: true, force: true })
  }

  directory(id: string): string {
    return this.#options.directoryOf?.(id) ?? path.join(this.#root, id)
  }

  process(id: string): ManagedProcess {
    const child = this.#processes.get(id)
    assert(child !== undefined, `${id} was never started`)
    return child
  }

  /** Every process of a store that was ever started, those that run among them. */
  get past(): readonly ManagedProcess[] {
    return [...this.#past, ...this.#processes.values()]
  }

  get running(): readonly string[] {
    return this.ids.filter((id) => this.#processes.get(id)?.isRunning === true)
  }

  // Questions.

  address(id: string): string {
    const address = this.#addresses.get(id)
    assert(address !== undefined, `there is no store ${id}`)
    return address
  }

  http(id: string, request: HttpRequest): Promise<HttpAnswer> {
    return http(this.address(id), request)
  }

  async json(id: string, path: string): Promise<unknown> {
    const answer = await this.http(id, { method: 'GET', path })
    assert.equal(answer.status, 200, `GET ${path} at ${id}: ${answer.body.toString('utf8').slice(0, 300)}`)
    return json(answer)
  }

  async shards(via = this.#anyRunning()): Promise<readonly ShardView[]> {
    const { shards } = (await this.json(via, '/admin/shards')) as { shards: ShardView[] }
    return shards
  }

  async dataShards(via?: string): Promise<readonly ShardView[]> {
    return (await this.shards(via)).filter((shard) => shard.kind === 'data')
  }

  /** How many shards, group 1 among them, each running store leads; waits until every shard has a leader. */
  async leaders(via?: string): Promise<ReadonlyMap<string, number>> {
    return await poll('every shard has a leader', READY_MS, async () => {
      const counts = new Map<string, number>(this.running.map((id) => [id, 0]))
      for (const { id, leader } of await this.shards(via)) {
        if (leader === null) throw new Error(`shard ${id} has none`)
        counts.set(leader, (counts.get(leader) ?? 0) + 1)
      }
      return counts
    })
  }

  async busiestLeader(): Promise<string> {
    const [first] = [...(await this.leaders())].sort((left, right) => right[1] - left[1])
    assert(first !== undefined, 'no store leads anything')
    return first[0]
  }

  /** The value of a metric of one store; a metric with labels is named with them. */
  async metric(id: string, name: string): Promise<number> {
    const answer = await this.http(id, { method: 'GET', path: '/metrics' })
    const line = answer.body
      .toString('utf8')
      .split('\n')
      .find((candidate) => candidate.startsWith(`${name} `))
    assert(line !== undefined, `${id} has no metric ${name}`)
    return Number(line.slice(name.length + 1))
  }

  /** What one store believes of its replica of a shard. */
  async replica(id: string, shard: number): Promise<Record<string, unknown>> {
    const { replica } = (await this.json(id, `/debug/raft/${shard}`)) as { replica: Record<string, unknown> }
    return replica
  }

  /** `count` keys in every data shard, percent-encoded for a path. */
  async keysPerShard(count: number): Promise<string[]> {
    const shards = await this.dataShards()
    return shards.flatMap(({ start = '' }) => Array.from({ length: count }, (_, number) => `${start}!${number}`))
  }

  /** Where to send requests: the gateways of the stores that run. */
  get addresses(): readonly string[] {
    return this.running.map((id) => this.address(id))
  }

  // Logs.

  /** Log lines of a store's present process that contain `text`. */
  logged(id: string, text: string): readonly string[] {
    return this.process(id).lines.filter((line) => line.includes(text))
  }

  /** What stores said that healthy ones do not say, each with its store. `expected`: lines that were provoked. */
  complaints(expected: readonly RegExp[] = this.#options.expectedErrors ?? []): readonly string[] {
    return this.past.flatMap((child) =>
      child.lines
        .filter((line) => isComplaint(line) && !expected.some((pattern) => pattern.test(line)))
        .map((line) => `${child.name}: ${line}`),
    )
  }

  assertQuiet(): void {
    const complaints = this.complaints()
    assert.equal(complaints.length, 0, `stores complained:\n${complaints.slice(0, 10).join('\n')}`)
  }

  logs(): string {
    return this.past.map((child) => child.output()).join('\n')
  }

  async cleanUp(): Promise<void> {
    await Promise.all(this.past.map((child) => child.kill()))
    await this.broker.stop()
    rmSync(this.#root, { recursive: true, force: true })
  }

  async #chooseAddresses(): Promise<void> {
    for (const id of this.ids) {
      const host = this.#options.networkOf?.(id)?.storeHost ?? '127.0.0.1'
      this.#addresses.set(id, `${host}:${await freePort()}`)
    }
  }

  #anyRunning(): string {
    const [first] = this.running
    assert(first !== undefined, 'no store runs')
    return first
  }

  #spawn(id: string, name: string): ManagedProcess {
    const before = this.#processes.get(id)
    if (before !== undefined) this.#past.push(before)
    const child = new ManagedProcess(name, this.#command(id))
    this.#processes.set(id, child)
    return child
  }

  #command(id: string): readonly string[] {
    const file = this.#writeConfig(id)
    const command = this.#options.commandOf?.(id, file) ?? storeCommand(file)
    return this.#options.networkOf?.(id)?.inside(command) ?? command
  }

  #writeConfig(id: string): string {
    const { shards = 4, config = {} } = this.#options
    const network = this.#options.networkOf?.(id)
    const sections: Record<string, unknown> = {
      cluster: { id: path.basename(this.#root), bootstrap: { stores: this.ids, replicas: 3, shards } },
      transport: { servers: [this.#options.brokerUrlOf?.(id) ?? this.broker.url], embedded: false },
      gateway: { listen: this.address(id), ...(network === undefined ? {} : { tokens: TEST_TOKENS }) },
      observability: { log: { level: 'info', format: 'json' } },
      ...config,
      store: { id, dir: this.directory(id) },
    }
    mkdirSync(this.#root, { recursive: true })
    const file = path.join(this.#root, `${id}.yaml`)
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(sections))
    return file
  }
}

/** A line that is no JSON was not written by the logger: it is Node's own warning or a crash. Level 50 is `error`. */
function isComplaint(line: string): boolean {
  // The command line's advice follows its error, which is judged itself.
  if (line.trim() === '' || line.startsWith('  try: ')) return false
  try {
    const { level } = JSON.parse(line) as { level?: unknown }
    return typeof level !== 'number' || level >= 50
  } catch {
    // Not JSON.
    return true
  }
}
