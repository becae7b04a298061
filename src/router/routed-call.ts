import type { Shard, StoreId } from '../../shard-map/index.ts'
import { type Clock, LIMITS, type TraceContext, type Tracer } from '../base/index.ts'
import { type ErrorValue, FlotillaError, type Reply, type Request } from '../protocol/index.ts'
import type { RequestFailure } from '../transport/index.ts'
import type { Channel } from './channel.ts'
import type { ClusterView } from './cluster-view.ts'
import type { MapRefresher } from './map-refresher.ts'
import { requestTraced } from './traced-request.ts'
import type { CallOptions, RouterStats } from './types.ts'

/**
 * One request on its way to the store that can serve it: found by the map, corrected by the answers, retried while that is safe and
 * the deadline allows. "Safe" means that the previous attempt certainly did nothing, or that the request changes nothing.
 */

/** Waiting for an election longer than this is not worth it: the caller learns that the shard has no leader. */
const LEADERLESS_PATIENCE_MS = 5_000
const BACKOFF_MS_MIN = 10
const BACKOFF_MS_MAX = 200
/** A read that gets no answer from one store asks another one after this long. */
const READ_ATTEMPT_MS = 2_000

export interface RoutingContext {
  readonly clock: Clock
  readonly view: ClusterView
  readonly channel: Channel
  readonly refresher: MapRefresher
  readonly stats: RouterStats
  readonly tracer: Tracer
}

export interface CallTarget {
  /** The shard as the view has it now, undefined while no map is known. */
  shard(): Shard | undefined
  /** The request, or why there can be none for this shard: then the call fails with that. */
  request(shard: Shard): Request | FlotillaError
  /** Whether repeating it can do no harm even if it was served before. */
  readonly isRead: boolean
  /** Any replica will do. */
  readonly anyReplica: boolean
}

export class RoutedCall {
  readonly #context: RoutingContext
  readonly #target: CallTarget
  readonly #done: (answer: Reply, shard: Shard, store: StoreId) => void
  readonly #failed: (error: FlotillaError) => void
  readonly #deadlineMs: number
  readonly #signal: AbortSignal | undefined
  readonly #trace: TraceContext | undefined
  readonly startedMs: number
  #attempts = 0
  #leaderlessSinceMs: number | undefined
  #lastError: ErrorValue | undefined
  /** The leader that the last answer named. */
  #cure: StoreId | undefined
  #over = false
  #sentMs = 0

