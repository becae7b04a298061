/**
 * The requests that change a shard, as MessagePack lists.
 *
 *   change-membership [shard, membership epoch, range epoch, step]   split [shard, membership epoch, range epoch, [cut, ...]]
 *   step              add-learner [0, store, replica]   enter-joint [1, [store, ...], [store, ...], lagEntriesMax, votersMin]
 *                     leave-joint [2]                   remove-learner [3, store]
 *   cut               [key, shard, [replica, ...]]
 *   prepare-merge, rollback-merge [shard, membership epoch, range epoch, target]
 *   commit-merge      [shard, membership epoch, range epoch, source]
 *   fence-merge       [shard, membership epoch, range epoch, source id]
 *
 * Keys are latin-1 text, as in the shards of a map.
 */
import { type Epoch, type Key, shardFromPlain, shardToPlain } from '../../shard-map/index.ts'
import { LIMITS, unreachable } from '../base/index.ts'
import type { FieldReader } from './field-reader.ts'
import type { MembershipStep, ShardCut, ShardRequest } from './requests.ts'

/** Places in this list are what is sent: it may only grow. */
const STEPS = [
  'add-learner',
  'enter-joint',
  'leave-joint',
  'remove-learner',
] as const satisfies readonly MembershipStep['kind'][]

export function shardRequestToPlain(request: ShardRequest): readonly unknown[] {
  const head = [request.shard, request.epoch.membership, request.epoch.range]
  switch (request.kind) {
    case 'change-membership':
      return [...head, stepToPlain(request.step)]
    case 'split':
      return [...head, request.cuts.map(({ key, shard, replicas }) => [key, shard, replicas])]
    case 'prepare-merge':
    case 'rollback-merge':
      return [...head, shardToPlain(request.target)]
    case 'commit-merge':
      return [...head, shardToPlain(request.source)]
    case 'fence-merge':
      return [...head, request.source]
    default:
      return unreachable(request)
  }
}

function stepToPlain(step: MembershipStep): readonly unknown[] {
  const code = STEPS.indexOf(step.kind)
  switch (step.kind) {
    case 'add-learner':
      return [code, step.store, step.replica]
    case 'enter-joint':
      return [code, step.promote, step.demote, step.lagEntriesMax, step.votersMin]
    case 'leave-joint':
      return [code]
    case 'remove-learner':
      return [code, step.store]
    default:
      return unreachable(step)
  }
}

/** Undefined, or marked as failed, when it is none. */
export function readShardRequest(kind: ShardRequest['kind'], fields: FieldReader): ShardRequest | undefined {
  const shard = fields.count()
  const epoch: Epoch = { membership: fields.count(), range: fields.count() }
  switch (kind) {
    case 'change-membership':
      return { kind, shard, epoch, step: fields.nested(readStep) }
    case 'split':
      return { kind, shard, epoch, cuts: fields.list(readCut) }
    case 'prepare-merge':
    case 'rollback-merge': {
      const target = fields.model(shardFromPlain)
      return target === undefined ? undefined : { kind, shard, epoch, target }
    }
    case 'commit-merge': {
      const source = fields.model(shardFromPlain)
      return source === undefined ? undefined : { kind, shard, epoch, source }
    }
    case 'fence-merge':
      return { kind, shard, epoch, source: fields.count() }
    default:
      return unreachable(kind)
  }
}

function readStep(fields: FieldReader): MembershipStep {
  const kind = fields.choice(STEPS)
  switch (kind) {
    case 'add-learner':
      return { kind, store: fields.text(), replica: fields.count() }
    case 'enter-joint': {
      const stores = (list: FieldReader): string => list.text()
      return {
        kind,
        promote: fields.flat(1, stores),
        demote: fields.flat(1, stores),
        lagEntriesMax: fields.count(),
        votersMin: fields.count(),
      }
    }
    case 'leave-joint':
      return { kind }
    case 'remove-learner':
      return { kind, store: fields.text() }
    default:
      return unreachable(kind)
  }
}

function readCut(fields: FieldReader): ShardCut {
  return { key: readKey(fields), shard: fields.count(), replicas: fields.flat(1, (ids) => ids.count()) }
}

/** A key, which may be empty: whoever uses it refuses that. */
export function readKey(fields: FieldReader): Key {
  const key = fields.text()
  if (key.length > LIMITS.keyBytesMax) fields.fail()
  for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) > 0xff) fields.fail()
  return fields.failed ? '' : key
}
