import { PLACEMENT_SHARD, type Shard, type ShardId, type ShardMap, type StoreId } from '../../shard-map/index.ts'
import { assert, LIMITS, unreachable } from '../base/index.ts'
import {
  FlotillaError,
  type OperateRequest,
  type PlacementStatus,
  type Reply,
  type Request,
  type ShardDescription,
  type StoreDescription,
} from '../protocol/index.ts'
import { RoutedCall, type RoutingContext } from './routed-call.ts'
import type { AdminRouter, CallOptions } from './types.ts'

/** Cluster-wide questions, asked of whoever knows: leaders for their shards, the placement driver for liveness. */
const DESCRIBE_TIMEOUT_MS = 2_000
/** A store that does not answer makes a picture wait no longer than this. */
const MAP_PATIENCE_MS = 500

export class ClusterAdmin implements AdminRouter {
  readonly #context: RoutingContext

  constructor(context: RoutingContext) {
    this.#context = context
  }

  /**
   * As the store of this process has it, which heartbeats keep current; a client asks a store. Nobody else keeps the view of a router up to date
   * through which no keys are asked for. When there is no answer, an old picture is better than none.
   */
  async map(options: CallOptions = {}): Promise<ShardMap> {
    const { refresher, view, channel } = this.#context
    await this.#whenKnown(options)
    const { localId } = channel
    if (localId === undefined) await new Promise<void>((done) => refresher.refresh(MAP_PATIENCE_MS, done))
    else {
      const request = { kind: 'map', since: view.map.version } as const
      // A store that is closing answers nothing any more; the picture that there is does until then.
      const reply = await this.#ask(localId, request, options.timeoutMs).catch(() => undefined)
      if (reply?.kind === 'map') view.learn(reply.map, reply.leaders)
    }
    return view.map
  }

  async placementStatus(options: CallOptions = {}): Promise<PlacementStatus> {
    await this.#whenKnown(options)
    const reply = await this.#toPlacement({ kind: 'placement-status' }, options)
    assert(reply.kind === 'placement-status', `placement-status was answered with ${reply.kind}`)
    this.#context.view.learn(reply.status.map, reply.status.leaders)
    return reply.status
  }

  async describeShards(shards: readonly Shard[], options: CallOptions = {}): Promise<ShardDescription[]> {
    const { view } = this.#context
    const wanted = new Map<StoreId, ShardId[]>()
    for (const shard of shards) {
      const leader = view.leaderOf(shard.id)
      // Whoever may lead it is asked; one who does not simply leaves it out.
      for (const store of leader === undefined ? view.storesOf(shard) : [leader]) {
        const list = wanted.get(store)
        if (list === undefined) wanted.set(store, [shard.id])
        else list.push(shard.id)
      }
    }
    const described = new Map<ShardId, ShardDescription>()
    const ask = async (store: StoreId, ids: readonly ShardId[]): Promise<void> => {
      const reply = await this.#ask(store, { kind: 'describe', shards: ids }, options.timeoutMs).catch(() => undefined)
      if (reply?.kind !== 'describe') return
      for (const description of reply.shards) {
        const known = described.get(description.shard.id)
        if (known === undefined || known.term < description.term) described.set(description.shard.id, description)
      }
    }
    await Promise.all([...wanted].map(([store, ids]) => ask(store, ids)))
    const missing = shards.filter((shard) => !described.has(shard.id))
    if (missing.length > 0) {
      // The leader we believed in is gone or deposed: ask everybody who holds a replica.
      const others = new Set(missing.flatMap((shard) => [...view.storesOf(shard)]))
      await Promise.all(
        [...others].map((store) =>
          ask(
            store,
            missing.map((shard) => shard.id),
          ),
        ),
      )
    }
    return shards.map((shard) => described.get(shard.id) ?? undescribed(shard))
  }

  async describeStore(store: StoreId, options: CallOptions = {}): Promise<StoreDescription> {
    const reply = await this.#ask(store, { kind: 'describe', shards: [NO_SHARD] }, options.timeoutMs)
    assert(reply.kind === 'describe', `describe was answered with ${reply.kind}`)
    return reply.store
  }

