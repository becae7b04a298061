/** Says what a Raft message is in the few numbers that the RPC log keeps of it. Called by the loop, for each message. */
import { RPC_KIND, type RpcRecorder } from '../base/index.ts'
import type { Message, ReplicaId } from '../raft/index.ts'

interface RecordedReplica {
  readonly group: number
  storeOf(replica: ReplicaId): string | undefined
}

/** `peer` is the store that it goes to; `bytes`: as encoded; `isSent` is false where the transport had no room or no connection. */
export function recordSent(
  recorder: RpcRecorder | undefined,
  group: number,
  peer: string,
  message: Message,
  bytes: number,
  isSent: boolean,
): void {
  if (recorder === undefined) return
  const { term } = message
  switch (message.type) {
    case 'AppendEntries': {
      const { length } = message.entries
      recorder.note(RPC_KIND.AppendEntries, peer, group, term, message.prevLogIndex + length, length, bytes, !isSent)
      return
    }
    case 'Heartbeat':
      recorder.note(RPC_KIND.Heartbeat, peer, group, term, message.readId, 0, bytes, !isSent)
      return
    case 'RequestVote':
    case 'PreVote':
      recorder.note(RPC_KIND[message.type], peer, group, term, message.lastLogIndex, 0, bytes, !isSent)
      return
    case 'InstallSnapshot':
      recorder.note(RPC_KIND.InstallSnapshot, peer, group, term, message.snapshot.index, 0, bytes, !isSent)
      return
    case 'TimeoutNow':
      recorder.note(RPC_KIND.TimeoutNow, peer, group, term, 0, 0, bytes, !isSent)
      return
    default:
    // Answers are noted where they arrive; the rest are wishes of followers.
  }
}

export function recordReceived(recorder: RpcRecorder | undefined, replica: RecordedReplica, message: Message): void {
  if (recorder === undefined) return
  const peer = replica.storeOf(message.from)
  if (peer === undefined) return
  const { term } = message
  const { group } = replica
  switch (message.type) {
    case 'AppendEntriesReply':
      recorder.note(RPC_KIND.AppendEntriesReply, peer, group, term, message.index, 0, 0, message.rejected)
      return
    case 'HeartbeatReply':
      recorder.note(RPC_KIND.HeartbeatReply, peer, group, term, message.readId, 0, 0, false)
      return
    case 'RequestVoteReply':
    case 'PreVoteReply':
      recorder.note(RPC_KIND[message.type], peer, group, term, 0, 0, 0, !message.granted)
      return
    default:
    // Requests are noted by who sends them.
  }
}
