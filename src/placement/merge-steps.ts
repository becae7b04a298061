import {
  compareEpochs,
  type Epoch,
  epochToText,
  type OperatorStep,
  type PlannedOperator,
  type Shard,
  type ShardId,
} from '../../shard-map/index.ts'
import { assert, present } from '../base/index.ts'
import type { Reply, Request, ShardDescription } from '../protocol/index.ts'

/**
 * The steps of a merge as the placement driver takes them: what to ask next, and what an answer means. Each attempt begins with what the leaders of both
 * shards say now and remembers nothing of attempts before it, so that it does not matter who made those, which of them are still under way, and which
 * answers were lost. Pure; `executor.ts` sends the requests. Why this is safe is told in `src/store/merge-requests.ts`; in short:
 *
 * 1. `prepare-merge` stops the right shard and binds it to the left one's present epoch.
 * 2. `commit-merge` asks the left shard first whether it has the right one already: then nothing is left to do, whoever did it.
 * 3. `rollback-merge` asks the same first. Then it makes sure that the left shard never will (the fence), and only then does the right one serve again.
 *    A right shard that is not stopped may still be stopped by a request under way; it is given another range epoch, for which that request is void.
 */
export type MergeStep = OperatorStep & { readonly what: 'prepare-merge' | 'commit-merge' | 'rollback-merge' }

export type MergeMove =
  /** To the leader of `shard`. */
  { readonly kind: 'ask'; readonly shard: ShardId; readonly request: Request } | MergeOutcome

/** How an attempt ended. */
export type MergeOutcome =
  /** `shards` as their leaders have them now; `reached` is the epoch of the step's shard, where it still has one. */
  | { readonly kind: 'done'; readonly shards: readonly Shard[]; readonly reached: Epoch | undefined }
  /** The way back is void: the left shard has taken in the right one. */
  | { readonly kind: 'merged'; readonly shards: readonly Shard[] }
  /** From the beginning, after a while. */
  | { readonly kind: 'again'; readonly reason: string }
  | { readonly kind: 'fail'; readonly reason: string }

/** What the placement driver knows. */
export interface MergeView {
  readonly shard: (id: ShardId) => Shard | undefined
  /** The shard that has the key. */
  readonly owner: (key: string) => Shard | undefined
  /** As earlier steps left it; a leader that has not applied as much does not know it yet. */
  readonly reached: (id: ShardId) => Epoch | undefined
}

export function isMergeStep(step: OperatorStep): step is MergeStep {
  return step.what === 'prepare-merge' || step.what === 'commit-merge' || step.what === 'rollback-merge'
}

export class MergeAttempt {
  readonly #step: MergeStep
  readonly #plan: PlannedOperator
  readonly #view: MergeView
  /** As their leaders describe them, once they have been asked. */
  #left: ShardDescription | undefined
  #right: ShardDescription | undefined
  /** Whoever has the left shard's keys now, after the epoch for which the right one was stopped has ended. */
  #fenced: Shard | undefined

  constructor(step: MergeStep, plan: PlannedOperator, view: MergeView) {
    this.#step = step
    this.#plan = plan
    this.#view = view
  }

  next(): MergeMove {
    switch (this.#step.what) {
      case 'prepare-merge':
        return this.#prepare()
      case 'commit-merge':
        return this.#commit()
      case 'rollback-merge':
        return this.#rollBack()
    }
  }

