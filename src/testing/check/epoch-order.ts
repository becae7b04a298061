/**
 * Epochs of a shard only grow, in what one process applied and in the versions of the map, and an epoch names one thing: with equal range epochs
 * a shard has equal bounds everywhere, with equal membership epochs equal voters.
 */
import { type EpochView, type MapView, type Problem, placeOf, type RangeView, type ReplicaView } from './views.ts'

export class EpochOrder {
  readonly #applied = new Map<string, EpochView>()
  readonly #ranges = new Map<string, RangeView>()
  readonly #voters = new Map<string, string>()
  readonly #mapped = new Map<number, EpochView>()
  #mapVersion = 0

  observe(view: ReplicaView): Problem {
    const { group, store, epoch } = view
    const place = placeOf(view)
    const before = this.#applied.get(place)
    if (before?.membership === epoch.membership && before.range === epoch.range) return undefined
    this.#applied.set(place, { membership: epoch.membership, range: epoch.range })
    if (before !== undefined && isBehind(epoch, before))
      return `shard ${group} on ${store}: epoch ${text(epoch)} after ${text(before)}`
    return this.#sameRange(group, epoch, view.range, store) ?? this.#sameVoters(view)
  }

  /** A map of the placement driver, in the order of its versions; older and repeated ones are compared only in what they name. */
  observeMap({ version, shards }: MapView): Problem {
    for (const shard of shards) {
      // What is left of a founding shard beside a child that reported first: an epoch that no shard has.
      if (shard.epoch.range === 0) continue
      const before = this.#mapped.get(shard.id)
      if (version >= this.#mapVersion && before !== undefined && isBehind(shard.epoch, before))
        return `map ${version}: shard ${shard.id} has epoch ${text(shard.epoch)} after ${text(before)}`
      if (version >= this.#mapVersion) this.#mapped.set(shard.id, shard.epoch)
      const problem = this.#withinRange(shard.id, shard.epoch, shard, version)
      if (problem !== undefined) return problem
    }
    this.#mapVersion = Math.max(this.#mapVersion, version)
    return undefined
  }

  /** What was applied and not flushed is applied again after a restart, so a process may begin further back. */
  crashed(store: string): void {
    for (const place of this.#applied.keys()) if (place.endsWith(`/${store}`)) this.#applied.delete(place)
  }

  #sameRange(group: number, { range }: EpochView, { start, end }: RangeView, where: string): Problem {
    const name = `${group}/${range}`
    const known = this.#ranges.get(name)
    if (known === undefined) this.#ranges.set(name, { start, end })
    else if (known.start !== start || known.end !== end)
      return `shard ${group}: range epoch ${range} is ${bounds(known)}, and ${bounds({ start, end })} on ${where}`
    return undefined
  }

  /** A map may know that others have parts of a shard's range before it knows the shard's new epoch. */
  #withinRange(group: number, { range }: EpochView, { start, end }: RangeView, version: number): Problem {
    const known = this.#ranges.get(`${group}/${range}`)
    if (known === undefined) return undefined
    if (start >= known.start && (known.end === undefined || (end !== undefined && end <= known.end))) return undefined
    return `shard ${group}: range epoch ${range} is ${bounds(known)}, and ${bounds({ start, end })} in map ${version}`
  }

  #sameVoters({ group, store, epoch, voters }: ReplicaView): Problem {
    const members = [...voters].sort((a, b) => a - b).join(',')
    const name = `${group}/${epoch.membership}`
    const known = this.#voters.get(name)
    if (known === undefined) this.#voters.set(name, members)
    else if (known !== members)
      return `shard ${group}: membership epoch ${epoch.membership} has the voters ${known}, and ${members} on ${store}`
    return undefined
  }
}

function isBehind(epoch: EpochView, before: EpochView): boolean {
  return epoch.membership < before.membership || epoch.range < before.range
}

function bounds({ start, end }: RangeView): string {
  return `${JSON.stringify(start)} to ${end === undefined ? 'the end' : JSON.stringify(end)}`
}

function text({ membership, range }: EpochView): string {
  return `${membership}.${range}`
}
