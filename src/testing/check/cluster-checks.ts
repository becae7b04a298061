/**
 * All checks of a running cluster behind one surface, for a host that calls them after its events (`views.ts` says when). Each method answers
 * with the first problem, in words; a host that gets one stops, because what follows a broken invariant means nothing.
 */
import { type AppliedEntry, AppliedOrder } from './applied-order.ts'
import { CommittedLedger } from './committed-ledger.ts'
import { checkLeaderCoverage, checkMapCoverage } from './coverage.ts'
import { EpochOrder } from './epoch-order.ts'
import { LogMatching } from './log-matching.ts'
import { OneLeader } from './one-leader.ts'
import { ProgressOrder } from './progress-order.ts'
import { type HighestUse, ResourceBounds } from './resource-bounds.ts'
import { type SnapshotClaim, StateEquality } from './state-equality.ts'
import type { MapView, Problem, ReplicaView, ResourceView } from './views.ts'

export class ClusterChecks {
  readonly #leaders = new OneLeader()
  readonly #ledger = new CommittedLedger()
  readonly #logs = new LogMatching()
  readonly #progress = new ProgressOrder()
  readonly #applied = new AppliedOrder(this.#ledger)
  readonly #epochs = new EpochOrder()
  readonly #states = new StateEquality(this.#ledger)
  readonly #resources = new ResourceBounds()

  /** A replica after an event. Costs little where nothing changed. */
  observe(view: ReplicaView): Problem {
    return (
      this.#progress.observe(view) ??
      this.#leaders.observe(view) ??
      this.#logs.observe(view) ??
      this.#ledger.observe(view) ??
      this.#epochs.observe(view) ??
      this.#states.observe(view)
    )
  }

  /** A state machine on a store begins at `index`, from its data or from a snapshot. */
  startsFrom(start: Omit<AppliedEntry, 'term' | 'hash'>): Problem {
    return this.#applied.startsFrom(start)
  }

  applied(entry: AppliedEntry): Problem {
    return this.#applied.applied(entry)
  }

  observeSnapshot(claim: SnapshotClaim): Problem {
    return this.#states.observeSnapshot(claim)
  }

  observeMap(map: MapView): Problem {
    return checkMapCoverage(map) ?? this.#epochs.observeMap(map)
  }

  observeResource(resource: ResourceView): Problem {
    return this.#resources.observe(resource)
  }

  /** A process ended, in whatever way. */
  crashed(store: string): void {
    this.#progress.crashed(store)
    this.#ledger.crashed(store)
    this.#logs.crashed(store)
    this.#applied.crashed(store)
    this.#epochs.crashed(store)
  }

  /** A process ended and its disk is empty. */
  wiped(store: string): void {
    this.crashed(store)
    this.#progress.wiped(store)
  }

  /** Faults are over, nothing is under way, everybody had time. `replicas` are all members of all groups, and nobody else. */
  atRest(replicas: readonly ReplicaView[], map: MapView): Problem {
    for (const view of replicas) {
      const problem = this.observe(view)
      if (problem !== undefined) return problem
      const highest = this.#ledger.highest(view.group)
      if (view.appliedIndex < highest)
        return `group ${view.group}: ${view.store} rests at ${view.appliedIndex} although ${highest} was committed`
    }
    return this.observeMap(map) ?? checkLeaderCoverage(replicas, new Set(map.shards.map(({ id }) => id)))
  }

  highestUse(): readonly HighestUse[] {
    return this.#resources.highest()
  }
}
