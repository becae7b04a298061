/**
 * Changes shards of a simulated cluster as a placement driver does that may stop in the middle of anything: asks the leaders for one step after the
 * other, asks again when an answer is lost, and gives up when it takes too long or faults end. Several changes go on at once, also of the same shard.
 */
import { type Key, PLACEMENT_SHARD, type Shard } from '../../shard-map/index.ts'
import type { MembershipStep, Reply, Request } from '../protocol/index.ts'
import type { Replica } from '../store/index.ts'
import type { SimulatedStore } from './simulated-store.ts'
import type { World } from './world.ts'

type ShardChange = Extract<Request, { readonly epoch: Shard['epoch'] }>

const ASK_TIMEOUT_MS = 1_500
/** After this the process is taken for dead or asleep. */
const ASK_PATIENCE_MS = 3_000
const PAUSE_MS_MAX = 400
/** So long one step is asked for again and again. */
const STEP_MS_MAX = 15_000

/** So long everything that was left in the middle is put in order. */
const SETTLE_MS_MAX = 60_000

interface Leader {
  readonly store: SimulatedStore
  readonly replica: Replica
}

export class ShardChanger {
  readonly #world: World
  #underWay = 0
  /** Shards that were stopped for a merge here, and not by the placement driver. */
  readonly #stopped = new Set<number>()
  #isStopped = false

  constructor(world: World) {
    this.#world = world
  }

  /** No step begins any more, and none is asked for again. */
  stop(): void {
    this.#isStopped = true
  }

  /** Once more, for what was left in the middle: no shard is to wait for a merge that nobody goes on with. */
  async settle(): Promise<void> {
    this.#isStopped = false
    const deadlineMs = this.#world.nowMs + SETTLE_MS_MAX
    do {
      for (const { source, target } of this.prepared()) this.rollBack(source, target)
      while (!this.isIdle && !this.#world.isOver) await this.#world.sleep(PAUSE_MS_MAX)
    } while (this.prepared().length > 0 && this.#world.nowMs < deadlineMs && !this.#world.isOver)
    this.#isStopped = true
  }

  get isIdle(): boolean {
    return this.#underWay === 0
  }

  /** Who leads the shard, as far as anybody can tell. */
  leader(shard: number): Leader | undefined {
    const leaders = this.#world.stores.flatMap((store) => {
      const replica = store.node?.store.replicas.get(shard)
      return replica?.isLeader === true && replica.isInitialised ? [{ store, replica }] : []
    })
    return leaders.sort((a, b) => b.replica.raft.term - a.replica.raft.term)[0]
  }

  /** Shards that have a leader, without the placement driver's. */
  shards(): Shard[] {
    return this.#world
      .shardIds()
      .filter((id) => id !== PLACEMENT_SHARD)
      .flatMap((id) => this.leader(id)?.replica.shard ?? [])
  }

