import {
  isStoreOperator,
  locate,
  type PlacementIndex,
  SCHEDULERS,
  type SchedulerName,
  type Shard,
  type ShardId,
  type StoreId,
  shardById,
  shardsOnStore,
} from '../../shard-map/index.ts'
import {
  type OperatorRecord,
  type PlacementCommand,
  type PlacementMachine,
  type PlacementResult,
  shardsOf,
} from '../machine/index.ts'
import { errorValue, type OperateRequest } from '../protocol/index.ts'
import { answerError, type Call, type Store } from '../store/index.ts'
import { awaitedOf, REPLICA_SILENT_MS_MAX } from './awaited-stores.ts'
import { DriverIndex } from './driver-index.ts'
import { OperatorExecutor } from './executor.ts'
import { HeatHistory } from './heat-history.ts'
import { HotKeyEvents } from './hot-key-events.ts'
import { LeaderCalls } from './leader-calls.ts'
import type { Liveness } from './liveness.ts'
import { operate } from './operate.ts'
import { Scheduling } from './scheduling.ts'
import type { PlacementOptions } from './service.ts'
import { type DriverSettings, driverSettings, isDriverSetting, PLACEMENT_DEFAULTS } from './settings.ts'
import { spreadSettings } from './spread-settings.ts'

/**
 * The acting half of the placement driver: lets schedulers plan, has operators carried out, and answers people. The service calls it while this
 * store leads group 1, and tells it when that changes; it keeps nothing that would matter to the next leader.
 */
export interface DriverContext {
  readonly options: PlacementOptions
  readonly liveness: Liveness
  /** Undefined while this store does not lead group 1. */
  readonly machine: () => PlacementMachine | undefined
  readonly propose: (command: PlacementCommand, done: (result: PlacementResult | undefined) => void) => void
  /** Shards as their leaders say they are now. */
  readonly learned: (shards: readonly Shard[]) => void
}

/** A new picture of the cluster settles for so long before anything is moved because of it. */
const SETTLE_MS = 3_000
const ROUND_MS = 1_000
const SEEK_INTERVAL_MS = 1_000

export class Driver {
  readonly #context: DriverContext
  readonly #calls: LeaderCalls
  readonly #executor: OperatorExecutor
  readonly #index = new DriverIndex()
  readonly #scheduling: Scheduling
  readonly #heat = new HeatHistory()
  readonly #hotKeys: HotKeyEvents
  #settings: { readonly version: number; readonly value: DriverSettings } | undefined
  #store: Store | undefined
  #roundAtMs = 0
  #seekAtMs = 0
  #starting = false

  constructor(context: DriverContext) {
    this.#context = context
    const { liveness, machine, propose, learned, options } = context
    const { clock, events, transport, bootstrap } = options
    this.#hotKeys = new HotKeyEvents(events)
    this.#scheduling = new Scheduling((decisions) => this.#hotKeys.note(decisions, clock.nowMs()))
    this.#calls = new LeaderCalls({ transport, leaderOf: (shard) => liveness.led.get(shard)?.leader })
    this.#executor = new OperatorExecutor({
      clock,
      events,
      calls: this.#calls,
      running: () => machine()?.operators.running ?? new Map(),
      shard: (id) => {
        const map = machine()?.map
        return map === undefined ? undefined : shardById(map, id)
      },
      owner: (key) => {
        const map = machine()?.map
        return map === undefined ? undefined : locate(map, key)
      },
      // Whoever leads group 1 sends no heartbeat about it.
      leadersOn: (id) => liveness.leadersOn(id) + (this.#self === id ? 1 : 0),
      isSilent: (id, shard, silentMsMax) => {
        const map = machine()?.map
        if (map === undefined || id === this.#self) return false
        const nowMs = clock.nowMs()
        if (liveness.silentMs(id, nowMs) >= silentMsMax) return true
        const mapped = shardById(map, shard)
        return mapped !== undefined && liveness.downReplicas(mapped, nowMs, REPLICA_SILENT_MS_MAX).includes(id)
      },
      downAfterMs: () => {
        const current = machine()
        return current === undefined ? Number.POSITIVE_INFINITY : this.settings(current).downAfterMs
      },
      replicasOn: (id) => {
        const map = machine()?.map
        return map === undefined ? 0 : shardsOnStore(map, id).length
      },
      replicas: () => bootstrap.replicas,
      propose,
      learned,
      ended: (operator) => {
        if (operator.state === 'failed') this.#hold(operator)
      },
    })
  }

  start(store: Store): void {
    this.#store = store
    this.#calls.start(store)
  }

  stop(): void {
    this.#executor.reset()
  }

  /** This store begins or ceases to lead group 1. */
  reset(): void {
    this.#calls.forgetAll()
    this.#executor.reset()
    this.#index.forgetAll()
    this.#scheduling.forgetAll()
    this.#hotKeys.forgetAll()
    this.#heat.forgetAll(this.#context.options.clock.nowMs())
    this.#starting = false
    this.#roundAtMs = this.#context.options.clock.nowMs() + SETTLE_MS
  }

  settings({ config }: PlacementMachine): DriverSettings {
    if (this.#settings?.version !== config.version) {
      const { bootstrap, defaults = PLACEMENT_DEFAULTS } = this.#context.options
      const value = driverSettings(config, defaults, bootstrap.replicas, bootstrap.shards)
      this.#settings = { version: config.version, value }
    }
    return this.#settings.value
  }

