/** Replicated state machines: the port, and the machines of data shards (`kv`) and of the placement driver (`placement`). */
export { ByteReader } from './byte-reader.ts'
export { ByteWriter } from './byte-writer.ts'
export { commandRangeEpoch, decodeKvCommand, encodeKvCommand, type MalformedCommand } from './kv/command.ts'
export { commandKeys } from './kv/command-keys.ts'
export { KvMachine, type KvShard } from './kv/kv-machine.ts'
export { decodeRecord, encodeRecord, recordRevision } from './kv/record.ts'
export type { KvCommand, KvCondition, KvOperation, KvOperationResult, KvRecord, KvResult } from './kv/types.ts'
export type { MachineData, Needs, StateMachine } from './machine.ts'
export { pack, unpack } from './msgpack.ts'
export { encodePlacementCommand, readSettings } from './placement/command.ts'
export { shardsOf } from './placement/operator-book.ts'
export type {
  OperatorEnd,
  OperatorRecord,
  StartedOperator,
  StepRecord,
  WantedLearner,
} from './placement/operator-types.ts'
export { PlacementMachine } from './placement/placement-machine.ts'
export { rangesMadeBy } from './placement/range-changes.ts'
export type { ClusterConfig, ConfigChange, JsonValue, PlacementCommand, PlacementResult } from './placement/types.ts'
export { UnreadableStateError } from './unreadable-state.ts'
