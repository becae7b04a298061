/**
 * The port through which a store notes each message between its replicas and others: a few numbers per message, nothing else, because it stands on the hot
 * path. Which message is an answer to which is worked out later, by whoever implements this.
 */
export const RPC_KIND = {
  RequestVote: 1,
  PreVote: 2,
  AppendEntries: 3,
  Heartbeat: 4,
  InstallSnapshot: 5,
  TimeoutNow: 6,
  RequestVoteReply: 11,
  PreVoteReply: 12,
  AppendEntriesReply: 13,
  HeartbeatReply: 14,
} as const

export type RpcKind = (typeof RPC_KIND)[keyof typeof RPC_KIND]

export interface RpcRecorder {
  /**
   * `index`: the last index of entries, the index of a snapshot or of an answer, or the id of a read round; 0 where there is none. `failed`: it could not be
   * sent, or it is an answer that refuses.
   */
  note(
    kind: RpcKind,
    peer: string,
    group: number,
    term: number,
    index: number,
    entries: number,
    bytes: number,
    failed: boolean,
  ): void
  /** Everything noted since the last call happened now: one look at the clock for a frame that came in, or for a turn whose frames have left. */
  stamp(): void
}
