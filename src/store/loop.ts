import {
  assert,
  type Clock,
  type EventSink,
  type Logger,
  present,
  type RpcRecorder,
  silentTracer,
  type Timer,
} from '../base/index.ts'
import type { AppendAck, AppendWork, Message, Ready } from '../raft/index.ts'
import { type LogStore, LogStoreError } from '../storage/index.ts'
import type { Transport } from '../transport/index.ts'
import { Applier } from './applier.ts'
import type { Call } from './call.ts'
import { Fetcher } from './fetcher.ts'
import { adoptSnapshot, beginInstall } from './install-snapshot.ts'
import { noteLeadership } from './leadership.ts'
import { noteLogWork, noteSync } from './log-events.ts'
import type { LoopHooks, LoopOptions } from './loop-hooks.ts'
import { type LoopStats, newLoopStats } from './loop-stats.ts'
import { OfferedSnapshots } from './offered-snapshots.ts'
import { Outgoing } from './outgoing.ts'
import { ReadServer } from './read-server.ts'
import type { Replica } from './replica.ts'
import { recordReceived } from './rpc-recording.ts'
import type { ReceivedSnapshot } from './snapshot-receiver.ts'
import type { SnapshotSender } from './snapshot-sender.ts'
import { StaleReads } from './stale-reads.ts'
import { beginReads, confirmVouched, proposeWrites, refuseReads } from './submission.ts'
import { TracedWrites } from './traced-writes.ts'

/**
 * The one loop that performs the effects of all groups of a store. A turn drains what arrived, lets time pass, proposes, takes
 * every dirty group's Ready, sends, starts one log write for all of them, applies and answers. It holds no promise, timer or closure
 * per entry. Whoever brings something new (a frame, a request, a finished write) queues it and calls `wake`.
 *
 * Why the order matters: a turn that comes late (a long pause of the process) first hands all queued messages to the cores and only
 * then ticks them, so that a heartbeat which was waiting in the queue still prevents an election.
 */

/** What must wait until a log write is durable. */
interface PendingAppend {
  readonly replica: Replica
  readonly responses: readonly Message[]
  readonly ack: AppendAck | undefined
}

/** How long acknowledgements may wait for the end of a log write. */
const LATE_TURN_MS = 1

export class Loop {
  readonly stats: LoopStats = newLoopStats()
  readonly traces: TracedWrites
  /** Serves reads from whatever a replica has applied. */
  readonly stale: StaleReads
  readonly #clock: Clock
  readonly #log: LogStore
  readonly #transport: Transport
  readonly #events: EventSink
  readonly #logger: Logger
  readonly #rpc: RpcRecorder | undefined
  readonly #hooks: LoopHooks
  readonly #fetcher: Fetcher
  readonly #applier: Applier
  readonly #reader: ReadServer
  readonly #replicas: ReadonlyMap<number, Replica>
  readonly #snapshots = new OfferedSnapshots()
  readonly #outgoing: Outgoing
  #messages: { readonly replica: Replica; readonly message: Message }[] = []
  #dirty: Replica[] = []
  #unsynced: PendingAppend[] = []
  /** Replicas whose writes wait until the running log write has ended. */
  readonly #held: Replica[] = []
  #syncing = false
  #scheduled = false
  #tickDue = false
  #tickTimer: Timer | undefined
  #lateTimer: Timer | undefined
  #stopped = false
  #nowMs = 0