  async describeReplica(store: StoreId, shard: ShardId, options: CallOptions = {}): Promise<unknown> {
    const reply = await this.#ask(store, { kind: 'describe-replica', shard }, options.timeoutMs)
    assert(reply.kind === 'describe-replica', `describe-replica was answered with ${reply.kind}`)
    return reply.replica
  }

  async operate(request: OperateRequest, options: CallOptions = {}): Promise<unknown> {
    await this.#whenKnown(options)
    const reply = await this.#toPlacement({ kind: 'operate', request }, options, isQuestion(request))
    assert(reply.kind === 'operate', `operate was answered with ${reply.kind}`)
    const { answer } = reply
    if (!answer.ok) throw new FlotillaError(answer.error)
    return answer.document
  }

  async transferLeader(shard: ShardId, store: StoreId, options: CallOptions = {}): Promise<void> {
    const map = await this.map(options)
    const reply = await new Promise<Reply>((resolve, reject) => {
      const target = {
        shard: () =>
          shard === PLACEMENT_SHARD ? map.placement : this.#context.view.map.shards.find((known) => known.id === shard),
        request: (known: Shard): Request => ({ kind: 'transfer-leader', shard: known.id, store }),
        isRead: true,
        anyReplica: false,
      }
      if (target.shard() === undefined) {
        reject(
          new FlotillaError({
            code: 'SHARD_NOT_FOUND',
            message: `there is no shard ${shard}`,
            outcome: 'none',
            retryable: false,
            shard,
          }),
        )
        return
      }
      new RoutedCall(this.#context, target, options, resolve, reject).start()
    })
    assert(reply.kind === 'done', `transfer-leader was answered with ${reply.kind}`)
    this.#context.view.learnLeader(shard, store)
  }

  #toPlacement(request: Request, options: CallOptions, isRead = true): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const target = {
        shard: () => this.#context.view.map.placement,
        request: () => request,
        isRead,
        anyReplica: false,
      }
      new RoutedCall(this.#context, target, options, resolve, reject).start()
    })
  }

  #whenKnown({ timeoutMs }: CallOptions): Promise<void> {
    return this.#context.refresher.whenKnown(timeoutMs)
  }

  #ask(store: StoreId, request: Request, timeoutMs = DESCRIBE_TIMEOUT_MS): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#context.channel.request(store, request, Math.min(timeoutMs, LIMITS.requestTimeoutMsMax), (reply) => {
        if (typeof reply === 'string') {
          reject(
            new FlotillaError({
              code: 'UNAVAILABLE',
              message: `store ${store} does not answer`,
              outcome: 'none',
              retryable: true,
              hint: 'see whether its process runs and reaches NATS',
            }),
          )
        } else if (reply.kind === 'error') reject(new FlotillaError(reply.error))
        else resolve(reply)
      })
    })
  }
}

/** No shard has this id: asks for the store alone. */
const NO_SHARD = 0

/** Whether asking twice does no more than asking once. */
function isQuestion(request: OperateRequest): boolean {
  switch (request.what) {
    case 'list-operators':
    case 'show-operator':
    case 'list-schedulers':
    case 'explain-shard':
    case 'explain-store':
    case 'hot':
    case 'heat-map':
    case 'show-settings':
    case 'settings-history':
    case 'label-store':
    case 'pause-scheduler':
    case 'configure':
      return true
    case 'start':
    case 'drain':
    case 'decommission':
    case 'recommission':
    case 'rebalance':
    case 'snapshot':
    case 'compact':
      return request.dryRun
    case 'cancel-operator':
    case 'register-store':
    case 'forget-store':
      return false
    default:
      return unreachable(request)
  }
}

function undescribed(shard: Shard): ShardDescription {
  return {
    shard,
    leader: undefined,
    term: 0,
    commitIndex: 0,
    appliedIndex: 0,
    replicas: shard.replicas.map((replica) => ({
      store: replica.store,
      role: replica.role === 'learner' ? 'learner' : 'voter',
      matchIndex: null,
      state: null,
    })),
    bytes: 0,
    keys: 0,
    load: { readsPerSecond: 0, writesPerSecond: 0 },
    merging: undefined,
    absorbed: [],
  }
}
