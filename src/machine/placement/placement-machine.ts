/**
 * The state machine of group 1: a thin shell over `shard-map`, plus the numbers for new shards and replicas and the settings of the
 * cluster. It decides nothing about placement; schedulers do, on the group's leader, and send what they decided through the log. It
 * keeps no records in the data store: everything is in its saved state.
 */
import {
  type Applied,
  applyChange,
  EMPTY_MAP,
  isUnreadable,
  type MapChange,
  mapFromPlain,
  mapToPlain,
  type RejectedReport,
  type ShardMap,
  shown,
  updateShards,
} from '../../../shard-map/index.ts'
import { assert, isCount, unreachable } from '../../base/index.ts'
import type { StateMachine } from '../machine.ts'
import { pack, unpack } from '../msgpack.ts'
import { decodePlacementCommand, foreignPlacementCommand, readSettings } from './command.ts'
import { ConfigBook, configHistoryFromPlain, configHistoryToPlain } from './config-book.ts'
import { OperatorBook } from './operator-book.ts'
import { foreignSavedOperator, savedOperatorsFromPlain, savedOperatorsToPlain } from './operator-codec.ts'
import type { OperatorCommand } from './operator-types.ts'
import type { ClusterConfig, ConfigChange, PlacementResult } from './types.ts'

/** The saved state is MessagePack: [format, map, next id, config version, [[name, value], ...], operators, history of the settings]. */
const STATE_FORMAT = 1

/** 1 is the placement shard. */
const FIRST_ID = 2

export class PlacementMachine implements StateMachine<PlacementResult> {
  #map: ShardMap = EMPTY_MAP
  #nextId = FIRST_ID
  readonly #config = new ConfigBook()
  readonly #operators = new OperatorBook()
  /** The bytes of the present state, until it changes: most turns of the loop ask again for the same. */
  #saved: Uint8Array | undefined

  /** The machine as `save` described it, or why the bytes describe none. */
  static restore(saved: Uint8Array): PlacementMachine | { readonly kind: 'malformed'; readonly reason: string } {
    const unpacked = unpack(saved)
    if (!unpacked.ok) return { kind: 'malformed', reason: unpacked.reason }
    const fields: readonly unknown[] = Array.isArray(unpacked.value) ? unpacked.value : []
    const [format, mapPlain, nextId, configVersion, settingsPlain, operatorsPlain, historyPlain] = fields
    if (format !== STATE_FORMAT) return { kind: 'malformed', reason: `unknown format ${shown(format)}` }
    const map = mapFromPlain(mapPlain)
    if (isUnreadable(map)) return { kind: 'malformed', reason: map.unreadable }
    const settings = Array.isArray(settingsPlain) ? readSettings(settingsPlain) : undefined
    const history = configHistoryFromPlain(historyPlain)
    if (!isCount(nextId) || nextId < idsAbove(map) || !isCount(configVersion)) {
      return { kind: 'malformed', reason: 'counters are damaged' }
    }
    if (settings === undefined || history === undefined) {
      return { kind: 'malformed', reason: 'the settings are damaged' }
    }
    const operators = savedOperatorsFromPlain(operatorsPlain)
    if (operators === undefined) {
      const foreign = foreignSavedOperator(operatorsPlain)
      const reason = foreign === undefined ? 'the operators are damaged' : `${foreign} is unknown to this release`
      return { kind: 'malformed', reason }
    }
    const machine = new PlacementMachine()
    machine.#map = map
    machine.#nextId = nextId
    machine.#config.restore(configVersion, settings, history)
    machine.#operators.restore(operators)
    return machine
  }

  /** The current map; a later one is another object. */
  get map(): ShardMap {
    return this.#map
  }

  /** The settings of the cluster; later ones are another object. */
  get config(): ClusterConfig {
    return this.#config.config
  }

  /** What was changed of the settings lately, the oldest first. */
  get configHistory(): readonly ConfigChange[] {
    return this.#config.history
  }

  /** Operators and pauses; looked at, never changed, from outside. */
  get operators(): Omit<OperatorBook, 'apply' | 'restore'> {
    return this.#operators
  }

  unknown(command: Uint8Array): string | undefined {
    const what = foreignPlacementCommand(command)
    return what === undefined
      ? undefined
      : `a placement command of ${what} is unknown to this release; upgrade this store`
  }

  /** Commands read nothing of the data store. */
  needs(): void {}

  apply(command: Uint8Array): PlacementResult {
    const decoded = decodePlacementCommand(command)
    switch (decoded.kind) {
      case 'malformed':
        return decoded
      case 'change':
        return this.#change(decoded.change)
      case 'allocate-ids':
        return this.#allocateIds(decoded.count)
      case 'configure':
        this.#saved = undefined
        return this.#config.apply(decoded)
      case 'start-operators':
      case 'advance-operator':
      case 'unwind-operator':
      case 'pause-scheduler':
        return this.#operate(decoded)
      default:
        return unreachable(decoded)
    }
  }

  save(): Uint8Array {
    const { version, settings } = this.#config.config
    this.#saved ??= pack([
      STATE_FORMAT,
      mapToPlain(this.#map),
      this.#nextId,
      version,
      [...settings].sort(([a], [b]) => (a < b ? -1 : 1)),
      savedOperatorsToPlain(this.#operators.save()),
      configHistoryToPlain(this.#config.history),
    ])
    return this.#saved
  }

  #change(change: MapChange): PlacementResult {
    let rejected: readonly RejectedReport[] = []
    let applied: Applied
    if (change.kind === 'update-shards') {
      const updated = updateShards(this.#map, change.shards)
      if (updated.ok) rejected = updated.rejected
      applied = updated
    } else applied = applyChange(this.#map, change)
    if (!applied.ok) return { kind: 'refused', reason: applied.reason, message: applied.message }
    if (applied.map !== this.#map) {
      this.#map = applied.map
      // Numbers that came into use without an allocation, as those of the bootstrap do, are taken all the same.
      this.#nextId = Math.max(this.#nextId, idsAbove(applied.map))
      this.#saved = undefined
    }
    return { kind: 'applied', version: this.#map.version, rejected }
  }

  #allocateIds(count: number): PlacementResult {
    this.#saved = undefined
    return { kind: 'ids', first: this.#takeIds(count), count }
  }

  #takeIds(count: number): number {
    const first = this.#nextId
    assert(first + count < 2 ** 48, `ids from ${first} on are too large for the wire`)
    this.#nextId = first + count
    return first
  }

  #operate(command: OperatorCommand): PlacementResult {
    this.#saved = undefined
    return this.#operators.apply(command, this.#map, (count) => this.#takeIds(count))
  }
}

/** The smallest number above every id in a map, those of the placement shard's replicas included. */
function idsAbove(map: ShardMap): number {
  let highest = FIRST_ID - 1
  for (const shard of map.placement === undefined ? map.shards : [map.placement, ...map.shards]) {
    highest = Math.max(highest, shard.id)
    for (const replica of shard.replicas) highest = Math.max(highest, replica.id)
  }
  return highest + 1
}
