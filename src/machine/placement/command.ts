/**
 * The bytes of a placement command. Rare and small, so they are MessagePack behind a format byte; changes of the map are in the plain
 * form of `shard-map`.
 *
 *   0  1  format: 1
 *   1     [0, change]                                               change
 *         [1, count]                                                allocate-ids
 *         [2, [[name, value], ...], expected version or null, by or null, atMs or null]   configure
 *         [3 to 6, ...]                                             operators, see operator-codec
 */
import { changeFromPlain, changeToPlain, foreignChange, isUnreadable, shown } from '../../../shard-map/index.ts'
import { isCount, unreachable } from '../../base/index.ts'
import { pack, unpack } from '../msgpack.ts'
import { foreignOperatorCommand, operatorCommandFromPlain, operatorCommandToPlain } from './operator-codec.ts'
import type { JsonValue, PlacementCommand } from './types.ts'

const FORMAT = 1
/** The last of the kinds that `decodePlacementCommand` knows. */
const KIND_MAX = 6

/** One allocation; a split needs a handful. */
export const IDS_PER_ALLOCATION_MAX = 100_000
const SETTINGS_PER_COMMAND_MAX = 1000
const NAME_CHARS_MAX = 200
const VALUE_DEPTH_MAX = 16
const NAME = /^[a-zA-Z][\w-]*(\.[\w-]+)*$/

export interface MalformedPlacementCommand {
  readonly kind: 'malformed'
  readonly reason: string
}

export function encodePlacementCommand(command: PlacementCommand): Uint8Array {
  const packed = pack(toPlain(command))
  const bytes = Buffer.allocUnsafe(1 + packed.length)
  bytes[0] = FORMAT
  bytes.set(packed, 1)
  return bytes
}

function toPlain(command: PlacementCommand): readonly unknown[] {
  switch (command.kind) {
    case 'change':
      return [0, changeToPlain(command.change)]
    case 'allocate-ids':
      return [1, command.count]
    case 'configure':
      return [2, command.settings, command.expectedVersion ?? null, command.by ?? null, command.atMs ?? null]
    case 'start-operators':
    case 'advance-operator':
    case 'unwind-operator':
    case 'pause-scheduler':
      return operatorCommandToPlain(command)
    default:
      return unreachable(command)
  }
}

/** Why these bytes may be a command of another release; undefined where they are not. */
export function foreignPlacementCommand(bytes: Uint8Array): string | undefined {
  if (bytes[0] !== FORMAT) return `format ${bytes[0]}`
  const unpacked = unpack(bytes.subarray(1))
  const plain = unpacked.ok && Array.isArray(unpacked.value) ? (unpacked.value as unknown[]) : []
  const [kind, first] = plain
  if (kind === 0) return foreignChange(first)
  return isCount(kind) && kind > KIND_MAX ? `kind ${kind}` : foreignOperatorCommand(plain)
}

/** Never throws; whatever comes out keeps the limits. */
export function decodePlacementCommand(bytes: Uint8Array): PlacementCommand | MalformedPlacementCommand {
  if (bytes[0] !== FORMAT) return malformed(`unknown format ${bytes[0]}`)
  const unpacked = unpack(bytes.subarray(1))
  if (!unpacked.ok) return malformed(unpacked.reason)
  if (!Array.isArray(unpacked.value)) return malformed('a command is a list')
  const [kind, first, second] = unpacked.value as unknown[]
  switch (kind) {
    case 0: {
      const change = changeFromPlain(first)
      return isUnreadable(change) ? malformed(change.unreadable) : { kind: 'change', change }
    }
    case 1: {
      if (!isCount(first) || first < 1 || first > IDS_PER_ALLOCATION_MAX) return malformed(`${shown(first)} ids`)
      return { kind: 'allocate-ids', count: first }
    }
    case 2:
      return configure(first, second, unpacked.value[3], unpacked.value[4])
    case 3:
    case 4:
    case 5:
    case 6:
      return operatorCommandFromPlain(unpacked.value) ?? malformed(`a command of kind ${kind} with wrong fields`)
    default:
      return malformed(`unknown kind ${shown(kind)}`)
  }
}

/** Commands of before there was a history say neither who nor when. */
function configure(
  plain: unknown,
  expected: unknown,
  by: unknown,
  atMs: unknown,
): PlacementCommand | MalformedPlacementCommand {
  if (!Array.isArray(plain) || plain.length > SETTINGS_PER_COMMAND_MAX) return malformed('settings are a short list')
  if (expected !== null && !isCount(expected)) return malformed('the expected version is a number')
  const settings = readSettings(plain)
  if (settings === undefined) return malformed('a setting has a dotted name and a JSON value')
  return {
    kind: 'configure',
    settings,
    expectedVersion: expected ?? undefined,
    ...(typeof by === 'string' ? { by } : {}),
    ...(isCount(atMs) ? { atMs } : {}),
  }
}

/** Pairs of name and value, undefined unless all of them are. */
export function readSettings(plain: readonly unknown[]): (readonly [string, JsonValue])[] | undefined {
  const settings: (readonly [string, JsonValue])[] = []
  for (const pair of plain) {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined
    const [name, value] = pair as [unknown, unknown]
    if (typeof name !== 'string' || name.length > NAME_CHARS_MAX || !NAME.test(name)) return undefined
    if (!isJson(value, VALUE_DEPTH_MAX)) return undefined
    settings.push([name, value])
  }
  return settings
}

function isJson(value: unknown, depthMax: number): value is JsonValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value instanceof Uint8Array || depthMax === 0) return false
  return Object.values(value).every((part) => isJson(part, depthMax - 1))
}

function malformed(reason: string): MalformedPlacementCommand {
  return { kind: 'malformed', reason }
}
