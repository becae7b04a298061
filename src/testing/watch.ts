/**
 * Looks at the replicas of a store after each of its events and hands what is new to the checks of a whole cluster (`check/`), together with
 * the maps that stores adopt and the sizes that must stay bounded.
 */
import type { ShardMap } from '../../shard-map/index.ts'
import type { Node } from '../server/index.ts'
import type { Replica } from '../store/index.ts'
import { ClusterChecks, type MapView, type Problem } from './check/index.ts'
import { ReplicaWatch } from './replica-watch.ts'
import { ResourceWatch } from './resource-watch.ts'
import { StateWatch } from './state-watch.ts'
import type { WorldSettings } from './world-settings.ts'

interface SeenStore {
  readonly replicas: Map<number, ReplicaWatch>
  readonly resources: ResourceWatch
  map: ShardMap | undefined
  /** Things happened on it that nobody saw: what is seen later does not follow what was seen before. */
  isBlind: boolean
}

export class StoreWatch {
  readonly checks = new ClusterChecks()
  readonly #settings: WorldSettings
  readonly #fail: (message: string, group: number | undefined) => void
  readonly #seen = new Map<string, SeenStore>()

  constructor(settings: WorldSettings, fail: (message: string, group: number | undefined) => void) {
    this.#settings = settings
    this.#fail = fail
  }

  /** `wiped`: its disk is empty now. */
  processGone(store: string, wiped: boolean): void {
    this.#seen.delete(store)
    if (wiped) this.checks.wiped(store)
    else this.checks.crashed(store)
  }

  /** The store goes on, but cannot be looked at; what it does until its process ends is not judged. */
  lookAway(store: string): void {
    const seen = this.#seen.get(store)
    if (seen === undefined || seen.isBlind) return
    seen.isBlind = true
    this.checks.crashed(store)
  }

  /** `isWriting`: whether a write of the log is under way. */
  look(store: string, node: Node, isWriting: () => boolean): void {
    let seen = this.#seen.get(store)
    if (seen === undefined) {
      const resources = new ResourceWatch(store, this.#settings, (resource) =>
        this.#judge(this.checks.observeResource(resource), undefined),
      )
      seen = { replicas: new Map(), resources, map: undefined, isBlind: false }
      this.#seen.set(store, seen)
    }
    if (seen.isBlind) return
    for (const replica of node.store.replicas.values()) {
      let watch = seen.replicas.get(replica.group)
      if (watch?.replicaSeen !== replica) {
        const state = this.#watchState(store, node, replica)
        watch = new ReplicaWatch(store, replica, () => node.log.dirty || isWriting(), state)
        seen.replicas.set(replica.group, watch)
      }
      watch.lookAtState()
      if (!replica.installing && watch.hasChanged()) this.#judge(this.checks.observe(watch), replica.group)
    }
    for (const [group, reason] of node.store.damaged)
      this.#fail(`group ${group} is called damaged on ${store}, whose disk is sound: ${reason}`, group)
    const { map } = node.store.map
    if (map !== seen.map) {
      seen.map = map
      if (map.version > 0) this.#judge(this.checks.observeMap(mapView(map)), undefined)
    }
    seen.resources.look(node)
  }

  /** Everything is over and well: `nodes` are all that run. */
  atRest(nodes: readonly (readonly [store: string, node: Node])[], map: ShardMap): void {
    const views = nodes.flatMap(([store, node]) =>
      [...node.store.replicas.values()].map((replica) => new ReplicaWatch(store, replica, () => node.log.dirty)),
    )
    this.#judge(this.checks.atRest(views, mapView(map)), undefined)
  }

  #watchState(store: string, node: Node, replica: Replica): StateWatch {
    const { group, id } = replica
    const place = { group, replica: id, store }
    // A dead process runs its promises to their end, and nobody is harmed by what they do.
    const judge = (problem: () => Problem): void => {
      const seen = this.#seen.get(store)
      if (seen?.isBlind === false && seen.replicas.get(group)?.replicaSeen === replica) this.#judge(problem(), group)
    }
    return new StateWatch(replica, node.data, {
      starts: (index) => judge(() => this.checks.startsFrom({ ...place, index })),
      applied: (index, term, hash) => judge(() => this.checks.applied({ ...place, index, term, hash })),
      scanned: (index, term, stateHash) =>
        judge(() => this.checks.observeSnapshot({ group, index, term, stateHash, store })),
    })
  }

  #judge(problem: Problem, group: number | undefined): void {
    if (problem !== undefined) this.#fail(problem, group)
  }
}

function mapView({ version, shards }: ShardMap): MapView {
  return { version, shards }
}
