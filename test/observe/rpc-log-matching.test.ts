/** Which answer belongs to which message in the RPC log. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RPC_KIND, type RpcRecorder } from '../../src/base/index.ts'
import type { EndedCall } from '../../src/observe/rpc-log/call.ts'
import { Matcher } from '../../src/observe/rpc-log/matcher.ts'
import type { Note } from '../../src/observe/rpc-log/note.ts'
import { Recorder } from '../../src/observe/rpc-log/recorder.ts'
import { virtualClock } from './virtual-clock.ts'

const { AppendEntries, AppendEntriesReply, Heartbeat, HeartbeatReply, InstallSnapshot } = RPC_KIND
const { PreVote, PreVoteReply, RequestVote, RequestVoteReply, TimeoutNow } = RPC_KIND

function matching() {
  const clock = virtualClock()
  const ended: string[] = []
  const all: EndedCall[] = []
  const matcher = new Matcher((call) => {
    all.push({ ...call })
    ended.push(
      `${call.heartbeat ? 'h' : ''}${call.type} ${call.group} ${call.entries} ${Number.isNaN(call.latencyMs) ? '-' : call.latencyMs} ${call.error}`,
    )
  })
  const recorder = new Recorder(clock, () => {}, 64)
  const note = (...words: Parameters<RpcRecorder['note']>): string[] => {
    recorder.note(...words)
    recorder.stamp()
    recorder.empty((each) => matcher.take(each))
    return ended.splice(0)
  }
  return { clock, matcher, note, ended, all }
}

test('an acknowledgement answers every append that it covers, and no other', () => {
  const { clock, note, matcher } = matching()
  for (const index of [3, 6, 9]) {
    assert.deepEqual(note(AppendEntries, 's2', 5, 1, index, 3, 100, false), [])
    clock.advance(1)
  }
  note(AppendEntries, 's3', 5, 1, 3, 3, 100, false)
  note(AppendEntries, 's2', 6, 1, 3, 3, 100, false)
  assert.deepEqual(note(AppendEntriesReply, 's2', 5, 1, 6, 0, 0, false), ['2 5 3 3 0', '2 5 3 2 0'])
  assert.equal(matcher.open, 3)
  assert.deepEqual(note(AppendEntriesReply, 's2', 5, 1, 2, 0, 0, false), [], 'an old acknowledgement says nothing new')
  assert.deepEqual(note(AppendEntriesReply, 's2', 5, 1, 9, 0, 0, false), ['2 5 3 1 0'])
})

test('a rejection ends the append that it names', () => {
  const { note } = matching()
  note(AppendEntries, 's2', 5, 1, 12, 2, 100, false)
  assert.deepEqual(note(AppendEntriesReply, 's2', 5, 1, 8, 0, 0, true), [])
  assert.deepEqual(note(AppendEntriesReply, 's2', 5, 1, 10, 0, 0, true), ['2 5 2 0 3'])
})

test('votes, refusals, heartbeats, snapshots, transfers, and what could not be sent', () => {
  const { clock, note } = matching()
  note(PreVote, 's2', 5, 2, 7, 0, 40, false)
  note(RequestVote, 's2', 5, 2, 7, 0, 40, false)
  clock.advance(4)
  assert.deepEqual(note(RequestVoteReply, 's2', 5, 2, 0, 0, 0, false), ['0 5 0 4 0'])
  assert.deepEqual(note(PreVoteReply, 's2', 5, 2, 0, 0, 0, true), ['1 5 0 4 4'])
  note(Heartbeat, 's2', 5, 2, 0, 0, 40, false)
  note(Heartbeat, 's2', 5, 2, 17, 0, 40, false)
  assert.deepEqual(note(HeartbeatReply, 's2', 5, 2, 17, 0, 0, false), ['h2 5 0 0 0'], 'by its read round')
  note(InstallSnapshot, 's2', 5, 2, 100, 0, 50, false)
  clock.advance(60_000)
  assert.deepEqual(note(AppendEntriesReply, 's2', 5, 2, 100, 0, 0, false), ['3 5 0 60000 0'])
  assert.deepEqual(note(TimeoutNow, 's2', 5, 2, 0, 0, 30, false), ['4 5 0 - 0'])
  assert.deepEqual(note(AppendEntries, 's9', 5, 2, 1, 1, 30, true), ['2 5 1 - 1'])
  assert.deepEqual(note(RequestVoteReply, 's2', 5, 2, 0, 0, 0, false), [], 'an answer to nothing')
})

test('what is not answered ends after a while, and a silent peer fills no memory', () => {
  const { clock, note, matcher, ended } = matching()
  note(AppendEntries, 's2', 5, 1, 1, 1, 10, false)
  clock.advance(9_000)
  note(AppendEntries, 's2', 5, 1, 2, 1, 10, false)
  matcher.expire(clock.nowMs())
  assert.deepEqual(ended.splice(0), [])
  clock.advance(2_000)
  matcher.expire(clock.nowMs())
  assert.deepEqual(ended.splice(0), ['2 5 1 - 2'])
  for (let index = 3; index < 5_000; index++) note(AppendEntries, 's2', 5, 1, index, 1, 10, false)
  assert.ok(matcher.open <= 1_024)
  clock.advance(20_000)
  matcher.expire(clock.nowMs())
  assert.equal(matcher.open, 0)
})

type PlainCall = Pick<Note, 'kind' | 'peer' | 'group' | 'index' | 'entries'>

/** The same rules over a plain list. */
class PlainMatcher {
  readonly ended: string[] = []
  #open: PlainCall[] = []

