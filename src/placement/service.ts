import {
  PLACEMENT_SHARD,
  planBootstrap,
  type SchedulerName,
  type Shard,
  type ShardMap,
  type StoreId,
  type StoreInfo,
} from '../../shard-map/index.ts'
import { assert, type Clock, type EventSink, type Logger, type Timer } from '../base/index.ts'
import {
  encodePlacementCommand,
  type JsonValue,
  type PlacementCommand,
  PlacementMachine,
  type PlacementResult,
} from '../machine/index.ts'
import type { PlacementStatus, Reply, StoreHeartbeat } from '../protocol/index.ts'
import {
  answerError,
  type Call,
  LocalCall,
  notLeader,
  type PlacementHandler,
  type Replica,
  type Store,
} from '../store/index.ts'
import type { Transport } from '../transport/index.ts'
import { Driver } from './driver.ts'
import { Liveness } from './liveness.ts'
import { LivenessEvents } from './liveness-events.ts'
import type { PlacementDefaults } from './settings.ts'
import { changesFor, isMergedAway, ShardReports } from './shard-reports.ts'

/**
 * The placement driver on one store. It acts only while this store leads group 1: it founds the cluster's first map, registers stores,
 * answers heartbeats with the map, and lets schedulers plan and operators be carried out. Facts go through the group's log; what can be rebuilt
 * from heartbeats does not. It is not on the data path: with it gone, existing shards go on.
 */
export interface PlacementOptions {
  readonly bootstrap: { readonly stores: readonly string[]; readonly replicas: number; readonly shards: number }
  readonly clock: Clock
  readonly logger: Logger
  readonly events: EventSink
  readonly transport: Transport
  /** What the cluster's own settings go over. */
  readonly defaults?: PlacementDefaults
  /** Which settings of the cluster may be changed, to which values; those that the driver itself goes by, when absent. */
  readonly acceptsSetting?: (name: string, value: JsonValue) => boolean
  /** The schedulers that run when this store leads group 1; all of them when absent. */
  readonly schedulers?: readonly SchedulerName[]
}

const STEP_MS = 500
const PROPOSAL_TIMEOUT_MS = 5_000
const HEARD_OF_MS_MAX = 3_000

export class PlacementService implements PlacementHandler {
  readonly #options: PlacementOptions
  readonly #liveness = new Liveness()
  readonly #driver: Driver
  /** Proposals about a store that are under way, so that its next heartbeat does not repeat them. */
  readonly #registering = new Set<string>()
  #store: Store | undefined
  #timer: Timer | undefined
  #leads = false
  #bootstrapping = false
  readonly #reports = new ShardReports()
  readonly #livenessEvents: LivenessEvents
  #reporting = false

