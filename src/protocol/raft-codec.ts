/**
 * The bytes of Raft messages, one transport item each. Fixed fields, big-endian; an index, a term, a group or a replica takes
 * six bytes. The payloads of entries are opaque and neither looked at nor encoded again: here they cost one copy on the way out
 * and none on the way in.
 *
 *   0   1  format: 1                             AppendEntries         26  6  prevLogIndex
 *   1   1  message type (order of MESSAGE_TYPES)                       32  6  prevLogTerm
 *   2   6  group                                                       38  6  leaderCommit
 *   8   6  from                                                        44  4  number of entries
 *   14  6  to                                                          48     entries: 4 length, 1 type, 6 term, payload;
 *   20  6  term                                                               their indexes follow prevLogIndex
 *
 *   RequestVote, PreVote  26 6 lastLogIndex, 32 6 lastLogTerm, 38 1 leadershipTransfer
 *   RequestVoteReply, PreVoteReply  26 1 granted, 27 6 commitIndex, 33 6 commitTerm
 *   AppendEntriesReply    26 6 index, 32 1 rejected, 33 6 hintIndex, 39 6 hintTerm
 *   Heartbeat             26 6 commitIndex, 32 8 readId          HeartbeatReply  26 8 readId
 *   ReadIndex             26 8 readId                            ReadIndexReply  26 8 readId, 34 6 index
 *   InstallSnapshot       26 6 index, 32 6 term, 38 membership (membership-codec)
 *   TimeoutNow            nothing                                TransferLeader  26 6 transferee
 *   Propose               26 4 number of entries, 30 entries: 4 length, 1 type, payload
 */
import { assert, unreachable } from '../base/index.ts'
import { ByteReader, ByteWriter } from '../machine/index.ts'
import type { Entry, EntryType, Message, MessageType } from '../raft/index.ts'
import { type Decoded, decoded, undecodable } from './decoded.ts'
import { membershipBytes, readMembership, writeMembership } from './membership-codec.ts'

const FORMAT = 1
const HEADER_BYTES = 26
const ENTRY_HEADER_BYTES = 11
const PROPOSAL_HEADER_BYTES = 5

/** The order is the format: append only. */
const MESSAGE_TYPES = [
  'RequestVote',
  'PreVote',
  'RequestVoteReply',
  'PreVoteReply',
  'AppendEntries',
  'AppendEntriesReply',
  'Heartbeat',
  'HeartbeatReply',
  'InstallSnapshot',
  'TimeoutNow',
  'TransferLeader',
  'Propose',
  'ReadIndex',
  'ReadIndexReply',
] as const satisfies readonly MessageType[]

const TYPE_CODES = Object.fromEntries(MESSAGE_TYPES.map((type, code) => [type, code])) as Record<MessageType, number>

/** The order is the format: append only. */
const ENTRY_TYPES = ['normal', 'membership', 'membership-v1', 'shard'] as const satisfies readonly EntryType[]

/** A Raft message and the group it belongs to. */
export interface GroupMessage {
  readonly group: number
  readonly message: Message
}

export function encodeRaftMessage(group: number, message: Message): Uint8Array {
  const writer = new ByteWriter(HEADER_BYTES + bodyBytes(message))
    .u8(FORMAT)
    .u8(TYPE_CODES[message.type])
    .u48(group)
    .u48(message.from)
    .u48(message.to)
    .u48(message.term)
  writeBody(writer, message)
  return writer.finish()
}

function bodyBytes(message: Message): number {
  switch (message.type) {
    case 'RequestVote':
    case 'PreVote':
      return 13
    case 'RequestVoteReply':
    case 'PreVoteReply':
      return 13
    case 'AppendEntries': {
      let bytes = 22
      for (const entry of message.entries) bytes += ENTRY_HEADER_BYTES + entry.data.length
      return bytes
    }
    case 'AppendEntriesReply':
      return 19
    case 'Heartbeat':
    case 'ReadIndexReply':
      return 14
    case 'HeartbeatReply':
    case 'ReadIndex':
      return 8
    case 'InstallSnapshot':
      return 12 + membershipBytes(message.snapshot.membership)
    case 'TimeoutNow':
      return 0
    case 'TransferLeader':
      return 6
    case 'Propose': {
      let bytes = 4
      for (const entry of message.entries) bytes += PROPOSAL_HEADER_BYTES + entry.data.length
      return bytes
    }
    default:
      return unreachable(message)
  }
}