  take({ kind, peer, group, index, entries, failed }: Note): void {
    const lane = (of: number): number => (of === InstallSnapshot ? AppendEntries : of)
    const waits = (sent: number) => (call: PlainCall) =>
      call.peer === peer && call.group === group && lane(call.kind) === sent
    const end = (calls: readonly PlainCall[], error: number): void => {
      for (const call of calls) this.ended.push(`${call.kind} ${call.peer} ${call.group} ${call.index} ${error}`)
      this.#open = this.#open.filter((call) => !calls.includes(call))
    }
    if (kind < 10) {
      if (failed) end([{ kind, peer, group, index, entries }], 1)
      else this.#open.push({ kind, peer, group, index, entries })
    } else if (kind === RequestVoteReply) end(this.#open.filter(waits(RequestVote)).slice(0, 1), failed ? 4 : 0)
    else {
      const open = this.#open.filter(waits(kind - 10))
      const refused = open.findIndex((call) => call.index - call.entries === index)
      const beyond = open.findIndex((call) => call.index > index)
      if (kind === HeartbeatReply) end(open.filter((call) => call.index === index).slice(0, 1), 0)
      else if (!failed) end(beyond < 0 ? open : open.slice(0, beyond), 0)
      else if (refused >= 0) end(open.slice(refused, refused + 1), 3)
    }
  }
}

test('calls end as over a plain list, however messages and answers mix', () => {
  const message = fc.record({
    kind: fc.constantFrom<number>(RequestVote, AppendEntries, Heartbeat, InstallSnapshot, RequestVoteReply),
    reply: fc.constantFrom<number>(AppendEntriesReply, HeartbeatReply),
    isReply: fc.boolean(),
    peer: fc.nat(2),
    group: fc.constantFrom(2, 3),
    index: fc.nat(12),
    entries: fc.nat(3),
    failed: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(message, { maxLength: 120 }), (messages) => {
      const plain = new PlainMatcher()
      const ended: string[] = []
      const kinds = [RequestVote, PreVote, AppendEntries, InstallSnapshot, TimeoutNow]
      const matcher = new Matcher(({ type, heartbeat, peer, group, bytes, error }) => {
        ended.push(`${heartbeat ? Heartbeat : kinds[type]} ${peer} ${group} ${bytes} ${error}`)
      })
      for (const { kind, reply, isReply, index, entries, ...rest } of messages) {
        // Bytes carry the index, which a row does not have.
        const sent = { entries: kind === AppendEntries ? entries : 0, bytes: index, term: 1, atMs: 0 }
        const note = { ...rest, ...sent, kind: isReply ? reply : kind, index }
        plain.take(note)
        matcher.take(note)
      }
      assert.deepEqual(ended, plain.ended)
    }),
  )
})
