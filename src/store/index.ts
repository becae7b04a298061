/** One process hosting many groups: the loop, waiting requests, snapshots, compaction, heartbeats. */
export { answerError, type Call, LocalCall } from './call.ts'
export { notReady } from './describe.ts'
export type { LoopStats } from './loop.ts'
export type { PlacementHandler } from './placement-handler.ts'
export { notLeader } from './refusals.ts'
export { RAFT_SETTINGS_DEFAULT, type RaftSettings, type Replica } from './replica.ts'
export { decodeStateRecord } from './state-record.ts'
export { Store, type StoreOptions } from './store.ts'
