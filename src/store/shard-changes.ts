import { mergeShards, PLACEMENT_SHARD, type ReplicaId, type Shard } from '../../shard-map/index.ts'
import { assert, type Clock, type EventSink, unreachable } from '../base/index.ts'
import type { StateMachine } from '../machine/index.ts'
import type { Reply } from '../protocol/index.ts'
import type { Entry } from '../raft/index.ts'
import type { DataStore } from '../storage/index.ts'
import type { Births } from './births.ts'
import type { Burials } from './burials.ts'
import type { Graves } from './graves.ts'
import { initialRecord } from './initial-state.ts'
import { impossible, staleEpoch } from './refusals.ts'
import type { Replica } from './replica.ts'
import { decodeShardCommand, type ShardCommand } from './shard-command.ts'
import { isAt, planSplit } from './split-plan.ts'
import type { Absorbed, StateRecord } from './state-record.ts'

/**
 * Applies the entries that change a shard: splits and the steps of merges. Each is atomic on each replica: everything it changes goes to the
 * data store in one turn, so that a crash leaves all of it or nothing. A command made for another epoch than the shard has does
 * nothing, on every replica alike. The applier calls it, in the order of the log.
 */
export interface ShardChangesOptions {
  readonly storeId: string
  readonly clock: Clock
  readonly data: DataStore
  readonly events: EventSink
  readonly replicas: ReadonlyMap<number, Replica>
  readonly births: Births
  readonly burials: Burials
  readonly graves: Graves
  readonly createMachine: (shard: Shard, saved: Uint8Array) => StateMachine
  readonly wake: (replica: Replica) => void
  /** The shard is another: the placement driver should hear of it. */
  readonly changed: (replica: Replica) => void
  /** This replica can never apply what it must: it has to be made anew. */
  readonly broken: (replica: Replica, reason: string) => void
  /** The group's replica here cannot take part. */
  readonly damage: (group: number, reason: string) => void
}

/** How many of the shards that were split off a shard, or taken in by it, are remembered. */
const SPLIT_OFF_MAX = 64
const ABSORBED_MAX = 64
const WAIT_MS = 20

export class ShardChanges {
  readonly #options: ShardChangesOptions
  /** Those that wait for the replica that they take in. */
  readonly #waiting = new Set<Replica>()

  constructor(options: ShardChangesOptions) {
    this.#options = options
  }

  /** The answer for whoever asked for the change; undefined when it has to wait for another replica of this store. */
  apply(replica: Replica, entry: Entry): Reply | undefined {
    const command = decodeShardCommand(entry.data)
    // Going on without it would make this replica differ from those of the version that wrote it.
    assert(typeof command !== 'string', `group ${replica.group}: entry ${entry.index}: ${String(command)}`)
    if (!isAt(replica.shard, command.epoch)) {
      this.#applied(replica, entry)
      return { kind: 'error', error: staleEpoch(replica.group, replica.successors) }
    }
    switch (command.kind) {
      case 'split':
        return this.#split(replica, entry, command)
      case 'prepare-merge':
        return this.#prepareMerge(replica, entry, command)
      case 'commit-merge':
        return this.#commitMerge(replica, entry, command)
      case 'fence-merge':
        return this.#newRange(replica, entry, replica.merging === undefined)
      case 'rollback-merge':
        if (replica.merging !== undefined)
          this.#options.events.emit({ type: 'merge_rolled_back', group: replica.group })
        return this.#newRange(replica, entry, replica.merging !== undefined)
      default:
        return unreachable(command)
    }
  }

