/** Sends what the cores of a store have to say to others, each message where it belongs: snapshots to their sender, the rest into frames. The loop calls it. */
import { present, type RpcRecorder } from '../base/index.ts'
import { encodeRaftMessage } from '../protocol/index.ts'
import type { Message } from '../raft/index.ts'
import type { Transport } from '../transport/index.ts'
import type { LoopStats } from './loop-stats.ts'
import type { Replica } from './replica.ts'
import { recordSent } from './rpc-recording.ts'
import type { SnapshotSender } from './snapshot-sender.ts'
import type { TracedWrites } from './traced-writes.ts'

export class Outgoing {
  readonly #transport: Transport
  readonly #rpc: RpcRecorder | undefined
  readonly #stats: LoopStats
  readonly #traces: TracedWrites
  /** There from the start of the loop on. */
  snapshots: SnapshotSender | undefined

  constructor(transport: Transport, rpc: RpcRecorder | undefined, stats: LoopStats, traces: TracedWrites) {
    this.#traces = traces
    this.#transport = transport
    this.#rpc = rpc
    this.#stats = stats
  }

  send(replica: Replica, message: Message): void {
    const store = replica.storeOf(message.to)
    if (message.type === 'InstallSnapshot') {
      if (store !== undefined) recordSent(this.#rpc, replica.group, store, message, 0, true)
      present(this.snapshots, 'the snapshot sender').start(replica, message)
      return
    }
    // A replica that was removed a moment ago has no address any more; it does not need the message either.
    if (store === undefined) return
    this.#stats.messagesSent++
    if (message.type === 'AppendEntries' && !this.#traces.isIdle)
      for (const note of this.#traces.notesFor(replica, message, store)) this.#transport.send(store, 'raft', note)
    const bytes = encodeRaftMessage(replica.group, message)
    recordSent(this.#rpc, replica.group, store, message, bytes.length, this.#transport.send(store, 'raft', bytes))
  }
}
