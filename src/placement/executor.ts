import {
  type Epoch,
  isStoreOperator,
  type OperatorStep,
  type Shard,
  type ShardId,
  type StoreId,
  type StoreStep,
  undoSteps,
} from '../../shard-map/index.ts'
import { assert, type Clock, type EventSink, present, type Timer, unreachable } from '../base/index.ts'
import type { OperatorEnd, OperatorRecord, PlacementResult } from '../machine/index.ts'
import type { ErrorValue, Reply, Request } from '../protocol/index.ts'
import { awaitedBy } from './awaited-stores.ts'
import { operatorSubject } from './documents.ts'
import type { LeaderCalls } from './leader-calls.ts'
import { isMergeStep, MergeAttempt, type MergeOutcome, type MergeStep } from './merge-steps.ts'
import { askedEpoch, judgeRefusal, reachedOf } from './step-refusals.ts'
import { caughtUp, newerEpoch, requestOf, timeoutMs } from './step-requests.ts'
import { type StoreStepContext, storeStepLimitMs, tryStoreStep } from './store-steps.ts'

/**
 * Carries operators out, on the store that leads group 1 and nowhere else. Each step is a request to the shard's leader that may be repeated: what is
 * done already is answered as done. A step counts as done when group 1 has noted it, and only then the next begins; so a new leader goes on
 * where the old one stopped, and an old one that does not know yet that it was deposed cannot get ahead by more than the request under way.
 */
export interface ExecutorContext extends StoreStepContext {
  readonly clock: Clock
  readonly events: EventSink
  readonly calls: LeaderCalls
  readonly running: () => ReadonlyMap<number, OperatorRecord>
  /** As the map has it. */
  readonly shard: (id: ShardId) => Shard | undefined
  /** The shard that has the key. */
  readonly owner: (key: string) => Shard | undefined
  /** Whether nothing was heard of the store for so long, or the shard's leader has heard nothing of the replica there for long enough. */
  readonly isSilent: (store: StoreId, shard: ShardId, silentMsMax: number) => boolean
  readonly downAfterMs: () => number
  /** Voters that each shard should have. */
  readonly replicas: () => number
  /** Shards as their leaders say they are now. */
  readonly learned: (shards: readonly Shard[]) => void
  readonly ended: (operator: OperatorRecord) => void
}

const REQUEST_TIMEOUT_MS = 5_000
/** While shards merge one of them serves nobody, so a lost answer is not waited for as long. */
const MERGE_REQUEST_TIMEOUT_MS = 2_000
const RETRY_MS = 200

/** One step of one operator, for as long as this leader drives it. */
interface Run {
  readonly place: number
  readonly startedMs: number
  isBusy: boolean
  notBeforeMs: number
  /** What the leader of the shard said last. */
  shard: Shard | undefined
  middle: string | undefined
  merge: MergeAttempt | undefined
  /** Why the last attempt did not do it. */
  hindrance: string | undefined
}

export class OperatorExecutor {
  readonly #context: ExecutorContext
  readonly #runs = new Map<number, Run>()
  #timer: Timer | undefined

  constructor(context: ExecutorContext) {
    this.#context = context
  }

