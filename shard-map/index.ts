/** The pure theory of where keys live: model, lookup, changes, planners. Imports nothing; everybody may import it. */
export { type Applied, applyChange, applyChanges } from './apply.ts'
export type { MapChange } from './change.ts'
export { changeFromPlain, changeToPlain, foreignChange } from './change-codec.ts'
export {
  deltaFromPlain,
  deltaToPlain,
  isUnreadable,
  mapFromPlain,
  mapToPlain,
  type Plain,
  shardFromPlain,
  shardToPlain,
  storeFromPlain,
  storeToPlain,
  type Unreadable,
} from './codec.ts'
export { applyDelta, deltaBetween, type MapDelta } from './delta.ts'
export { compareEpochs, type EpochOrder, epochToText } from './epoch.ts'
export { shardProblems, violations } from './invariants.ts'
export {
  keyFromBytes,
  keyFromPathText,
  keyFromText,
  keyPrefixEnd,
  keySuccessor,
  keyToBytes,
  keyToPathText,
  keyToText,
} from './key.ts'
export {
  covering,
  EMPTY_MAP,
  isBootstrapped,
  locate,
  shardById,
  shardCovers,
  shardOverlaps,
  shardsById,
  shardsOnStore,
  storeById,
} from './map.ts'
export { type AppliedStep, applyStep, isJoint } from './plan/apply-step.ts'
export {
  type LeaderBalanceInput,
  type LeaderStore,
  type LeaderTransfer,
  type LedShard,
  type PlannedTransfer,
  planLeaderBalance,
} from './plan/balance-leaders.ts'
export {
  BOOTSTRAP_SHARDS_DEFAULT,
  type BootstrapPlan,
  planBootstrap,
  planPlacementShard,
} from './plan/bootstrap.ts'
export { planBoundaries } from './plan/boundaries.ts'
export { type HandRequest, planByHand } from './plan/by-hand.ts'
export { explainShard, explainStore } from './plan/explain.ts'
export { healthyStore, indexOfMap, type KnownStatistics } from './plan/index-of-map.ts'
export { IndexedSet } from './plan/indexed-set.ts'
export {
  type Decision,
  type Influence,
  type Numbers,
  type OperatorKind,
  type OperatorStep,
  type Plan,
  type PlannedOperator,
  type PlanRefusal,
  type PlanRefusalCode,
  SCHEDULERS,
  type SchedulerName,
  type SplitPlace,
  stepToText,
} from './plan/operator.ts'
export {
  foreignOperator,
  foreignStep,
  operatorFromPlain,
  operatorToPlain,
  stepFromPlain,
  stepToPlain,
} from './plan/operator-codec.ts'
export { PlacementIndex } from './plan/placement-index.ts'
export { type PlanOptions, type PlanRound, type PlanWatch, planRound } from './plan/round.ts'
export type { Hold, IndexedShard } from './plan/shard-entry.ts'
export { middleOfLoad } from './plan/split.ts'
export {
  type KeySample,
  opsPerSecond,
  PLAN_SETTINGS_DEFAULT,
  type PlanSettings,
  QUIET_SHARD,
  type ShardStatistics,
  type StoreStatistics,
} from './plan/statistics.ts'
export { type Amounts, type Dimension, type IndexedStore, isAccepting, isLost } from './plan/store-load.ts'
export {
  isStoreOperator,
  planRecommission,
  planStoreOperator,
  type StoreOperator,
  type StorePlan,
  type StoreStep,
  storeStepToText,
} from './plan/store-operator.ts'
export { undoSteps } from './plan/undo.ts'
export { planUpkeep, type UpkeepKind, type UpkeepOperator, type UpkeepStep } from './plan/upkeep.ts'
export { changeReplicas, mergeShards, type Refusal, type RefusalReason, sameShard, splitShard } from './shard.ts'
export { shown } from './shown.ts'
export { sameStore } from './store-changes.ts'
export {
  type Epoch,
  type Key,
  PLACEMENT_SHARD,
  type Replica,
  type ReplicaId,
  type ReplicaRole,
  type Shard,
  type ShardId,
  type ShardMap,
  type StoreId,
  type StoreInfo,
} from './types.ts'
export { type RejectedReport, updateShards } from './update-shards.ts'
export { withShard } from './view.ts'
