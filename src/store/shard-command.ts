import { type Epoch, isUnreadable, type Shard, shardFromPlain, shardToPlain } from '../../shard-map/index.ts'
import { isCount, unreachable } from '../base/index.ts'
import { pack, unpack } from '../machine/index.ts'
import type { ShardCut } from '../protocol/index.ts'
import type { Entry, EntryType } from '../raft/index.ts'

/**
 * What the entries of type `shard` say: changes of the shard that a group keeps. Written by the leader that was asked for one, read by every replica that
 * applies it. Each names the epoch that it was made for, and does nothing on any other. Rare, so MessagePack behind a format byte:
 *
 *   0  1  format: 1
 *   1     split           [0, membership epoch, range epoch, [[key, shard, [replica, ...]], ...]]
 *         prepare-merge   [1, membership epoch, range epoch, indexMin, target]
 *         commit-merge    [2, membership epoch, range epoch, source, index, previous term, [[term, type, data], ...]]
 *         fence-merge     [3, membership epoch, range epoch]
 *         rollback-merge  [4, membership epoch, range epoch]
 */
export type ShardCommand =
  | { readonly kind: 'split'; readonly epoch: Epoch; readonly cuts: readonly ShardCut[] }
  | { readonly kind: 'prepare-merge'; readonly epoch: Epoch; readonly indexMin: number; readonly target: Shard }
  | {
      readonly kind: 'commit-merge'
      readonly epoch: Epoch
      readonly source: Shard
      /** The term of the entry before the first of `entries`. */
      readonly previousTerm: number
      /** The source's entries that one of its replicas may lack, the last of which prepared the merge. */
      readonly entries: readonly Entry[]
    }
  /** Takes the next range epoch and changes nothing else. */
  | { readonly kind: 'fence-merge'; readonly epoch: Epoch }
  | { readonly kind: 'rollback-merge'; readonly epoch: Epoch }

const FORMAT = 1
/** Places in these lists are what is stored: they may only grow. */
const KINDS = ['split', 'prepare-merge', 'commit-merge', 'fence-merge', 'rollback-merge'] as const
const ENTRY_TYPES = ['normal', 'membership', 'membership-v1', 'shard'] as const satisfies readonly EntryType[]

export function encodeShardCommand(command: ShardCommand): Uint8Array {
  const packed = pack([KINDS.indexOf(command.kind), command.epoch.membership, command.epoch.range, ...details(command)])
  const bytes = new Uint8Array(1 + packed.length)
  bytes[0] = FORMAT
  bytes.set(packed, 1)
  return bytes
}

function details(command: ShardCommand): readonly unknown[] {
  switch (command.kind) {
    case 'split':
      return [command.cuts.map(({ key, shard, replicas }) => [key, shard, replicas])]
    case 'prepare-merge':
      return [command.indexMin, shardToPlain(command.target)]
    case 'commit-merge':
      return [
        shardToPlain(command.source),
        command.entries[0]?.index ?? 0,
        command.previousTerm,
        command.entries.map(({ term, type, data }) => [term, ENTRY_TYPES.indexOf(type), data]),
      ]
    case 'fence-merge':
    case 'rollback-merge':
      return []
    default:
      return unreachable(command)
  }
}

/** The command, or a sentence that says what is wrong with the bytes. */
export function decodeShardCommand(bytes: Uint8Array): ShardCommand | string {
  if (bytes[0] !== FORMAT) return `shard command format ${bytes[0]} is unknown to this version`
  const unpacked = unpack(bytes.subarray(1))
  if (!unpacked.ok) return unpacked.reason
  if (!Array.isArray(unpacked.value)) return 'a shard command is a list'
  const [code, membership, range, first, second, third, fourth] = unpacked.value as unknown[]
  if (!isCount(code) || !isCount(membership) || !isCount(range)) return 'a shard command has a kind and an epoch'
  const epoch: Epoch = { membership, range }
  const kind = KINDS[code]
  switch (kind) {
    case 'split': {
      const cuts = Array.isArray(first) ? first.map(cutFromPlain) : []
      const whole = cuts.filter((cut) => cut !== undefined)
      return whole.length === 0 || whole.length !== cuts.length ? 'a split has cuts' : { kind, epoch, cuts: whole }
    }
    case 'prepare-merge': {
      const target = shardFromPlain(second)
      return !isCount(first) || isUnreadable(target) ? 'a merge has a target' : { kind, epoch, indexMin: first, target }
    }
    case 'commit-merge': {
      const source = shardFromPlain(first)
      if (isUnreadable(source) || !isCount(second) || !isCount(third) || !Array.isArray(fourth))
        return 'a merge has a source'
      const entries = fourth.map((plain, i) => entryFromPlain(plain, second + i)).filter((entry) => entry !== undefined)
      if (entries.length === 0 || entries.length !== fourth.length) return 'a merge carries entries'
      return { kind, epoch, source, previousTerm: third, entries }
    }
    case 'fence-merge':
    case 'rollback-merge':
      return { kind, epoch }
    case undefined:
      return `shard command ${code} is unknown to this version`
    default:
      return unreachable(kind)
  }
}

function cutFromPlain(plain: unknown): ShardCut | undefined {
  const [key, shard, replicas] = Array.isArray(plain) ? (plain as unknown[]) : []
  if (typeof key !== 'string' || !isCount(shard) || !Array.isArray(replicas) || !replicas.every(isCount))
    return undefined
  return { key, shard, replicas }
}

function entryFromPlain(plain: unknown, index: number): Entry | undefined {
  const [term, code, data] = Array.isArray(plain) ? (plain as unknown[]) : []
  const type = isCount(code) ? ENTRY_TYPES[code] : undefined
  return isCount(term) && type !== undefined && data instanceof Uint8Array ? { index, term, type, data } : undefined
}