  constructor(options: PlacementOptions) {
    this.#options = options
    this.#livenessEvents = new LivenessEvents(options.events)
    this.#driver = new Driver({
      options,
      liveness: this.#liveness,
      machine: () => {
        const replica = this.#replica()
        return replica?.isLeader === true ? this.#machine(replica) : undefined
      },
      propose: (command, done) => this.#propose(command, done),
      learned: (shards) => this.#learned(shards),
    })
  }

  start(store: Store): void {
    this.#store = store
    this.#driver.start(store)
    this.#arm()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#driver.stop()
    this.#store = undefined
  }

  leadershipChanged(replica: Replica): void {
    if (replica.isLeader === this.#leads) return
    this.#leads = replica.isLeader
    // Whatever the last leader here knew is old.
    this.#liveness.forgetAll(this.#options.clock.nowMs())
    this.#reports.forgetAll()
    this.#livenessEvents.forgetAll()
    const term = replica.raft.term
    this.#options.events.emit({ type: this.#leads ? 'placement_led' : 'placement_left', term })
    this.#driver.reset()
    if (this.#leads) this.#step()
  }

  handle(call: Call): void {
    const { request } = call
    const replica = this.#replica()
    if (replica === undefined || !replica.isLeader) {
      answerError(call, notLeader(PLACEMENT_SHARD, replica === undefined ? this.#elsewhere() : replica.leaderStore))
      return
    }
    switch (request.kind) {
      case 'store-heartbeat':
        this.#heartbeat(call, request.heartbeat)
        return
      case 'placement-status':
        call.answer({ kind: 'placement-status', status: this.#status(replica) })
        return
      case 'allocate-ids':
        this.#propose({ kind: 'allocate-ids', count: request.count }, (result) => {
          if (result?.kind === 'ids') call.answer({ kind: 'allocate-ids', first: result.first })
          else answerError(call, notLeader(PLACEMENT_SHARD, replica.leaderStore))
        })
        return
      case 'operate':
        this.#driver.operate(call, request.request, this.#machine(replica))
        return
      default:
        assert(false, `${request.kind} is not for the placement driver`)
    }
  }

  /** Who leads a group 1 that has no replica here; only what was true a moment ago, so that two who are behind do not send somebody to and fro. */
  #elsewhere(): StoreId | undefined {
    const store = this.#store
    if (store === undefined || store.unansweredMs > HEARD_OF_MS_MAX) return undefined
    const leader = store.map.leaders[PLACEMENT_SHARD]
    return leader === store.id ? undefined : leader
  }

  #arm(): void {
    this.#timer = this.#options.clock.after(STEP_MS, () => {
      this.#step()
      if (this.#store !== undefined) this.#arm()
    })
  }

  #step(): void {
    this.#liveness.listen(this.#options.clock.nowMs())
    const store = this.#store
    const replica = this.#replica()
    if (store === undefined || replica === undefined) return
    // Every member of group 1 knows the map first hand, leader or not.
    const map = this.#map(replica)
    if (map.version > store.map.map.version) store.learnMap(map, {})
    store.settings.learn(this.#machine(replica).config)
    if (!replica.isLeader) return
    if (map.shards.length === 0) {
      this.#bootstrap()
      return
    }
    this.#noteLiveness(map, replica)
    this.#reports.heard(replica.shard, map)
    this.#takeReports(map)
    this.#driver.act(this.#machine(replica))
  }

  /** What leaders answered about their shards is news to the map before their next heartbeat. */
  #learned(shards: readonly Shard[]): void {
    const replica = this.#replica()
    if (replica?.isLeader !== true) return
    const map = this.#map(replica)
    const news = shards.filter((shard) => this.#reports.heard(shard, map))
    // Proposed at once, so that the map has it before the operator's next step is noted.
    if (news.length > 0) this.#update(news, map, () => {})
  }

  #update(shards: readonly Shard[], map: ShardMap, done: (result: PlacementResult | undefined) => void): void {
    // The last of them is the update itself.
    const changes = changesFor(shards, map)
    for (const [place, change] of changes.entries()) {
      this.#propose({ kind: 'change', change }, place === changes.length - 1 ? done : () => {})
    }
  }

  #noteLiveness(map: ShardMap, replica: Replica): void {
    const { downAfterMs } = this.#driver.settings(this.#machine(replica))
    const nowMs = this.#options.clock.nowMs()
    for (const { id } of map.stores) this.#livenessEvents.note(id, this.#liveness.state(id, nowMs, downAfterMs))
  }

  /** Brings the map up to what the groups say of themselves. */
  #takeReports(map: ShardMap): void {
    const shards = this.#reports.due(map)
    if (shards.length === 0 || this.#reporting) return
    this.#reporting = true
    this.#update(shards, map, (result) => {
      this.#reporting = false
      if (result?.kind !== 'applied' || result.version === map.version) return
      this.#options.events.emit({ type: 'map_updated', data: { version: result.version } })
      this.#step()
    })
  }

  #bootstrap(): void {
    if (this.#bootstrapping) return
    this.#bootstrapping = true
    const { bootstrap, events } = this.#options
    // Labels and addresses arrive with the stores' own registration; the plan needs only who they are.
    const stores = bootstrap.stores.map((id): StoreInfo => {
      const self = this.#store?.options.info
      return self?.id === id ? self : { id, address: '', labels: {}, incarnation: '', version: '', state: 'registered' }
    })
    const { change } = planBootstrap({ stores, replicas: bootstrap.replicas, shards: bootstrap.shards })
    this.#propose({ kind: 'change', change }, (result) => {
      this.#bootstrapping = false
      if (result?.kind === 'applied')
        events.emit({ type: 'cluster_bootstrapped', data: { shards: change.shards.length } })
      this.#step()
    })
  }

  #heartbeat(call: Call, heartbeat: StoreHeartbeat): void {
    const replica = this.#replica()
    assert(replica !== undefined, 'a heartbeat at a store without group 1')
    const { map, config } = this.#machine(replica)
    const isGone = (shard: Shard): boolean => isMergedAway(shard, map)
    const complete = this.#liveness.heard(heartbeat, this.#options.clock.nowMs(), isGone)
    if (map.shards.length > 0) {
      this.#register(heartbeat.info, map)
      let isNews = false
      for (const { shard } of heartbeat.led) isNews = this.#reports.heard(shard, map) || isNews
      if (isNews) this.#takeReports(map)
    }
    call.answer({
      kind: 'store-heartbeat',
      answer: {
        resend: !complete,
        map: map.version > heartbeat.mapVersion ? map : undefined,
        leaders: this.#liveness.leaders(),
        config: config.version > heartbeat.configVersion ? config : undefined,
        snapshotBytesPerSecond: Math.round(this.#driver.settings(this.#machine(replica)).snapshotBytesPerSecond),
      },
    })
  }

  /** Notes who a store is, when the map does not know it or knows it differently. */
  #register(info: StoreInfo, map: ShardMap): void {
    const known = map.stores.find((store) => store.id === info.id)
    if (this.#registering.has(info.id)) return
    if (known !== undefined && known.incarnation !== '' && known.incarnation !== info.incarnation) return
    const isRegistered = known !== undefined && known.incarnation === info.incarnation
    if (isRegistered && known.address === info.address && known.version === info.version) return
    const { id, incarnation, address, version } = info
    this.#registering.add(id)
    const change = isRegistered
      ? ({ kind: 'update-store', store: id, incarnation, address, version } as const)
      : ({ kind: 'register-store', store: { ...info, state: 'up' } } as const)
    this.#propose({ kind: 'change', change }, (result) => {
      this.#registering.delete(id)
      if (result?.kind === 'applied') {
        this.#options.events.emit({
          type: isRegistered ? 'store_updated' : 'store_registered',
          peer: id,
          data: { address },
        })
      } else if (result?.kind === 'refused') {
        this.#options.logger.log('warn', `store ${id} could not be registered: ${result.message}`, { store: id })
      }
      this.#step()
    })
  }

  #status(replica: Replica): PlacementStatus {
    const { downAfterMs } = this.#driver.settings(this.#machine(replica))
    const nowMs = this.#options.clock.nowMs()
    const map = this.#map(replica)
    return {
      term: replica.raft.term,
      leader: this.#store?.id ?? '',
      map,
      leaders: { ...this.#liveness.leaders(), [PLACEMENT_SHARD]: this.#store?.id ?? '' },
      stores: map.stores.map(({ id, state }) => {
        const picture = this.#liveness.store(id)
        // What it said last is from while its replicas were being deleted.
        const held = state === 'gone' ? undefined : picture
        return {
          id,
          liveness: this.#liveness.state(id, nowMs, downAfterMs),
          lastHeartbeatAgoMs: picture === undefined ? Number.MAX_SAFE_INTEGER : Math.round(nowMs - picture.heardMs),
          replicas: held?.replicas ?? 0,
          bytes: held?.bytes ?? 0,
          load: held?.load ?? { readsPerSecond: 0, writesPerSecond: 0 },
          uptimeSeconds: picture?.uptimeSeconds ?? 0,
        }
      }),
    }
  }

  #replica(): Replica | undefined {
    return this.#store?.replicas.get(PLACEMENT_SHARD)
  }

  #map(replica: Replica): ShardMap {
    return this.#machine(replica).map
  }

  #machine(replica: Replica): PlacementMachine {
    const { machine } = replica
    assert(machine instanceof PlacementMachine, 'group 1 runs another machine than the placement driver')
    return machine
  }

  /** Sends a command through group 1; undefined when it did not come through, or nobody knows. */
  #propose(command: PlacementCommand, done: (result: PlacementResult | undefined) => void): void {
    const replica = this.#replica()
    if (this.#store === undefined || replica === undefined) {
      done(undefined)
      return
    }
    const { range: rangeEpoch } = replica.shard.epoch
    const request = {
      kind: 'write',
      shard: PLACEMENT_SHARD,
      rangeEpoch,
      command: encodePlacementCommand(command),
    } as const
    const call = new LocalCall(request, this.#options.clock.nowMs(), PROPOSAL_TIMEOUT_MS, (reply: Reply) => {
      // Group 1's machine answers with its own results; a reply's type speaks of key-value shards, which are all others.
      done(reply.kind === 'write' ? (reply.result as unknown as PlacementResult) : undefined)
    })
    this.#store.loop.submitWrite(replica, call)
  }
}
