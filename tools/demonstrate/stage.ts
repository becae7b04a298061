/**
 * The cluster of a demonstration: real stores over a real broker, a client of each kind, and questions to the placement driver. What is shown, and
 * what it must look like, is in the scenes.
 */
import { connect } from '../../src/server/index.ts'
import type { BrokerKind } from '../cluster/broker-process.ts'
import { delay, Hopeless, Patience, poll } from '../cluster/poll.ts'
import { ProcessCluster, type ShardView } from '../cluster/process-cluster.ts'
import { CheckedLoad, type LoadOptions } from './checked-load.ts'

/** As `/admin/operators` shows them. */
export interface OperatorView {
  readonly id: string
  readonly kind: string
  readonly shard: number
  readonly state: string
  readonly error: string | null
  readonly reason: string
  readonly scheduler?: string
  readonly createdAt: string
  readonly steps: readonly { readonly what: string; readonly state: string }[]
}

interface StoreView {
  readonly id: string
  readonly state: string
  readonly replicas: number
  readonly leaders: number
  readonly bytes: number
}

export interface StageOptions {
  readonly broker: BrokerKind
  /** Those that found the cluster are the first three; others are started by the scene. */
  readonly stores: number
  readonly shards: number
  readonly placement: Readonly<Record<string, unknown>>
  readonly print: (line: string) => void
  /** What goes on meanwhile, for whoever waits; it is no part of the report. */
  readonly note: (line: string) => void
}

/** A request that starts an operator. */
interface Start {
  readonly path: string
  readonly body?: string
}

const OPERATOR_MS_MAX = 1_800_000
/** A store answers, and its map is as new as what was asked of it, well within this. */
const ANSWER_MS_MAX = 120_000
const NOTE_INTERVAL_MS = 15_000

export class Stage {
  readonly cluster: ProcessCluster
  readonly client: Awaited<ReturnType<typeof connect>>
  readonly failures: string[] = []
  readonly #print: (line: string) => void
  readonly #note: (line: string) => void
  readonly #startedMs = performance.now()
  #notedMs = performance.now()
  readonly #loads: CheckedLoad[] = []

  private constructor(
    cluster: ProcessCluster,
    client: Awaited<ReturnType<typeof connect>>,
    { print, note }: StageOptions,
  ) {
    this.cluster = cluster
    this.client = client
    this.#print = print
    this.#note = note
  }