  constructor(
    context: RoutingContext,
    target: CallTarget,
    options: CallOptions,
    done: (answer: Reply, shard: Shard, store: StoreId) => void,
    failed: (error: FlotillaError) => void,
  ) {
    this.#context = context
    this.#target = target
    this.#done = done
    this.#failed = failed
    context.stats.calls++
    this.startedMs = context.clock.nowMs()
    this.#deadlineMs =
      this.startedMs + Math.min(options.timeoutMs ?? LIMITS.requestTimeoutMsDefault, LIMITS.requestTimeoutMsMax)
    this.#signal = options.signal
    this.#trace = options.trace
    if (options.signal !== undefined) options.signal.addEventListener('abort', this.#abort)
  }

  /** When the attempt that was answered left this router, on its clock. */
  get sentMs(): number {
    return this.#sentMs
  }

  start(): void {
    if (this.#signal?.aborted === true) this.#abort()
    else this.#attempt()
  }

  readonly #abort = (): void => {
    const outcome = this.#target.isRead || this.#attempts === 0 ? 'none' : 'unknown'
    this.#fail({ code: 'ABORTED', message: 'the caller gave the request up', outcome, retryable: outcome === 'none' })
  }

  #attempt(): void {
    if (this.#over) return
    const { clock, view, channel } = this.#context
    const nowMs = clock.nowMs()
    const remainingMs = this.#deadlineMs - nowMs
    if (remainingMs <= 0) {
      this.#timeOut()
      return
    }
    const shard = this.#target.shard()
    if (shard === undefined) {
      this.#refresh()
      return
    }
    const request = this.#target.request(shard)
    if (request instanceof FlotillaError) {
      this.#fail(request)
      return
    }
    const store = this.#choose(shard)
    this.#attempts++
    this.#context.stats.attempts++
    this.#sentMs = nowMs
    const timeoutMs = this.#target.isRead ? Math.min(remainingMs, READ_ATTEMPT_MS) : remainingMs
    const trace = this.#trace
    if (trace === undefined)
      channel.request(store, request, timeoutMs, (reply) => this.#answered(reply, shard, store, view))
    else
      requestTraced(this.#context, { store, request, timeoutMs, trace, attempt: this.#attempts }, (reply) =>
        this.#answered(reply, shard, store, view),
      )
  }

  #choose(shard: Shard): StoreId {
    const { view, channel } = this.#context
    const stores = view.storesOf(shard)
    if (this.#target.anyReplica) {
      if (this.#attempts === 0 && channel.localId !== undefined && stores.includes(channel.localId))
        return channel.localId
      return this.#oneOf(stores)
    }
    const cure = this.#cure
    this.#cure = undefined
    if (cure !== undefined && !channel.isAbsent(cure)) return cure
    const local = channel.whomToAsk(shard.id)
    if (local !== undefined) return local
    const known = view.leaderOf(shard.id)
    return known !== undefined && !channel.isAbsent(known) ? known : this.#oneOf(stores)
  }

  /** Another one at each attempt, those last that are absent. */
  #oneOf(stores: readonly StoreId[]): StoreId {
    const { channel } = this.#context
    const answering = stores.filter((store) => !channel.isAbsent(store))
    const choice = answering.length > 0 ? answering : stores
    return choice[this.#attempts % choice.length] ?? channel.anyStore
  }

  #answered(reply: Reply | RequestFailure, shard: Shard, store: StoreId, view: ClusterView): void {
    if (this.#over) return
    if (typeof reply === 'string') {
      this.#unanswered(reply, shard, store)
      return
    }
    if (reply.kind !== 'error') {
      if (reply.kind === 'write' && reply.result.kind === 'stale-epoch') {
        // The shard changed between routing and applying; nothing happened. The store knows the new map before we do.
        this.#refresh()
        return
      }
      this.#over = true
      this.#signal?.removeEventListener('abort', this.#abort)
      if (!this.#target.anyReplica) view.learnLeader(shard.id, store)
      this.#done(reply, shard, store)
      return
    }
    this.#refused(reply.error, shard, store)
  }

  #unanswered(failure: RequestFailure, shard: Shard, store: StoreId): void {
    const { view } = this.#context
    if (failure === 'closed') {
      // A write that was under way when this side closed may have reached its store; nobody will hear.
      const outcome = this.#target.isRead ? 'none' : 'unknown'
      this.#fail({ code: 'CLOSED', message: 'the client is closed', outcome, retryable: false })
      return
    }
    if (view.leaderOf(shard.id) === store) view.learnLeader(shard.id, undefined)
    if (failure === 'no-answer' && !this.#target.isRead) {
      this.#fail({
        code: 'TIMEOUT',
        message: `store ${store} took the write and did not answer; it may have been applied`,
        outcome: 'unknown',
        retryable: false,
        shard: shard.id,
        hint: 'read the key to learn whether it was',
      })
      return
    }
    this.#lastError = {
      code: 'NO_LEADER',
      message: `store ${store} does not answer`,
      outcome: 'none',
      retryable: true,
      shard: shard.id,
      hint: 'see `flotilla status`',
    }
    this.#retry()
  }

  #refused(error: ErrorValue, shard: Shard, store: StoreId): void {
    const { view, clock } = this.#context
    this.#lastError = error
    switch (error.code) {
      case 'NOT_LEADER': {
        const known = error.leader
        if (known !== undefined && known !== store) {
          view.learnLeader(shard.id, known)
          this.#cure = known
          this.#leaderlessSinceMs = undefined
          // Two stores may point at each other for a moment after an election; do not spin on that.
          if (this.#attempts < 3) this.#attempt()
          else this.#later()
          return
        }
        view.learnLeader(shard.id, undefined)
        this.#leaderlessSinceMs ??= clock.nowMs()
        this.#retry()
        return
      }
      case 'STALE_EPOCH':
        view.learnShards(error.shards ?? [])
        if (this.#attempts < 3) this.#attempt()
        else this.#refresh()
        return
      case 'SHARD_NOT_FOUND':
        if (view.leaderOf(shard.id) === store) view.learnLeader(shard.id, undefined)
        // A store that saw the shard being merged knows the one that has its keys now.
        view.learnShards(error.shards ?? [])
        this.#refresh()
        return
      case 'NOT_READY':
      case 'DRAINING':
        if (error.outcome === 'unknown' && !this.#target.isRead) {
          this.#fail(error)
          return
        }
        if (view.leaderOf(shard.id) === store) view.learnLeader(shard.id, undefined)
        this.#leaderlessSinceMs ??= clock.nowMs()
        this.#retry()
        return
      default:
        this.#fail(error)
    }
  }

  #retry(): void {
    const { clock } = this.#context
    if (this.#leaderlessSinceMs !== undefined && clock.nowMs() - this.#leaderlessSinceMs > LEADERLESS_PATIENCE_MS) {
      this.#giveUp()
      return
    }
    this.#later()
  }

  /** Goes on with the map that the next refresh brings, or without it when there is no time to wait for it. */
  #refresh(): void {
    const { clock, refresher } = this.#context
    refresher.refresh(this.#deadlineMs - clock.nowMs(), () => this.#later())
  }

  #later(): void {
    const { clock } = this.#context
    const delayMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(this.#attempts, 5))
    if (clock.nowMs() + delayMs >= this.#deadlineMs) {
      this.#timeOut()
      return
    }
    clock.after(delayMs, () => this.#attempt())
  }

  #timeOut(): void {
    const error = this.#lastError
    if (error !== undefined && (error.code === 'NOT_LEADER' || error.code === 'NO_LEADER')) {
      this.#giveUp()
      return
    }
    // What only a router can cure means nothing to the caller.
    const isCurable = error?.code === 'STALE_EPOCH' || error?.code === 'SHARD_NOT_FOUND'
    this.#fail(
      error !== undefined && !isCurable
        ? error
        : {
            code: 'TIMEOUT',
            message: 'no store answered in time',
            outcome: 'none',
            retryable: true,
            hint: 'see whether the stores and their NATS servers are up: `flotilla status`',
          },
    )
  }

  #giveUp(): void {
    const shard = this.#target.shard()?.id
    this.#fail({
      code: 'NO_LEADER',
      message:
        shard === undefined
          ? 'no leader answered'
          : `shard ${shard} has no leader: ${this.#lastError?.message ?? 'no store answered'}`,
      outcome: 'none',
      retryable: true,
      ...(shard === undefined ? {} : { shard }),
      hint: 'most of its replicas must be running; `flotilla status` lists what is missing',
    })
  }

  #fail(error: ErrorValue | FlotillaError): void {
    if (this.#over) return
    this.#over = true
    this.#context.stats.failures++
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#failed(error instanceof FlotillaError ? error : new FlotillaError(error))
  }
}
