/** Replicated state machines: the port, and the machines of data shards (`kv`) and of the placement driver (`placement`). */
export type { KvCommand, KvCondition, KvOperation, KvOperationResult, KvRecord, KvResult } from './kv/types.ts'
export type { MachineData, Needs, StateMachine } from './machine.ts'