  /** Leadership of group 1 has changed: whatever is under way is nobody's any more. */
  reset(): void {
    this.#runs.clear()
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** What hinders the present step, in words; undefined when nothing is known. */
  hindrance(id: number): string | undefined {
    return this.#runs.get(id)?.hindrance
  }

  /** Looks at every running operator. Called when something may have changed, and now and then. */
  tick(): void {
    const running = this.#context.running()
    for (const id of [...this.#runs.keys()]) if (!running.has(id)) this.#runs.delete(id)
    for (const operator of [...running.values()]) this.#drive(operator)
  }

  /** Operators that group 1 has just taken in. */
  begin(operators: readonly OperatorRecord[]): void {
    for (const { id, plan } of operators) {
      const { kind, reason } = plan
      const subject = operatorSubject(plan)
      this.#context.events.emit({ type: 'operator_started', ...subject, data: { operator: id, kind, reason } })
    }
    this.tick()
  }

  /** Ends the operator before it has finished: from now on it only takes back what it did. */
  unwind(operator: OperatorRecord, outcome: OperatorEnd, reason: string, done?: Done): void {
    const { plan } = operator
    const begun = operator.steps.filter(({ state }) => state !== 'waiting').length
    const steps = operator.unwinding === undefined && !isStoreOperator(plan) ? undoSteps(plan, begun) : []
    const atMs = this.#wallMs()
    const command = { kind: 'unwind-operator', id: operator.id, outcome, reason, steps, atMs } as const
    this.#context.propose(command, (result) => {
      if (result?.kind === 'operator') this.#noted(result.operator)
      done?.(result)
    })
  }

  #drive(operator: OperatorRecord): void {
    const place = operator.steps.findIndex(({ state }) => state === 'running')
    assert(place >= 0, `operator ${operator.id} runs without a step`)
    const { step } = present(operator.steps[place], 'the running step')
    const nowMs = this.#context.clock.nowMs()
    let run = this.#runs.get(operator.id)
    if (run === undefined || run.place !== place) {
      run = {
        place,
        startedMs: nowMs,
        isBusy: false,
        notBeforeMs: 0,
        shard: run?.shard,
        middle: undefined,
        merge: undefined,
        hindrance: undefined,
      }
      this.#runs.set(operator.id, run)
    }
    if (run.isBusy) return
    if (nowMs < run.notBeforeMs) {
      this.#wakeIn(run.notBeforeMs - nowMs)
      return
    }
    const limitMs = 'shard' in step ? timeoutMs(step) : storeStepLimitMs(step)
    if (nowMs - run.startedMs > limitMs) {
      const why = run.hindrance === undefined ? '' : `: ${run.hindrance}`
      run.isBusy = true
      this.unwind(operator, 'failed', `it took longer than ${limitMs / 1000} s${why}`, () => this.#later(operator, run))
      return
    }
    if (!('shard' in step)) {
      this.#storeStep(operator, run, step)
      return
    }
    const lost = operator.unwinding === undefined ? this.#lostStore(step) : undefined
    if (lost !== undefined) this.#fail(operator, run, lost)
    else if (isMergeStep(step)) this.#mergeStep(operator, run, step)
    else this.#shardStep(operator, run, step)
  }

  /** Who does not answer any more without whom the step cannot be done, in words. */
  #lostStore(step: OperatorStep): string | undefined {
    const awaited = awaitedBy(step)
    if (awaited === undefined) return undefined
    const silentMsMax = Math.min(awaited.silentMsMax, this.#context.downAfterMs())
    const lost = awaited.stores.find((store) => this.#context.isSilent(store, step.shard, silentMsMax))
    return lost === undefined ? undefined : `store ${lost} has been silent for ${silentMsMax / 1000} s`
  }

  #shardStep(operator: OperatorRecord, run: Run, step: Exclude<OperatorStep, MergeStep>): void {
    const { calls } = this.#context
    const shard = this.#newest(run, step.shard)
    if (shard === undefined) {
      this.#fail(operator, run, `there is no shard ${step.shard} any more`)
      return
    }
    const epoch = askedEpoch(operator, step, shard.epoch)
    const asked = requestOf(step, {
      shard,
      epoch,
      // Repair takes a damaged replica away before another can be added in its place.
      replicas: isRepair(operator) ? 1 : this.#context.replicas(),
      freshIds: operator.freshIds,
      middle: run.middle,
    })
    if (asked.kind === 'impossible') {
      this.#fail(operator, run, asked.reason)
      return
    }
    run.isBusy = true
    const { request } = asked
    const stores = shard.replicas.map(({ store }) => store)
    calls.ask(step.shard, stores, request, REQUEST_TIMEOUT_MS, (reply) => {
      if (this.#runs.get(operator.id) !== run) return
      run.isBusy = false
      this.#answered(operator, run, step, request, reply)
    })
  }

  #answered(operator: OperatorRecord, run: Run, step: OperatorStep, request: Request, reply: Reply | undefined): void {
    if (reply === undefined) {
      this.#again(operator, run, `the leader of shard ${step.shard} does not answer`)
      return
    }
    switch (reply.kind) {
      case 'error':
        this.#refused(operator, run, step, reply.error)
        return
      case 'done':
        this.#advance(operator, run, undefined)
        return
      case 'describe': {
        const verdict = step.what === 'wait-caught-up' ? caughtUp(reply, step.shard, step.store) : true
        if (verdict === true) this.#advance(operator, run, undefined)
        else this.#again(operator, run, verdict)
        return
      }
      case 'middle':
        if (reply.key === undefined) this.#fail(operator, run, `shard ${step.shard} has no key to be cut at`)
        else {
          run.middle = reply.key
          this.#drive(operator)
        }
        return
      case 'shards': {
        this.#context.learned(reply.shards)
        const shard = reply.shards.find(({ id }) => id === step.shard)
        run.shard = shard ?? run.shard
        this.#advance(operator, run, shard?.epoch)
        return
      }
      default:
        // Whoever answers something else is of another version; a person decides what to do about that.
        this.#fail(operator, run, `${request.kind} was answered with ${reply.kind}`)
    }
  }

  #refused(operator: OperatorRecord, run: Run, step: OperatorStep, error: ErrorValue): void {
    this.#context.learned(error.shards ?? [])
    const verdict = judgeRefusal(operator, step, error)
    switch (verdict.kind) {
      case 'done':
        this.#advance(operator, run, undefined)
        return
      case 'again':
        run.shard = verdict.shard ?? run.shard
        this.#again(operator, run, error.message)
        return
      case 'fail':
        this.#fail(operator, run, verdict.reason)
        return
      default:
        unreachable(verdict)
    }
  }

