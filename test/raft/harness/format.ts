/** The texts in which the data files show messages, entries, states and progress. Formatting only, no behaviour. */
import { utf8Decode } from '../../../src/base/index.ts'
import {
  type AppendAck,
  type AppendWork,
  decodeMembershipChange,
  type Entry,
  type EntryType,
  type HardState,
  type MembershipState,
  type Message,
  type MessageType,
  type ProgressStatus,
  type Role,
  type SnapshotMeta,
  type SoftState,
} from '../../../src/raft/index.ts'

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

export function hex(id: number): string {
  return id.toString(16)
}

export function quoted(bytes: Uint8Array): string {
  const text = utf8Decode(bytes)
  if (text === undefined) {
    // Byte by byte: what is not ASCII in a malformed string is shown as a byte.
    let out = ''
    for (const byte of bytes) {
      out += byte < 0x80 ? escapeCharacter(String.fromCharCode(byte)) : `\\x${byte.toString(16).padStart(2, '0')}`
    }
    return `"${out}"`
  }
  return `"${[...text].map(escapeCharacter).join('')}"`
}

function escapeCharacter(character: string): string {
  const known = ESCAPES[character]
  if (known !== undefined) return known
  const code = character.codePointAt(0) as number
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`
  if (character === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character)) return character
  return code <= 0xffff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`
}

const ENTRY_TYPES: Readonly<Record<EntryType, string>> = {
  shard: 'EntryShard',
  normal: 'EntryNormal',
  'membership-v1': 'EntryConfChange',
  membership: 'EntryConfChangeV2',
}

export interface ShownEntry {
  readonly term: number
  readonly index: number
  readonly type: EntryType
  readonly data: Uint8Array
}

export function entryText(entry: ShownEntry): string {
  const payload = payloadText(entry)
  return `${entry.term}/${entry.index} ${ENTRY_TYPES[entry.type]}${payload === '' ? '' : ` ${payload}`}`
}

function payloadText(entry: ShownEntry): string {
  if (entry.type === 'normal') return quoted(entry.data)
  const decoded = decodeMembershipChange(entry.data)
  if (!decoded.ok) throw new Error(`malformed membership change: ${decoded.error}`)
  const letters = { 'add-voter': 'v', 'add-learner': 'l', remove: 'r', update: 'u' }
  return decoded.value.operations.map((operation) => `${letters[operation.kind]}${operation.replica}`).join(' ')
}

export function entriesText(entries: readonly Entry[]): string {
  return entries.map((entry) => `${entryText(entry)}\n`).join('')
}

export function hardStateText(state: HardState): string {
  const vote = state.votedFor === 0 ? '' : ` Vote:${state.votedFor}`
  return `Term:${state.term}${vote} Commit:${state.commitIndex}`
}

const ROLES: Readonly<Record<Role, string>> = {
  follower: 'StateFollower',
  candidate: 'StateCandidate',
  leader: 'StateLeader',
  'pre-candidate': 'StatePreCandidate',
}

export function roleText(role: Role): string {
  return ROLES[role]
}

export function softStateText(state: SoftState): string {
  return `Lead:${state.leader} State:${roleText(state.role)}`
}

function list(ids: readonly number[]): string {
  return `[${ids.join(' ')}]`
}

export function snapshotText(snapshot: SnapshotMeta): string {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = snapshot.membership
  const membership =
    `Voters:${list(voters)} VotersOutgoing:${list(votersOutgoing)} Learners:${list(learners)} ` +
    `LearnersNext:${list(learnersNext)} AutoLeave:${autoLeave}`
  return `Index:${snapshot.index} Term:${snapshot.term} ConfState:${membership}`
}

/** One line per configuration: `voters=(1 2)&&(1) learners=(3)`. */
export function configurationText(membership: MembershipState): string {
  const set = (ids: readonly number[]) => `(${ids.map(hex).join(' ')})`
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = membership
  return (
    `voters=${set(voters)}` +
    (votersOutgoing.length > 0 ? `&&${set(votersOutgoing)}` : '') +
    (learners.length > 0 ? ` learners=${set(learners)}` : '') +
    (learnersNext.length > 0 ? ` learners_next=${set(learnersNext)}` : '') +
    (autoLeave ? ' autoleave' : '')
  )
}

const PROGRESS_STATES = { probe: 'StateProbe', replicate: 'StateReplicate', snapshot: 'StateSnapshot' } as const

export function progressText(progress: ProgressStatus): string {
  return (
    `${PROGRESS_STATES[progress.state]} match=${progress.matchIndex} next=${progress.nextIndex}` +
    (progress.isLearner ? ' learner' : '') +
    (progress.isPaused ? ' paused' : '') +
    (progress.pendingSnapshotIndex > 0 ? ` pendingSnap=${progress.pendingSnapshotIndex}` : '') +
    (progress.recentlyActive ? '' : ' inactive') +
    (progress.inflightMessages > 0
      ? ` inflight=${progress.inflightMessages}${progress.isWindowFull ? '[full]' : ''}`
      : '')
  )
}

export function progressMapText(progress: Iterable<readonly [number, ProgressStatus]>): string {
  return [...progress].map(([id, one]) => `${id}: ${progressText(one)}\n`).join('')
}

/** A message as the files show it: one shape for all types, absent parts zero. */
export interface ShownMessage {
  readonly from: string
  readonly to: string
  readonly type: string
  readonly term: number
  readonly logTerm: number
  readonly index: number
  readonly hint: number | undefined
  readonly commit: number
  readonly vote: number
  readonly entries: readonly string[]
  readonly snapshot: string | undefined
  readonly responses: readonly ShownMessage[] | undefined
}