  /** Undefined: go on with `next`. */
  heard(request: Request, reply: Reply | undefined): MergeOutcome | undefined {
    if (reply === undefined) return again('a leader that was asked does not answer')
    if (reply.kind === 'error') return this.#refused(request, reply)
    if (request.kind === 'describe') {
      const [id] = request.shards
      const description = reply.kind === 'describe' ? reply.shards.find(({ shard }) => shard.id === id) : undefined
      if (description === undefined) return again(`nobody leads shard ${id} where its leader was`)
      const { epoch } = description.shard
      const reached = this.#view.reached(description.shard.id) ?? this.#planned(description.shard.id)
      if (epoch.range < reached.range || epoch.membership < reached.membership)
        return again(`the leader of shard ${id} has not applied epoch ${epochToText(reached)} yet`)
      if (id === this.#step.into) this.#left = description
      else this.#right = description
      return undefined
    }
    assert(reply.kind === 'shards', `${request.kind} was answered with ${reply.kind}`)
    const { shards } = reply
    if (request.kind === 'fence-merge') {
      if (request.shard === this.#step.shard) return again(`shard ${request.shard} has got another range epoch`)
      this.#fenced = shards[0]
      return undefined
    }
    const reached =
      request.kind === 'commit-merge' ? undefined : shards.find(({ id }) => id === this.#step.shard)?.epoch
    return { kind: 'done', shards: this.#fenced === undefined ? shards : [...shards, this.#fenced], reached }
  }

  #refused(request: Request, { error }: Reply & { kind: 'error' }): MergeOutcome {
    const isFinal = error.code === 'INVALID_ARGUMENT' && this.#step.what !== 'rollback-merge'
    return isFinal && request.kind !== 'describe' ? fail(error.message) : again(error.message)
  }

  #prepare(): MergeMove {
    const { shard: id, into } = this.#step
    const right = this.#right
    // A shard that somebody else has merged away has nobody who could answer, so there is nothing to wait for.
    if (right === undefined) return this.#view.shard(id) === undefined ? gone(id) : describe(id)
    if (right.merging?.id === into) return { kind: 'done', shards: [right.shard], reached: right.shard.epoch }
    if (right.merging !== undefined) return fail(`shard ${id} is being merged into shard ${right.merging.id}`)
    const left = this.#left
    if (left === undefined) return this.#view.shard(into) === undefined ? gone(into) : describe(into)
    if (left.merging !== undefined) return fail(`shard ${into} is being merged into shard ${left.merging.id}`)
    for (const { shard } of [left, right]) {
      if (shard.epoch.range !== this.#planned(shard.id).range)
        return fail(`the range of shard ${shard.id} has changed since this was planned`)
    }
    return ask(id, { kind: 'prepare-merge', shard: id, epoch: right.shard.epoch, target: left.shard })
  }

  #commit(): MergeMove {
    const { shard: id, into } = this.#step
    const left = this.#left
    if (left === undefined) return this.#view.shard(into) === undefined ? gone(into) : describe(into)
    if (left.absorbed.includes(id)) return { kind: 'done', shards: [left.shard], reached: undefined }
    const right = this.#right
    if (right === undefined) return describe(id)
    if (right.merging?.id !== into) return fail(`shard ${id} serves again`)
    if (compareEpochs(right.merging.epoch, left.shard.epoch) !== 'same')
      return fail(`shard ${into} has changed since shard ${id} was stopped for it`)
    return ask(into, { kind: 'commit-merge', shard: into, epoch: left.shard.epoch, source: right.shard })
  }

  #rollBack(): MergeMove {
    const { shard: id, into } = this.#step
    const left = this.#left
    if (left === undefined && this.#view.shard(into) !== undefined) return describe(into)
    if (left?.absorbed.includes(id) === true) return { kind: 'merged', shards: [left.shard] }
    const right = this.#right
    // Somebody else has its keys at a higher epoch: there is nothing that could serve again.
    if (right === undefined && this.#view.shard(id) === undefined)
      return { kind: 'done', shards: [], reached: undefined }
    if (right === undefined) return describe(id)
    const { shard, merging } = right
    if (merging?.id !== into) {
      // Whoever stopped it for another shard has given it another range epoch by that, and must release it.
      if (merging !== undefined || shard.epoch.range > this.#planned(id).range)
        return { kind: 'done', shards: [shard], reached: shard.epoch }
      return ask(id, { kind: 'fence-merge', shard: id, epoch: shard.epoch, source: id })
    }
    if (this.#fenced === undefined) {
      const heir = left === undefined ? this.#view.owner(merging.start) : merging
      if (heir === undefined) return again(`nobody is known who has the keys of shard ${into}`)
      return ask(heir.id, { kind: 'fence-merge', shard: heir.id, epoch: heir.epoch, source: id })
    }
    return ask(id, { kind: 'rollback-merge', shard: id, epoch: shard.epoch, target: this.#fenced })
  }

  #planned(id: ShardId): Epoch {
    const { shard, epoch, other } = this.#plan
    return id === shard ? epoch : present(other, 'the second shard of a merge').epoch
  }
}

function describe(shard: ShardId): MergeMove {
  return ask(shard, { kind: 'describe', shards: [shard] })
}

function ask(shard: ShardId, request: Request): MergeMove {
  return { kind: 'ask', shard, request }
}

function again(reason: string): MergeOutcome {
  return { kind: 'again', reason }
}

function fail(reason: string): MergeOutcome {
  return { kind: 'fail', reason }
}

function gone(shard: ShardId): MergeOutcome {
  return fail(`there is no shard ${shard} any more`)
}
