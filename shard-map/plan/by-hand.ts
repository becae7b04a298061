/**
 * What a person asks for, made into an operator: the requests behind `shard move`, `add-replica`, `remove-replica`, `transfer-leader`, `split` and
 * `merge`. A dry run prints the steps of the operator that this returns, the real command carries out the same. Limits that keep planners modest
 * do not bind people; safety does.
 */
import type { Key, ShardId, StoreId } from '../types.ts'
import { addLearner, addVoter, dropLearner, dropVoter, replaceVoter, transferLeader } from './expand.ts'
import { mergeInto, rightNeighbour } from './merge.ts'
import { type Plan, refusePlan } from './operator.ts'
import type { PlacementIndex } from './placement-index.ts'
import type { IndexedShard } from './shard-entry.ts'
import { middleOfLoad, splitAt } from './split.ts'
import type { IndexedStore } from './store-load.ts'

export type HandRequest =
  | { readonly kind: 'move'; readonly shard: ShardId; readonly from: StoreId; readonly to: StoreId }
  | {
      readonly kind: 'add-replica'
      readonly shard: ShardId
      readonly store: StoreId
      readonly role: 'voter' | 'learner'
    }
  | { readonly kind: 'remove-replica'; readonly shard: ShardId; readonly store: StoreId }
  | { readonly kind: 'transfer-leader'; readonly shard: ShardId; readonly store: StoreId }
  | { readonly kind: 'split'; readonly shard: ShardId; readonly key?: Key; readonly policy?: 'size' | 'load' }
  /** With the neighbour on the right unless another neighbour is named. */
  | { readonly kind: 'merge'; readonly shard: ShardId; readonly with?: ShardId }

const MOTIVE = { scheduler: 'by-hand', reason: 'somebody asked for it', numbers: {} } as const

export function planByHand(index: PlacementIndex, request: HandRequest): Plan {
  const entry = index.shard(request.shard)
  if (entry === undefined) return refusePlan('shard-unknown', `there is no shard ${request.shard}`)
  const { settings } = index
  switch (request.kind) {
    case 'move':
      return withStore(index, request.from, (from) =>
        withStore(index, request.to, (to) => replaceVoter(entry, from, to, settings, MOTIVE)),
      )
    case 'add-replica':
      return withStore(index, request.store, (store) =>
        (request.role === 'learner' ? addLearner : addVoter)(entry, store, settings, MOTIVE),
      )
    case 'remove-replica':
      return withStore(index, request.store, (store) =>
        entry.shard.replicas[entry.stores.indexOf(store)]?.role === 'learner'
          ? dropLearner(entry, store, MOTIVE)
          : dropVoter(entry, store, settings, MOTIVE),
      )
    case 'transfer-leader':
      return withStore(index, request.store, (store) => transferLeader(entry, store, MOTIVE))
    case 'split':
      return splitByHand(index, entry, request)
    case 'merge':
      return mergeByHand(index, entry, request.with)
  }
}

function splitByHand(index: PlacementIndex, entry: IndexedShard, request: HandRequest & { kind: 'split' }): Plan {
  if (request.key !== undefined) return splitAt(index, entry, { keys: [request.key] }, MOTIVE)
  if (request.policy !== 'load') return splitAt(index, entry, { policy: 'size' }, MOTIVE)
  const middle = middleOfLoad(entry.shard, entry.statistics.keySamples, index.settings)
  if (middle.ok) return splitAt(index, entry, { keys: [middle.key] }, MOTIVE)
  // The store may have fresher samples than its heartbeats have told.
  return middle.code === 'no-samples' ? splitAt(index, entry, { policy: 'load' }, MOTIVE) : middle
}

function mergeByHand(index: PlacementIndex, entry: IndexedShard, other: ShardId | undefined): Plan {
  const neighbour = other === undefined ? rightNeighbour(index, entry) : index.shard(other)
  if (neighbour === undefined) {
    return other === undefined
      ? refusePlan('no-neighbour', `shard ${entry.shard.id} has no neighbour on its right`)
      : refusePlan('shard-unknown', `there is no shard ${other}`)
  }
  const isLeft = neighbour.shard.end !== undefined && neighbour.shard.end === entry.shard.start
  return isLeft
    ? mergeInto(neighbour, entry, index.settings, MOTIVE)
    : mergeInto(entry, neighbour, index.settings, MOTIVE)
}

function withStore(index: PlacementIndex, id: StoreId, plan: (store: IndexedStore) => Plan): Plan {
  const store = index.store(id)
  return store === undefined ? refusePlan('store-unknown', `there is no store ${id}`) : plan(store)
}