  split(shard: Shard, keys: readonly Key[]): void {
    this.#begin(async () => {
      const cuts = []
      for (const key of keys) {
        const first = await this.#allocate(1 + shard.replicas.length)
        if (first === undefined) return
        cuts.push({ key, shard: first, replicas: shard.replicas.map((_, position) => first + 1 + position) })
      }
      const reply = await this.#insist({ kind: 'split', shard: shard.id, epoch: shard.epoch, cuts })
      if (reply?.kind === 'shards') this.#world.counts.add('shard-split')
    })
  }

  /** A new replica on `to` in the place of the one on `from`. */
  move({ id }: Shard, from: string, to: string, votersMin: number): void {
    this.#begin(async () => {
      const replica = await this.#allocate(1)
      if (replica === undefined) return
      const steps: readonly MembershipStep[] = [
        { kind: 'add-learner', store: to, replica },
        { kind: 'enter-joint', promote: [to], demote: [from], lagEntriesMax: 20, votersMin },
        { kind: 'leave-joint' },
        { kind: 'remove-learner', store: from },
      ]
      for (const step of steps) if (!(await this.#step(id, step))) return
      this.#world.counts.add('replica-moved')
    })
  }

  /** `givesUp`: the source is prepared and then released again. */
  merge(target: Shard, source: Shard, givesUp: boolean): void {
    this.#begin(async () => {
      const { id: shard, epoch } = source
      this.#stopped.add(shard)
      const reply = await this.#insist({ kind: 'prepare-merge', shard, epoch, target })
      const [prepared] = reply?.kind === 'shards' ? reply.shards : []
      if (prepared === undefined || givesUp) return
      const commit = await this.#insist({
        kind: 'commit-merge',
        shard: target.id,
        epoch: target.epoch,
        source: prepared,
      })
      if (commit?.kind === 'shards') this.#world.counts.add('shards-merged')
    })
  }

  /** Releases a shard that was prepared for a merge, unless that has happened. */
  rollBack(source: Shard, target: Shard): void {
    this.#begin(async () => {
      const heir = this.shards().find(
        ({ start, end }) => start <= target.start && (end === undefined || end > target.start),
      )
      const { id: shard, epoch } = this.leader(target.id) === undefined ? (heir ?? target) : target
      const reply = await this.#insist({ kind: 'fence-merge', shard, epoch, source: source.id })
      const [fenced] = reply?.kind === 'shards' ? reply.shards : []
      if (fenced === undefined) return
      const back = await this.#insist({ kind: 'rollback-merge', shard: source.id, epoch: source.epoch, target: fenced })
      if (back?.kind === 'shards') this.#world.counts.add('merge-rolled-back')
    })
  }

  /** Shards that were prepared for a merge and wait, with what they wait for. */
  prepared(): { readonly source: Shard; readonly target: Shard }[] {
    return this.shards().flatMap((source) => {
      const merging = this.leader(source.id)?.replica.merging
      return merging === undefined ? [] : [{ source, target: merging.target }]
    })
  }

  /** Shards that wait for a merge that nobody goes on with. */
  forgotten(): number[] {
    return this.prepared().flatMap(({ source }) => (this.#stopped.has(source.id) ? [] : [source.id]))
  }

  removeLearner({ id }: Shard, from: string): void {
    this.#begin(async () => {
      await this.#step(id, { kind: 'remove-learner', store: from })
    })
  }

  leaveJoint({ id }: Shard): void {
    this.#begin(async () => {
      await this.#step(id, { kind: 'leave-joint' })
    })
  }

  #begin(run: () => Promise<void>): void {
    this.#underWay++
    run().then(
      () => this.#underWay--,
      (error: unknown) => this.#world.onError(undefined, error),
    )
  }

  async #step(shard: number, step: MembershipStep): Promise<boolean> {
    const epoch = this.leader(shard)?.replica.shard.epoch
    if (epoch === undefined) return false
    return (await this.#insist({ kind: 'change-membership', shard, epoch, step }))?.kind === 'shards'
  }

  /** Asks whoever leads until there is an answer for good. */
  async #insist(request: ShardChange): Promise<Reply | undefined> {
    const world = this.#world
    const deadlineMs = world.nowMs + STEP_MS_MAX
    while (!this.#isStopped && world.nowMs < deadlineMs) {
      const leader = this.leader(request.shard)
      const reply = leader === undefined ? undefined : await this.#ask(leader.store, request)
      const isFinal = reply !== undefined && (reply.kind !== 'error' || !reply.error.retryable)
      if (reply !== undefined) world.note('changer', textOf(request, reply), request.shard)
      if (isFinal) return reply
      await world.sleep(world.random.between(1, PAUSE_MS_MAX))
    }
    return undefined
  }

  async #allocate(count: number): Promise<number | undefined> {
    const leader = this.leader(PLACEMENT_SHARD)
    const reply = leader === undefined ? undefined : await this.#ask(leader.store, { kind: 'allocate-ids', count })
    return reply?.kind === 'allocate-ids' ? reply.first : undefined
  }

  /** Undefined when nobody answers. */
  #ask(store: SimulatedStore, request: Request): Promise<Reply | undefined> {
    const { process, node } = store
    if (process === undefined || node === undefined) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      this.#world.later(ASK_PATIENCE_MS, () => resolve(undefined))
      process.arrival(0, () => node.store.request(request, ASK_TIMEOUT_MS, resolve))
    })
  }
}

function textOf(request: ShardChange, reply: Reply): string {
  const { epoch } = request
  const what = request.kind === 'change-membership' ? request.step.kind : request.kind
  const answer = reply.kind === 'error' ? `${reply.error.code} ${reply.error.message}` : JSON.stringify(reply)
  return `${what} of shard ${request.shard} at ${epoch.membership}.${epoch.range}: ${answer}`
}
