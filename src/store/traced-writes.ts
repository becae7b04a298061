/**
 * The few writes of a store that are traced, on their way through its logs: on the leader until they are applied and their followers have answered, on a follower
 * until they are durable there. A leader tells followers which entries are traced with a note ahead of them (`trace-note-codec`). While nothing is traced,
 * each of these returns at once.
 */
import type { Clock, TraceContext, Tracer } from '../base/index.ts'
import { encodeTraceNote, type TraceNote } from '../protocol/index.ts'
import type { AppendAck, Message } from '../raft/index.ts'
import type { Call } from './call.ts'
import type { Replica } from './replica.ts'

interface Sent {
  readonly context: TraceContext
  readonly sentMs: number
}

interface TracedWrite {
  readonly replica: Replica
  readonly index: number
  readonly term: number
  readonly context: TraceContext
  readonly sinceMs: number
  /** It came from a leader. */
  readonly isFollowed: boolean
  readonly sent: Map<string, Sent>
  isDurable: boolean
  isApplied: boolean
}

/** Beyond these a store traces no more writes at a time. */
const WRITES_MAX = 1_024
const FORGOTTEN_AFTER_MS = 10_000

export class TracedWrites {
  readonly #tracer: Tracer
  readonly #clock: Clock
  #writes: TracedWrite[] = []

  constructor(tracer: Tracer, clock: Clock) {
    this.#tracer = tracer
    this.#clock = clock
  }

  get isIdle(): boolean {
    return this.#writes.length === 0
  }

  /** The leader has put a write into its log. */
  proposed(replica: Replica, index: number, term: number, { request, arrivedMs }: Call): void {
    if (request.kind !== 'write' || request.trace === undefined || !this.#tracer.isOn) return
    const nowMs = this.#clock.nowMs()
    this.#record('propose', 'internal', request.trace, arrivedMs, nowMs, replica)
    this.#add(replica, index, term, request.trace, nowMs, false)
  }

  /** A follower hears that an entry which is about to come is traced. */
  noted(replica: Replica, { index, term, context }: TraceNote): void {
    if (this.#tracer.isOn) this.#add(replica, index, term, context, this.#clock.nowMs(), true)
  }

  /** What must reach the follower before this message does. */
  notesFor(replica: Replica, message: Message & { type: 'AppendEntries' }, store: string): Uint8Array[] {
    const { prevLogIndex, entries } = message
    const notes: Uint8Array[] = []
    for (const write of this.#writes) {
      const { index, term, sent } = write
      if (write.replica !== replica || write.isFollowed || sent.has(store)) continue
      if (entries[index - prevLogIndex - 1]?.term !== term) continue
      const context = this.#tracer.child(write.context)
      sent.set(store, { context, sentMs: this.#clock.nowMs() })
      notes.push(encodeTraceNote({ group: replica.group, index, term, context }))
    }
    return notes
  }

  /** A follower has everything up to an index. */
  acknowledged(replica: Replica, message: Message): void {
    if (this.isIdle || message.type !== 'AppendEntriesReply' || message.rejected) return
    const store = replica.storeOf(message.from)
    if (store === undefined) return
    for (const write of this.#writes) {
      const sent = write.sent.get(store)
      if (write.replica !== replica || sent === undefined || message.index < write.index) continue
      write.sent.delete(store)
      this.#tracer.record({
        name: 'replicate',
        kind: 'client',
        context: sent.context,
        parentSpanId: write.context.spanId,
        startMs: sent.sentMs,
        endMs: this.#clock.nowMs(),
        attributes: { 'flotilla.shard': replica.group, 'flotilla.follower': store },
      })
    }
    this.#dropEnded()
  }

  /** The log of this store has everything that the acknowledgement names. */
  durable(replica: Replica, ack: AppendAck | undefined): void {
    if (this.isIdle || ack === undefined) return
    const { lastIndex } = ack
    const nowMs = this.#clock.nowMs()
    for (const write of this.#writes) {
      if (write.replica !== replica || write.isDurable || lastIndex < write.index) continue
      write.isDurable = true
      this.#record('append', write.isFollowed ? 'server' : 'internal', write.context, write.sinceMs, nowMs, replica)
    }
    this.#dropEnded()
  }

  /** The state machine has taken a write, on the store where its caller waits. */
  applied(replica: Replica, index: number, { request }: Call, committedMs: number): void {
    if (request.kind !== 'write' || request.trace === undefined || !this.#tracer.isOn) return
    this.#record('apply', 'internal', request.trace, committedMs, this.#clock.nowMs(), replica)
    for (const write of this.#writes) if (write.replica === replica && write.index === index) write.isApplied = true
  }

  /** A read was answered: how long its quorum took, and how long the data. */
  read(replica: Replica, { request, arrivedMs }: Call, confirmedMs: number): void {
    if ((request.kind !== 'get' && request.kind !== 'scan') || request.trace === undefined || !this.#tracer.isOn) return
    const { trace, consistency } = request
    if (consistency === 'linearizable') this.#record('read_index', 'internal', trace, arrivedMs, confirmedMs, replica)
    this.#record('read', 'internal', trace, confirmedMs, this.#clock.nowMs(), replica)
  }

  /** Forgets what nobody will answer any more. */
  sweep(nowMs: number): void {
    if (!this.isIdle) this.#writes = this.#writes.filter(({ sinceMs }) => nowMs - sinceMs < FORGOTTEN_AFTER_MS)
  }

  #add(
    replica: Replica,
    index: number,
    term: number,
    context: TraceContext,
    sinceMs: number,
    isFollowed: boolean,
  ): void {
    if (this.#writes.length >= WRITES_MAX) return
    const write = { replica, index, term, context, sinceMs, isFollowed, sent: new Map(), isDurable: false }
    this.#writes.push({ ...write, isApplied: isFollowed })
  }

  #dropEnded(): void {
    this.#writes = this.#writes.filter(({ isDurable, isApplied, sent }) => !(isDurable && isApplied && sent.size === 0))
  }

  #record(
    name: 'propose' | 'append' | 'apply' | 'read_index' | 'read',
    kind: 'internal' | 'server',
    parent: TraceContext,
    startMs: number,
    endMs: number,
    { group }: Replica,
  ): void {
    const attributes = { 'flotilla.shard': group }
    const context = this.#tracer.child(parent)
    this.#tracer.record({ name, kind, context, parentSpanId: parent.spanId, startMs, endMs, attributes })
  }
}