  /** Starts the founders, plays the scene, and cleans up whatever happens. Answers what failed. */
  static async play(options: StageOptions, scene: (stage: Stage) => Promise<void>): Promise<readonly string[]> {
    const id = `demonstration-${process.pid}`
    const bootstrap = { stores: ['s1', 's2', 's3'], replicas: 3, shards: options.shards }
    const cluster = await ProcessCluster.create({
      broker: options.broker,
      stores: options.stores,
      config: { cluster: { id, bootstrap }, placement: options.placement },
    })
    try {
      for (const store of bootstrap.stores) cluster.start(store)
      await Promise.all(bootstrap.stores.map((store) => cluster.waitReady(store)))
      await cluster.leaders()
      const stage = new Stage(cluster, await connect(cluster.broker.url, { clusterId: id }), options)
      try {
        await scene(stage)
        for (const load of stage.#loads) await stage.#judge(load)
        return stage.failures
      } finally {
        await stage.client.close()
      }
    } catch (error) {
      options.print(cluster.logs().split('\n').slice(-60).join('\n'))
      throw error
    } finally {
      await cluster.cleanUp()
    }
  }

  say(text: string): void {
    this.#print(`- ${text}`)
  }

  /** Tells now and then what is waited for. */
  waitingFor(what: () => string): void {
    const nowMs = performance.now()
    if (nowMs - this.#notedMs < NOTE_INTERVAL_MS) return
    this.#notedMs = nowMs
    this.#note(`${seconds(nowMs - this.#startedMs)}: ${what()}`)
  }

  /** States something that has to hold. */
  claim(holds: boolean, text: string): void {
    this.#print(`- ${holds ? '' : 'FAILED: '}${text}`)
    if (!holds) this.failures.push(text)
  }

  load(keys: readonly string[], options: LoadOptions): CheckedLoad {
    const load = new CheckedLoad(this.client, keys, options)
    this.#loads.push(load)
    return load.start()
  }

  /** Asks until there is an answer: for a moment after something was killed there may be none. */
  admin<Document>(path: string, method = 'GET', body = ''): Promise<Document> {
    return poll(`${method} /admin/${path}`, ANSWER_MS_MAX, async () => {
      const [via = 's1'] = this.cluster.running
      const answer = await this.cluster.http(via, { method, path: `/admin/${path}`, body })
      if (answer.status < 300) return JSON.parse(answer.body.toString()) as Document
      const refusal = `${method} /admin/${path}: ${answer.status} ${answer.body}`
      throw answer.status < 500 && answer.status !== 429 ? new Hopeless(refusal) : new Error(refusal)
    })
  }

  /**
   * Starts an operator, once no other one is in its way. `what` is asked for each attempt: the map of the store that is asked may be a heartbeat old, so
   * that even what makes no sense may do so a moment later.
   */
  begin(what: () => Start | Promise<Start>): Promise<OperatorView> {
    const patience = new Patience(ANSWER_MS_MAX)
    return poll('the start of an operator', OPERATOR_MS_MAX, async () => {
      const { path, body = '' } = await what()
      const [via = 's1'] = this.cluster.running
      const answer = await this.cluster.http(via, { method: 'POST', path: `/admin/${path}`, body })
      const document = JSON.parse(answer.body.toString()) as OperatorView & { readonly code?: string }
      if (answer.status < 300) return document
      const refusal = `POST /admin/${path} ${body}: ${answer.status} ${answer.body}`
      if (document.code !== 'OPERATOR_CONFLICT' && patience.isOver()) throw new Hopeless(refusal)
      await delay(250)
      throw new Error(refusal)
    })
  }

  shards(): Promise<readonly ShardView[]> {
    return poll('the shards', ANSWER_MS_MAX, () => this.cluster.shards())
  }

  async dataShards(): Promise<readonly ShardView[]> {
    return (await this.shards()).filter(({ kind }) => kind === 'data')
  }

  async operators(): Promise<readonly OperatorView[]> {
    return (await this.admin<{ operators: readonly OperatorView[] }>('operators')).operators
  }

  async stores(): Promise<readonly StoreView[]> {
    return (await this.admin<{ stores: readonly StoreView[] }>('stores')).stores
  }

  /** Starts an operator and waits for its end. */
  async operate(path: string, body = ''): Promise<OperatorView> {
    return await this.ended((await this.begin(() => ({ path, body }))).id)
  }

  ended(id: string): Promise<OperatorView> {
    return poll(`the end of operator ${id}`, OPERATOR_MS_MAX, async () => {
      const shown = await this.admin<OperatorView>(`operators/${id}`)
      return shown.state === 'running' ? undefined : shown
    })
  }

  /** Waits until no operator has run for `restMs`. Answers how long it was until the last one ended. */
  async settled(restMs: number, limitMs: number): Promise<number> {
    const startedMs = performance.now()
    let busyMs = startedMs
    while (performance.now() - busyMs < restMs) {
      if (performance.now() - startedMs > limitMs) throw new Error(`operators still run after ${limitMs} ms`)
      const running = (await this.operators()).filter(({ state }) => state === 'running')
      if (running.length > 0) busyMs = performance.now()
      const stillMs = performance.now() - busyMs
      this.waitingFor(() =>
        running.length > 0
          ? `${running.length} operators run, ${running[0]?.reason}`
          : `no operator has run for ${seconds(stillMs)} of ${seconds(restMs)}`,
      )
      await delay(250)
    }
    return busyMs - startedMs
  }

  /** Waits until an operator has begun that was not `known`. */
  async stirred(known: readonly OperatorView[], limitMs: number): Promise<void> {
    const ids = new Set(known.map(({ id }) => id))
    await poll('an operator begins', limitMs, async () => (await this.operators()).some(({ id }) => !ids.has(id)))
  }

  async #judge(load: CheckedLoad): Promise<void> {
    const { ok, text } = await load.judge()
    this.claim(ok, `the history is ${text}`)
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`
}