  #mergeStep(operator: OperatorRecord, run: Run, step: MergeStep): void {
    const { shard, owner, calls } = this.#context
    const { plan } = operator
    assert(!isStoreOperator(plan), 'an operator of a store merges nothing')
    const reached = (id: ShardId) => reachedOf(operator, id)
    run.merge ??= new MergeAttempt(step, plan, { shard, owner, reached })
    const attempt = run.merge
    const move = attempt.next()
    if (move.kind !== 'ask') {
      this.#mergeMoved(operator, run, move)
      return
    }
    run.isBusy = true
    // The right shard may be gone from the map while its last replicas are not; they are where the left one is.
    const { replicas } = shard(move.shard) ?? shard(step.into) ?? { replicas: [] }
    const stores = replicas.map(({ store }) => store)
    calls.ask(move.shard, stores, move.request, MERGE_REQUEST_TIMEOUT_MS, (reply) => {
      if (this.#runs.get(operator.id) !== run) return
      run.isBusy = false
      const next = attempt.heard(move.request, reply)
      if (next === undefined) this.#mergeStep(operator, run, step)
      else this.#mergeMoved(operator, run, next)
    })
  }

  #mergeMoved(operator: OperatorRecord, run: Run, move: MergeOutcome): void {
    run.merge = undefined
    switch (move.kind) {
      case 'again':
        this.#again(operator, run, move.reason)
        return
      case 'fail':
        this.#fail(operator, run, move.reason)
        return
      case 'done':
        this.#context.learned(move.shards)
        this.#advance(operator, run, move.reached)
        return
      case 'merged':
        this.#context.learned(move.shards)
        run.isBusy = true
        this.unwind(operator, 'finished', 'the shards had been merged already', () => this.#later(operator, run))
        return
      default:
        unreachable(move)
    }
  }

  #storeStep(operator: OperatorRecord, run: Run, step: StoreStep): void {
    run.isBusy = true
    tryStoreStep(step, this.#context, (verdict) => {
      if (this.#runs.get(operator.id) !== run) return
      run.isBusy = false
      if (verdict.kind === 'done') this.#advance(operator, run, undefined)
      else this.#again(operator, run, verdict.reason)
    })
  }

  #advance(operator: OperatorRecord, run: Run, reached: Epoch | undefined): void {
    run.isBusy = true
    const { id } = operator
    const command = { kind: 'advance-operator', id, step: run.place, reached, atMs: this.#wallMs() } as const
    this.#context.propose(command, (result) => {
      if (result?.kind === 'operator') this.#noted(result.operator)
      if (this.#runs.get(id) !== run) return
      // Also when somebody has cancelled it meanwhile: the next look sees what is to be done now.
      this.#later(operator, run)
    })
  }

  /** Group 1 has noted that the operator has gone on. */
  #noted(operator: OperatorRecord): void {
    const { id, plan, state, error } = operator
    if (state === 'running') {
      const run = this.#runs.get(id)
      if (run !== undefined) run.isBusy = false
      this.#drive(operator)
      return
    }
    this.#runs.delete(id)
    const subject = operatorSubject(plan)
    this.#context.events.emit({
      type: 'operator_finished',
      ...(state === 'failed' ? { level: 'warn' } : {}),
      ...subject,
      data: { operator: id, kind: plan.kind, state, reason: plan.reason, ...(error === undefined ? {} : { error }) },
    })
    this.#context.ended(operator)
  }

  #fail(operator: OperatorRecord, run: Run, reason: string): void {
    run.isBusy = true
    this.unwind(operator, 'failed', reason, () => this.#later(operator, run))
  }

  #again(operator: OperatorRecord, run: Run, hindrance: string): void {
    run.hindrance = hindrance
    this.#later(operator, run)
  }

  #later(operator: OperatorRecord, run: Run): void {
    if (this.#runs.get(operator.id) !== run) return
    run.isBusy = false
    run.notBeforeMs = this.#context.clock.nowMs() + RETRY_MS
    this.#wakeIn(RETRY_MS)
  }

  #wakeIn(delayMs: number): void {
    this.#timer ??= this.#context.clock.after(delayMs + 1, () => {
      this.#timer = undefined
      this.tick()
    })
  }

  /** What the leader said last, unless the map knows better. */
  #newest(run: Run, id: ShardId): Shard | undefined {
    const mapped = this.#context.shard(id)
    const heard = run.shard?.id === id ? run.shard : undefined
    if (mapped === undefined || heard === undefined) return mapped ?? heard
    return newerEpoch(mapped.epoch, heard.epoch) === heard.epoch ? heard : mapped
  }

  #wallMs(): number {
    return Math.max(0, Math.floor(this.#context.clock.wallMs()))
  }
}

type Done = (result: PlacementResult | undefined) => void

function isRepair({ plan }: OperatorRecord): boolean {
  return !isStoreOperator(plan) && plan.kind === 'remove-replica' && plan.scheduler === 'repair'
}
