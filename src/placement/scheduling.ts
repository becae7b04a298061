import {
  type Decision,
  explainShard,
  explainStore,
  type PlacementIndex,
  type PlannedOperator,
  type PlanRound,
  planRound,
  SCHEDULERS,
  type SchedulerName,
  type ShardId,
  type StoreId,
} from '../../shard-map/index.ts'

/**
 * When schedulers run, and what is remembered of their decisions, for `explain`. The planners themselves are pure and live in `shard-map`. Decisions
 * are not replicated: a new leader of group 1 explains itself from its own first round on, and the operators of the old one are in the history.
 */

/** Decisions that are remembered; those to act only go when there are more than this, those not to act when they are made again. */
const ACTS_MAX = 500
const REFUSALS_MAX = 1_000

export interface DatedDecision extends Decision {
  readonly atMs: number
}

export class Scheduling {
  readonly #acts: DatedDecision[] = []
  /** The last decision not to act, by scheduler and subject. */
  readonly #refusals = new Map<string, DatedDecision>()
  readonly #lastRunMs = new Map<SchedulerName, number>()
  readonly #decided: (decisions: readonly Decision[]) => void
  #round = 0

  /** `decided` hears of every round's decisions. */
  constructor(decided: (decisions: readonly Decision[]) => void) {
    this.#decided = decided
  }

  forgetAll(): void {
    this.#acts.length = 0
    this.#refusals.clear()
    this.#lastRunMs.clear()
  }

  lastRunMs(scheduler: SchedulerName): number | undefined {
    return this.#lastRunMs.get(scheduler)
  }

  /** One round of all schedulers that are not paused. `wallMs` is the clock of everything that was noted. */
  run(index: PlacementIndex, wallMs: number, paused: ReadonlySet<SchedulerName>): readonly PlannedOperator[] {
    const { operators, decisions } = this.#plan(index, wallMs, paused)
    this.#decided(decisions)
    for (const scheduler of SCHEDULERS) if (!paused.has(scheduler)) this.#lastRunMs.set(scheduler, wallMs)
    for (const decision of decisions) this.#remember({ ...decision, atMs: wallMs })
    return operators
  }

  /** What `run` would plan now. */
  preview(index: PlacementIndex, wallMs: number, paused: ReadonlySet<SchedulerName>): readonly PlannedOperator[] {
    return planRound(index, { nowMs: wallMs, round: this.#round + 1, paused }).operators
  }

  /** The newest first, then what would be decided now. Undefined when there is no such shard. */
  explainShard(
    index: PlacementIndex,
    shard: ShardId,
    wallMs: number,
    paused: ReadonlySet<SchedulerName>,
  ): readonly DatedDecision[] | undefined {
    const now = explainShard(index, shard, { nowMs: wallMs, round: this.#round, paused })
    return now === undefined ? undefined : this.#explained((decision) => decision.shard === shard, now, wallMs)
  }

  explainStore(
    index: PlacementIndex,
    store: StoreId,
    wallMs: number,
    paused: ReadonlySet<SchedulerName>,
  ): readonly DatedDecision[] | undefined {
    const now = explainStore(index, store, { nowMs: wallMs, round: this.#round, paused })
    return now === undefined ? undefined : this.#explained((decision) => decision.store === store, now, wallMs)
  }

  #plan(index: PlacementIndex, wallMs: number, paused: ReadonlySet<SchedulerName>): PlanRound {
    return planRound(index, { nowMs: wallMs, round: ++this.#round, paused })
  }

  #explained(
    isAbout: (decision: Decision) => boolean,
    now: readonly Decision[],
    wallMs: number,
  ): readonly DatedDecision[] {
    const isSame = (a: Decision, b: Decision): boolean =>
      a.scheduler === b.scheduler && a.reason === b.reason && a.action === b.action
    // What is said again now, word for word, has other numbers by now; what was done stands as it was.
    const past = [...this.#acts, ...this.#refusals.values()]
      .filter(isAbout)
      .filter((decision) => decision.action !== null || !now.some((other) => isSame(decision, other)))
    const fresh = now.filter((decision) => !past.some((other) => isSame(decision, other)))
    return [...past, ...fresh.map((decision) => ({ ...decision, atMs: wallMs }))].sort((a, b) => b.atMs - a.atMs)
  }

  #remember(decision: DatedDecision): void {
    if (decision.action !== null) {
      this.#acts.push(decision)
      if (this.#acts.length > ACTS_MAX) this.#acts.shift()
      return
    }
    const subject = `${decision.scheduler} ${decision.shard ?? ''} ${decision.store ?? ''}`
    this.#refusals.delete(subject)
    this.#refusals.set(subject, decision)
    const [oldest] = this.#refusals.keys()
    if (this.#refusals.size > REFUSALS_MAX && oldest !== undefined) this.#refusals.delete(oldest)
  }
}