  /** Goes on with what runs, and lets the schedulers plan when it is time to. */
  act(machine: PlacementMachine): void {
    this.#executor.tick()
    const nowMs = this.#context.options.clock.nowMs()
    this.#seek(machine, nowMs)
    this.#heat.note(machine.map.shards, this.#context.liveness.led, nowMs, this.#wallMs())
    if (nowMs < this.#roundAtMs || this.#starting) return
    this.#roundAtMs = nowMs + ROUND_MS
    const atMs = this.#wallMs()
    const operators = this.#scheduling.run(this.#look(machine), atMs, this.#paused(machine, atMs))
    if (operators.length === 0) return
    this.#starting = true
    this.#context.propose({ kind: 'start-operators', operators, atMs }, (result) => {
      this.#starting = false
      if (result?.kind !== 'operators-started') return
      for (const started of result.started) {
        if (started.ok) continue
        this.#context.options.logger.log('debug', `an operator was not started: ${started.message}`)
      }
      this.#executor.begin(result.started.flatMap((started) => (started.ok ? [started.operator] : [])))
    })
  }

  operate(call: Call, request: OperateRequest, machine: PlacementMachine): void {
    if (machine.map.shards.length === 0) {
      answerError(call, errorValue('NOT_READY', 'the cluster is not founded yet'))
      return
    }
    const wallMs = this.#wallMs()
    const context = {
      machine,
      index: this.#look(machine),
      liveness: this.#context.liveness,
      scheduling: this.#scheduling,
      executor: this.#executor,
      heat: this.#heat,
      wallMs,
      replicas: this.#context.options.bootstrap.replicas,
      paused: this.#paused(machine, wallMs),
      propose: this.#context.propose,
      acceptsSetting: this.#context.options.acceptsSetting ?? isDriverSetting,
      lives: (id: StoreId) => this.#lives(id),
      spread: (done: (unreached: readonly StoreId[]) => void) => this.#spread(machine, done),
    }
    operate(request, context, (answer) => {
      // Heartbeats will tell who leads before long: whoever asks tries again for a while.
      if (!answer.ok && answer.error.code === 'NO_LEADER') answerError(call, { ...answer.error, code: 'NOT_READY' })
      else call.answer({ kind: 'operate', answer })
    })
  }

  #spread({ map, config }: PlacementMachine, done: (unreached: readonly StoreId[]) => void): void {
    const store = this.#store
    if (store === undefined) {
      done([])
      return
    }
    const members = map.stores.filter(({ incarnation, state }) => incarnation !== '' && state !== 'gone')
    const ids = members.map(({ id }) => id).filter((id) => this.#lives(id))
    spreadSettings({ transport: this.#context.options.transport, store }, ids, config, done)
  }

  /**
   * Lets stores that are silent hear who leads. One that restarts knows only the founders, and group 1 may have moved away from all of them: then it
   * cannot find the leader, and only the leader knows of it.
   */
  #seek({ map, config }: PlacementMachine, nowMs: number): void {
    const store = this.#store
    if (store === undefined || nowMs < this.#seekAtMs) return
    this.#seekAtMs = nowMs + SEEK_INTERVAL_MS
    const silent = map.stores.map(({ id }) => id).filter((id) => id !== store.id && !this.#lives(id))
    if (silent.length === 0) return
    // Whoever hears it answers with its next heartbeat.
    spreadSettings({ transport: this.#context.options.transport, store }, silent, config, () => {})
  }

  /** It is heard, however long a store may be silent before it counts as down. */
  #lives(id: StoreId): boolean {
    const { liveness, options } = this.#context
    return liveness.state(id, options.clock.nowMs(), Number.POSITIVE_INFINITY) === 'up'
  }

  /** An operator ended badly: its shard is left alone for a while. */
  #hold(operator: OperatorRecord): void {
    const { plan } = operator
    if (isStoreOperator(plan)) return
    // Where a store fell silent the next plan has another one in its place.
    const wouldRepeat =
      plan.scheduler === 'repair' && awaitedOf(plan).every((id) => id === this.#self || this.#lives(id))
    this.#index.hold(shardsOf(plan), wouldRepeat ? 'all' : 'all-but-repair', this.#context.options.clock.nowMs())
  }

  #look(machine: PlacementMachine): PlacementIndex {
    const { map, operators } = machine
    const { plan: settings, downAfterMs } = this.settings(machine)
    const nowMs = this.#context.options.clock.nowMs()
    const { liveness } = this.#context
    const ended = (shard: ShardId): void => {
      liveness.ended(shard)
      this.#calls.forget(shard)
    }
    return this.#index.look({ map, operators, liveness, settings, downAfterMs, nowMs, self: this.#self, ended })
  }

  #paused({ operators }: PlacementMachine, wallMs: number): ReadonlySet<SchedulerName> {
    const { schedulers } = this.#context.options
    return new Set(
      SCHEDULERS.filter((name) => {
        const untilMs = operators.pauses.get(name) ?? 0
        return untilMs > wallMs || schedulers?.includes(name) === false
      }),
    )
  }

  get #self(): StoreId {
    return this.#store?.id ?? ''
  }

  #wallMs(): number {
    return Math.max(0, Math.floor(this.#context.options.clock.wallMs()))
  }
}