function writeBody(writer: ByteWriter, message: Message): void {
  switch (message.type) {
    case 'RequestVote':
    case 'PreVote':
      writer.u48(message.lastLogIndex).u48(message.lastLogTerm).flag(message.leadershipTransfer)
      return
    case 'RequestVoteReply':
    case 'PreVoteReply':
      writer.flag(message.granted).u48(message.commitIndex).u48(message.commitTerm)
      return
    case 'AppendEntries':
      writer.u48(message.prevLogIndex).u48(message.prevLogTerm).u48(message.leaderCommit).u32(message.entries.length)
      writeEntries(writer, message.entries, message.prevLogIndex + 1)
      return
    case 'AppendEntriesReply':
      writer.u48(message.index).flag(message.rejected).u48(message.hintIndex).u48(message.hintTerm)
      return
    case 'Heartbeat':
      writer.u48(message.commitIndex).u53(message.readId)
      return
    case 'HeartbeatReply':
    case 'ReadIndex':
      writer.u53(message.readId)
      return
    case 'InstallSnapshot':
      writer.u48(message.snapshot.index).u48(message.snapshot.term)
      writeMembership(writer, message.snapshot.membership)
      return
    case 'TimeoutNow':
      return
    case 'TransferLeader':
      writer.u48(message.transferee)
      return
    case 'Propose':
      writer.u32(message.entries.length)
      for (const { type, data } of message.entries) writer.u32(data.length).u8(ENTRY_TYPES.indexOf(type)).bytes(data)
      return
    case 'ReadIndexReply':
      writer.u53(message.readId).u48(message.index)
      return
    default:
      unreachable(message)
  }
}

function writeEntries(writer: ByteWriter, entries: readonly Entry[], firstIndex: number): void {
  let index = firstIndex
  for (const entry of entries) {
    if (entry.index !== index) assert(false, `entry ${entry.index} where ${index} belongs`)
    writer.u32(entry.data.length).u8(ENTRY_TYPES.indexOf(entry.type)).u48(entry.term).bytes(entry.data)
    index++
  }
}

/** Payloads are parts of the input. What a message means is not judged here, only whether it is one. */
export function decodeRaftMessage(bytes: Uint8Array): Decoded<GroupMessage> {
  const reader = new ByteReader(bytes)
  const format = reader.u8()
  if (format !== FORMAT) return undecodable(`Raft message of unknown format ${format}`)
  const code = reader.u8()
  const type = MESSAGE_TYPES[code]
  if (type === undefined) return undecodable(`Raft message of unknown type ${code}`)
  const group = reader.u48()
  const from = reader.u48()
  const to = reader.u48()
  const term = reader.u48()
  const message = readMessage(reader, type, from, to, term)
  return reader.isComplete ? decoded({ group, message }) : undecodable(`damaged ${type} of ${bytes.length} bytes`)
}

function readMessage(reader: ByteReader, type: MessageType, from: number, to: number, term: number): Message {
  switch (type) {
    case 'RequestVote':
    case 'PreVote':
      return {
        type,
        from,
        to,
        term,
        lastLogIndex: reader.u48(),
        lastLogTerm: reader.u48(),
        leadershipTransfer: reader.flag(),
      }
    case 'RequestVoteReply':
    case 'PreVoteReply':
      return {
        type,
        from,
        to,
        term,
        granted: reader.flag(),
        commitIndex: reader.u48(),
        commitTerm: reader.u48(),
      }
    case 'AppendEntries': {
      const prevLogIndex = reader.u48()
      const prevLogTerm = reader.u48()
      const leaderCommit = reader.u48()
      const entries = readEntries(reader, prevLogIndex + 1)
      return { type, from, to, term, prevLogIndex, prevLogTerm, entries, leaderCommit }
    }
    case 'AppendEntriesReply':
      return {
        type,
        from,
        to,
        term,
        index: reader.u48(),
        rejected: reader.flag(),
        hintIndex: reader.u48(),
        hintTerm: reader.u48(),
      }
    case 'Heartbeat':
      return { type, from, to, term, commitIndex: reader.u48(), readId: reader.u53() }
    case 'HeartbeatReply':
    case 'ReadIndex':
      return { type, from, to, term, readId: reader.u53() }
    case 'InstallSnapshot': {
      const index = reader.u48()
      const snapshotTerm = reader.u48()
      return { type, from, to, term, snapshot: { index, term: snapshotTerm, membership: readMembership(reader) } }
    }
    case 'TimeoutNow':
      return { type, from, to, term }
    case 'TransferLeader':
      return { type, from, to, term, transferee: reader.u48() }
    case 'Propose':
      return { type, from, to, term, entries: readProposals(reader) }
    case 'ReadIndexReply':
      return { type, from, to, term, readId: reader.u53(), index: reader.u48() }
    default:
      return unreachable(type)
  }
}

function readEntries(reader: ByteReader, firstIndex: number): Entry[] {
  const count = reader.u32()
  const entries: Entry[] = []
  for (let i = 0; i < count && !reader.failed; i++) {
    const length = reader.u32()
    const type = readEntryType(reader)
    const term = reader.u48()
    entries.push({ index: firstIndex + i, term, type, data: reader.bytes(length) })
  }
  return entries
}

function readProposals(reader: ByteReader): Pick<Entry, 'type' | 'data'>[] {
  const count = reader.u32()
  const entries: Pick<Entry, 'type' | 'data'>[] = []
  for (let i = 0; i < count && !reader.failed; i++) {
    const length = reader.u32()
    const type = readEntryType(reader)
    entries.push({ type, data: reader.bytes(length) })
  }
  return entries
}

function readEntryType(reader: ByteReader): EntryType {
  const type = ENTRY_TYPES[reader.u8()]
  if (type !== undefined) return type
  reader.fail()
  return 'normal'
}