export function shownText(message: ShownMessage, indent = ''): string {
  let text = `${indent}${message.from}->${message.to} ${message.type} Term:${message.term} Log:${message.logTerm}/${message.index}`
  if (message.hint !== undefined) text += ` Rejected (Hint: ${message.hint})`
  if (message.commit !== 0) text += ` Commit:${message.commit}`
  if (message.vote !== 0) text += ` Vote:${message.vote}`
  if (message.entries.length === 1) text += ` Entries:[${message.entries[0]}]`
  if (message.entries.length > 1) {
    text += ` Entries:[${message.entries.map((entry) => `\n${indent}  ${entry}`).join('')}\n${indent}]`
  }
  if (message.snapshot !== undefined) text += `\n${indent}  Snapshot: ${message.snapshot}`
  if (message.responses !== undefined) {
    text += ` Responses:[${message.responses.map((one) => `\n${shownText(one, `${indent}  `)}`).join('')}\n${indent}]`
  }
  return text
}

const NOTHING = {
  logTerm: 0,
  index: 0,
  hint: undefined,
  commit: 0,
  vote: 0,
  entries: [],
  snapshot: undefined,
  responses: undefined,
}

export const TYPES: Readonly<Record<MessageType, string>> = {
  RequestVote: 'MsgVote',
  PreVote: 'MsgPreVote',
  RequestVoteReply: 'MsgVoteResp',
  PreVoteReply: 'MsgPreVoteResp',
  AppendEntries: 'MsgApp',
  AppendEntriesReply: 'MsgAppResp',
  Heartbeat: 'MsgHeartbeat',
  HeartbeatReply: 'MsgHeartbeatResp',
  InstallSnapshot: 'MsgSnap',
  TimeoutNow: 'MsgTimeoutNow',
  TransferLeader: 'MsgTransferLeader',
  Propose: 'MsgProp',
  ReadIndex: 'MsgReadIndex',
  ReadIndexReply: 'MsgReadIndexResp',
}

export function shown(message: Message): ShownMessage {
  const base = {
    ...NOTHING,
    from: hex(message.from),
    to: hex(message.to),
    type: TYPES[message.type],
    term: message.term,
  }
  switch (message.type) {
    case 'RequestVote':
    case 'PreVote':
      return { ...base, logTerm: message.lastLogTerm, index: message.lastLogIndex }
    case 'RequestVoteReply':
    case 'PreVoteReply':
      return { ...base, hint: message.granted ? undefined : 0 }
    case 'AppendEntries':
      return {
        ...base,
        logTerm: message.prevLogTerm,
        index: message.prevLogIndex,
        commit: message.leaderCommit,
        entries: message.entries.map(entryText),
      }
    case 'AppendEntriesReply':
      return {
        ...base,
        logTerm: message.hintTerm,
        index: message.index,
        hint: message.rejected ? message.hintIndex : undefined,
      }
    case 'Heartbeat':
      return { ...base, commit: message.commitIndex }
    case 'InstallSnapshot':
      return { ...base, snapshot: snapshotText(message.snapshot) }
    case 'Propose':
      return { ...base, entries: message.entries.map((entry) => entryText({ ...entry, term: 0, index: 0 })) }
    case 'ReadIndexReply':
      return { ...base, index: message.index }
    case 'HeartbeatReply':
    case 'TimeoutNow':
    case 'TransferLeader':
    case 'ReadIndex':
      return base
  }
}

/** The acknowledgement of a write, as a message of the append thread. */
export function shownAppendAck(id: number, ack: AppendAck, snapshot: SnapshotMeta | undefined): ShownMessage {
  return {
    ...NOTHING,
    from: 'AppendThread',
    to: hex(id),
    type: 'MsgStorageAppendResp',
    term: ack.term,
    logTerm: ack.lastTerm,
    index: ack.lastIndex,
    snapshot: snapshot === undefined ? undefined : snapshotText(snapshot),
  }
}

/** The acknowledgement of applied entries, as a message of the apply thread. */
export function shownApplyAck(id: number, entries: readonly Entry[]): ShownMessage {
  return {
    ...NOTHING,
    from: 'ApplyThread',
    to: hex(id),
    type: 'MsgStorageApplyResp',
    term: 0,
    entries: entries.map(entryText),
  }
}

export function shownAppend(
  id: number,
  work: Omit<AppendWork, 'responses'>,
  responses: readonly ShownMessage[],
): ShownMessage {
  return {
    ...NOTHING,
    from: hex(id),
    to: 'AppendThread',
    type: 'MsgStorageAppend',
    term: work.hardState?.term ?? 0,
    commit: work.hardState?.commitIndex ?? 0,
    vote: work.hardState?.votedFor ?? 0,
    entries: work.entries.map(entryText),
    snapshot: work.snapshot === undefined ? undefined : snapshotText(work.snapshot),
    responses: responses.length > 0 ? responses : undefined,
  }
}

export function shownApply(id: number, entries: readonly Entry[], responses: readonly ShownMessage[]): ShownMessage {
  return {
    ...NOTHING,
    from: hex(id),
    to: 'ApplyThread',
    type: 'MsgStorageApply',
    term: 0,
    entries: entries.map(entryText),
    responses: responses.length > 0 ? responses : undefined,
  }
}