  constructor(options: LoopOptions) {
    this.#clock = options.clock
    this.#log = options.log
    this.#transport = options.transport
    this.#events = options.events
    this.#logger = options.logger
    this.#rpc = options.rpc
    this.traces = new TracedWrites(options.tracer ?? silentTracer, options.clock)
    this.#outgoing = new Outgoing(options.transport, options.rpc, this.stats, this.traces)
    this.#hooks = options.hooks
    this.#replicas = options.replicas
    const crash = (error: unknown): void => {
      throw error
    }
    const wake = (replica: Replica): void => this.wake(replica)
    this.#fetcher = new Fetcher(options.data, crash)
    this.#applier = new Applier(
      options.data,
      options.clock,
      this.#fetcher,
      wake,
      (replica, before) => this.#hooks.membershipChanged(replica, before),
      (replica, entry) => this.#hooks.changeShard(replica, entry),
      (replica, reason) => this.#hooks.replicaDamaged(replica, reason),
      this.traces,
    )
    this.#reader = new ReadServer(options.data, options.clock, this.#fetcher, crash, this.traces)
    const serve = (replica: Replica, calls: readonly Call[]): void => {
      this.#reader.serve(replica, calls)
      this.#schedule()
    }
    this.stale = new StaleReads(options.clock, serve, wake)
  }

  /** `tickMs` is the length of one Raft tick. */
  start(tickMs: number, sender: SnapshotSender): void {
    this.#outgoing.snapshots = sender
    const tick = (): void => {
      if (this.#stopped) return
      this.#tickDue = true
      this.#schedule()
      this.#tickTimer = this.#clock.after(tickMs, tick)
    }
    this.#tickTimer = this.#clock.after(tickMs, tick)
  }

  stop(): void {
    this.#stopped = true
    this.#tickTimer?.cancel()
    this.#lateTimer?.cancel()
    this.stale.close()
  }

  /** Something changed for this replica: it gets its turn soon. */
  wake(replica: Replica): void {
    if (!replica.dirty) {
      replica.dirty = true
      this.#dirty.push(replica)
    }
    this.#schedule()
  }

  /** A message for one of our replicas has come in. */
  receive(replica: Replica, message: Message): void {
    this.stats.messagesReceived++
    recordReceived(this.#rpc, replica, message)
    this.traces.acknowledged(replica, message)
    this.#messages.push({ replica, message })
    // While a log write is under way, new entries and acknowledgements wait for the turn that its end brings: all of them together
    // then make one frame per store instead of many. Not for long, though: a slow disk must not slow down a quorum without it.
    if (this.#syncing && (message.type === 'AppendEntries' || message.type === 'AppendEntriesReply'))
      this.#scheduleLate()
    else this.#schedule()
  }

  submitWrite(replica: Replica, call: Call): void {
    replica.writes.enqueue(call)
    if (!this.#syncing) this.wake(replica)
    else if (!replica.held) this.#hold(replica)
  }

  submitRead(replica: Replica, call: Call): void {
    if (!confirmVouched(replica, call)) replica.reads.enqueue(call)
    this.wake(replica)
  }

  /** The log has something to write that nobody waits for, such as what garbage collection moved. */
  writeSoon(): void {
    if (this.#log.dirty) this.#schedule()
  }

  /** The replica goes: what was kept for it here goes too. */
  forget(replica: Replica): void {
    this.#snapshots.drop(replica)
  }

  /** A whole snapshot is here; the core decides whether it is wanted. */
  offerSnapshot(replica: Replica, snapshot: ReceivedSnapshot): void {
    this.receive(replica, this.#snapshots.offer(replica, snapshot))
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return
    this.#scheduled = true
    this.#clock.soon(() => this.#turn())
  }

  #scheduleLate(): void {
    this.#lateTimer ??= this.#clock.after(LATE_TURN_MS, () => {
      this.#lateTimer = undefined
      this.#schedule()
    })
  }

  #turn(): void {
    this.#scheduled = false
    this.#lateTimer?.cancel()
    this.#lateTimer = undefined
    if (this.#stopped) return
    this.stats.turns++
    this.#rpc?.stamp()
    this.#nowMs = this.#clock.nowMs()
    this.#drain()
    if (this.#tickDue) this.#tick()
    const dirty = this.#dirty
    this.#dirty = []
    for (const replica of dirty) {
      replica.dirty = false
      try {
        this.#process(replica)
      } catch (error) {
        this.contain(replica, error)
      }
    }
    this.#sync()
    this.#fetcher.flush()
    this.#transport.flush()
    // The end of the log write will bring a turn, and that a flush.
    if (this.#syncing) this.#transport.holdUntilFlush()
    this.#rpc?.stamp()
    this.stats.busyMs += this.#clock.nowMs() - this.#nowMs
  }

  #drain(): void {
    const messages = this.#messages
    if (messages.length === 0) return
    this.#messages = []
    for (const { replica, message } of messages) {
      if (replica.isRetired) continue
      this.#step(replica, message)
      this.wake(replica)
    }
  }

  #step(replica: Replica, message: Message): void {
    try {
      replica.raft.step(message)
    } catch (error) {
      this.contain(replica, error)
    }
  }

  #tick(): void {
    this.#tickDue = false
    this.traces.sweep(this.#nowMs)
    for (const replica of this.#replicas.values()) {
      try {
        // Whoever is about to campaign reads what it has not applied.
        replica.raft.tick()
      } catch (error) {
        this.contain(replica, error)
      }
      if (replica.raft.hasReady()) this.wake(replica)
    }
  }

  #process(replica: Replica): void {
    if (replica.installing || this.#replicas.get(replica.group) !== replica) return
    // While a log write is under way new proposals gather for the next one: it could not begin earlier anyway, and one frame then
    // carries what would have been many.
    if (!this.#syncing) this.stats.writesProposed += proposeWrites(replica, this.traces)
    const readsWait = !beginReads(replica)
    if (replica.raft.hasReady()) this.#perform(replica, replica.raft.ready())
    const appliedBefore = replica.appliedIndex
    if (this.#applier.run(replica)) this.stats.entriesApplied += replica.appliedIndex - appliedBefore
    if (replica.freshness.settle(replica.appliedIndex)) this.stale.settled(replica)
    const servable = replica.reads.takeServable(replica.appliedIndex)
    if (servable !== undefined) {
      this.stats.readsServed += servable.length
      this.#reader.serve(replica, servable)
    }
    if (replica.raft.hasReady() || (!readsWait && replica.reads.wantsRound)) this.wake(replica)
    if (replica.writes.hasQueued && !replica.held) this.#hold(replica)
  }

  /** Damage found while reading one group's log ends that replica, not the store. Everything else is a bug and ends the process. */
  contain(replica: Replica, error: unknown): void {
    if (!(error instanceof LogStoreError) || error.code !== 'DAMAGED') throw error
    this.#hooks.replicaDamaged(replica, error.message)
  }

  /** Its writes are taken up when the running log write has ended. */
  #hold(replica: Replica): void {
    replica.held = true
    this.#held.push(replica)
  }

  #perform(replica: Replica, ready: Ready): void {
    assert(ready.mode === 'async', `group ${replica.group}: the core runs in another storage mode`)
    if (ready.softState !== undefined) this.#leadershipChanged(replica)
    noteLogWork(this.#events, replica, ready)
    for (const message of ready.messages) this.#outgoing.send(replica, message)
    const append = ready.append
    if (append !== undefined) {
      if (append.snapshot !== undefined) {
        this.#install(replica, append)
      } else {
        this.#append(replica, append)
      }
    }
    this.#snapshots.discardUnwanted(replica)
    if (ready.apply !== undefined) replica.queue.push(ready.apply.entries, this.#nowMs)
    for (const { readId, index } of ready.readStates) replica.roundConfirmed(readId, index)
  }

  #append(replica: Replica, append: AppendWork): void {
    if (append.mustSync || append.snapshot !== undefined) {
      replica.log.log.append(append.entries, append.hardState ?? replica.unwrittenState)
      replica.unwrittenState = undefined
    } else if (append.hardState !== undefined) {
      // Only the commit index moved. It is worth no write of its own: a restart learns it again.
      replica.unwrittenState = append.hardState
    }
    // Even an answer without anything of its own to store waits for what was stored before it.
    this.#unsynced.push({ replica, responses: append.responses, ack: append.ack })
  }

  #leadershipChanged(replica: Replica): void {
    const change = noteLeadership(replica, this.#nowMs, this.#events)
    if (change.won) this.stats.elections++
    if (change.lost) {
      refuseReads(replica)
      this.#outgoing.snapshots?.stop(replica)
    }
    if (change.isNews) this.stats.leadershipChanges++
    if (change.isNews) this.#hooks.leadershipChanged(replica)
  }

  #sync(): void {
    if (this.#syncing || (this.#unsynced.length === 0 && !this.#log.dirty)) return
    const pending = this.#unsynced
    this.#unsynced = []
    if (!this.#log.dirty) {
      // Nothing to write: whatever these answers depend on is durable already.
      this.#durable(pending)
      return
    }
    const startedMs = this.#clock.nowMs()
    this.#syncing = true
    this.#log.sync((error) => {
      this.#syncing = false
      if (this.#stopped) return
      noteSync(this.#events, this.stats, this.#clock.nowMs() - startedMs)
      if (error !== undefined) {
        // Nothing that was waiting is ever acknowledged: the answers in `pending` die here.
        this.#stopped = true
        this.#hooks.logFailed(error)
        return
      }
      this.#durable(pending)
      for (const replica of this.#held) {
        replica.held = false
        this.wake(replica)
      }
      this.#held.length = 0
      this.#schedule()
    })
  }

  #durable(pending: readonly PendingAppend[]): void {
    for (const { replica, responses, ack } of pending) {
      for (const message of responses) {
        if (message.to === replica.id) this.#step(replica, message)
        else this.#outgoing.send(replica, message)
      }
      this.traces.durable(replica, ack)
      if (ack !== undefined) replica.raft.appended(ack)
      this.wake(replica)
    }
  }

  /** The core accepted the snapshot that was offered: replace the data, then the log, then go on. */
  #install(replica: Replica, append: AppendWork): void {
    const meta = present(append.snapshot, 'the snapshot of the Ready')
    const snapshot = this.#snapshots.take(replica, meta)
    beginInstall(replica)
    snapshot.install().then(
      () => {
        if (this.#stopped) return
        const { record } = snapshot
        adoptSnapshot(replica, record, meta, this.#hooks.createMachine(record.shard, record.machine))
        this.#append(replica, append)
        replica.installing = false
        snapshot.confirm()
        this.#hooks.membershipChanged(replica)
        this.wake(replica)
      },
      (error: unknown) => {
        // A half-replaced replica must not go on: the data store redoes the installation at the next start.
        this.#logger.log('error', `installing a snapshot of group ${replica.group} failed`, { error: String(error) })
        throw error
      },
    )
  }
}