  #applied(replica: Replica, entry: Entry): void {
    replica.appliedTo(entry.index, entry.term)
    this.#options.data.setState(replica.group, replica.stateRecord())
  }

  /**
   * Whether ids of the cuts were used before is not asked here, although a child that was buried everywhere takes its part of the data along. What this store has
   * buried says nothing: another one, which joined later, has no such grave, and the replicas would differ. What the shard has taken in (`absorbed`) is the same
   * on every replica, but it changes only together with the range epoch, which every replica compares: so what the leader refused for it before it proposed
   * (`shard-requests.ts`) is refused for all, and a second look could differ only from replicas of releases without it. Ids that were used and taken in
   * elsewhere, or too long ago to be remembered, are the driver's to bind to the range that they were given for (`askedEpoch` in `src/placement/`).
   */
  #split(replica: Replica, entry: Entry, command: ShardCommand & { kind: 'split' }): Reply {
    const { group, shard, isLeader } = replica
    const plan = planSplit(shard, command.cuts)
    if (!plan.ok || replica.merging !== undefined || group === PLACEMENT_SHARD) {
      this.#applied(replica, entry)
      return { kind: 'error', error: impossible(group, plan.ok ? `shard ${group} cannot be split` : plan.message) }
    }
    const { events, births, createMachine, changed } = this.#options
    const [left, ...children] = plan.parts as readonly [Shard, ...Shard[]]
    const saved = replica.machine.save()
    replica.machine = createMachine(left, saved)
    replica.reshape(left, undefined, replica.absorbed)
    // Until the next estimate: without it the parent would look as large as before, and be split again.
    replica.bytes = Math.ceil(replica.bytes / plan.parts.length)
    replica.keys = Math.ceil(replica.keys / plan.parts.length)
    replica.splitOff = [...children, ...replica.splitOff].slice(0, SPLIT_OFF_MAX)
    // Covers everything that this replica has written so far, in the range of the children too; theirs follow in the same turn.
    this.#applied(replica, entry)
    const loads = replica.load.divide(children.map(({ start }) => start))
    const born: StateRecord[] = []
    for (const child of children) {
      const own = child.replicas.find(({ store }) => store === this.#options.storeId)
      if (own !== undefined && !this.#isSuperseded(child, own.id))
        born.push(initialRecord(child, own.id, saved, replica.absorbed))
      else this.#dispose(replica, child, own?.id ?? 0)
    }
    births.bearChildren(born, isLeader, (child) => {
      child.load = loads[children.findIndex(({ id }) => id === child.group)] ?? child.load
    })
    events.emit({
      type: 'split_applied',

      group,
      index: entry.index,
      data: { children: children.map(({ id }) => id).join() },
    })
    changed(replica)
    return { kind: 'shards', shards: plan.parts }
  }

  /**
   * Whether the child's replica here was removed, or replaced by another, before the split was applied here: this store was behind, and the child's
   * group has gone on without it. Then its part of the data is of no use.
   */
  #isSuperseded(child: Shard, replica: number): boolean {
    const { graves, births, burials, replicas, damage } = this.#options
    if (graves.refuses(child.id, replica) || burials.isRunning(child.id)) return true
    const unfit = births.whyUnfit(child.id, replica)
    if (unfit !== undefined) {
      damage(child.id, unfit)
      return true
    }
    const present = replicas.get(child.id)
    assert(present?.isInitialised !== true, `shard ${child.id} lives here before it was split off`)
    return present !== undefined && present.id !== replica
  }

  #dispose(parent: Replica, child: Shard, replica: ReplicaId): void {
    // Reads of the parent that are under way would see its data go.
    parent.dataGeneration++
    this.#options.burials.dispose(child, replica)
  }

  #prepareMerge(replica: Replica, entry: Entry, command: ShardCommand & { kind: 'prepare-merge' }): Reply {
    const { group, shard } = replica
    const { target, indexMin } = command
    const fit = mergeShards(target, shard)
    if (!fit.ok || replica.merging !== undefined || group === PLACEMENT_SHARD) {
      this.#applied(replica, entry)
      return { kind: 'error', error: impossible(group, fit.ok ? `shard ${group} cannot be merged` : fit.message) }
    }
    const stopped: Shard = { ...shard, epoch: { ...shard.epoch, range: shard.epoch.range + 1 } }
    replica.machine = this.#options.createMachine(stopped, replica.machine.save())
    replica.reshape(stopped, { index: entry.index, indexMin, target }, replica.absorbed)
    this.#applied(replica, entry)
    this.#options.events.emit({ type: 'merge_prepared', group, data: { target: target.id } })
    this.#options.changed(replica)
    this.wakeTarget(replica)
    return { kind: 'shards', shards: [stopped] }
  }

  /** The replica that waits to take this one in, if it does, may go on now. */
  wakeTarget(source: Replica): void {
    const { replicas, wake } = this.#options
    const target = source.merging === undefined ? undefined : replicas.get(source.merging.target.id)
    if (target !== undefined) wake(target)
  }

  #commitMerge(replica: Replica, entry: Entry, command: ShardCommand & { kind: 'commit-merge' }): Reply | undefined {
    const { group, shard } = replica
    const { source, entries } = command
    const fit = mergeShards(shard, source)
    if (!fit.ok || replica.merging !== undefined) {
      this.#applied(replica, entry)
      return { kind: 'error', error: impossible(group, fit.ok ? `shard ${group} is being merged itself` : fit.message) }
    }
    const { replicas, births, burials, events, graves } = this.#options
    const neighbour = replicas.get(source.id)
    if (neighbour === undefined) {
      const grave = graves.of(source.id)
      if (births.isArriving(source.id) || (burials.isRunning(source.id) && grave === undefined))
        return this.#wait(replica)
      this.#options.broken(replica, `it must take in shard ${source.id}, whose replica is not here`)
      return undefined
    }
    const prepared = entries.at(-1)
    assert(prepared !== undefined, `group ${group}: a merge without the entry that prepared it`)
    if (neighbour.installing || !neighbour.isInitialised) return this.#wait(replica)
    if (neighbour.appliedIndex < prepared.index) {
      const first = entries[0] ?? prepared
      // What it lacks is written to its log like anything that its leader would send; when it has applied that, it wakes us.
      if (neighbour.raft.adoptCommitted(first.index - 1, command.previousTerm, entries)) this.#options.wake(neighbour)
      return this.#wait(replica)
    }
    const { merging } = neighbour
    assert(
      merging?.index === prepared.index && isAt(neighbour.shard, source.epoch),
      `group ${group} takes in shard ${source.id} at ${prepared.index}, which stands at ${merging?.index}`,
    )
    const absorb = replica.machine.absorb?.bind(replica.machine)
    assert(absorb !== undefined, `group ${group}: its machine cannot be merged`)
    absorb(neighbour.machine.save())
    const absorbed: Absorbed[] = [
      ...replica.absorbed,
      ...neighbour.absorbed,
      { shard: source.id, range: fit.merged.epoch.range },
    ]
    const reply = this.#newShard(replica, entry, fit.merged, absorbed.slice(-ABSORBED_MAX))
    // In the same turn: a crash leaves both shards or the one.
    burials.forgetMerged(neighbour, group)
    events.emit({ type: 'merge_committed', group, index: entry.index, data: { source: source.id } })
    return reply
  }

  /** It is woken when what it waits for has happened; but nobody knows all the ways in which that can be. */
  #wait(replica: Replica): undefined {
    if (this.#waiting.has(replica)) return
    this.#waiting.add(replica)
    this.#options.clock.after(WAIT_MS, () => {
      this.#waiting.delete(replica)
      if (!replica.isRetired) this.#options.wake(replica)
    })
  }

  /** The next range epoch, with everything else as it is: whatever was bound to the old one is void. */
  #newRange(replica: Replica, entry: Entry, fits: boolean): Reply {
    const { shard, group } = replica
    if (!fits) {
      this.#applied(replica, entry)
      return { kind: 'error', error: impossible(group, `shard ${group} is not in the state that this is for`) }
    }
    const next: Shard = { ...shard, epoch: { ...shard.epoch, range: shard.epoch.range + 1 } }
    return this.#newShard(replica, entry, next, replica.absorbed)
  }

  #newShard(replica: Replica, entry: Entry, shard: Shard, absorbed: readonly Absorbed[]): Reply {
    replica.machine = this.#options.createMachine(shard, replica.machine.save())
    replica.reshape(shard, undefined, absorbed)
    // A shard that was split off and came back is part of this one again.
    replica.splitOff = replica.splitOff.filter(({ start }) => shard.end !== undefined && start >= shard.end)
    this.#applied(replica, entry)
    this.#options.changed(replica)
    return { kind: 'shards', shards: [shard] }
  }
}
