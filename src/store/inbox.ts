import type { Logger, RpcRecorder } from '../base/index.ts'
import { decodeRaftMessage, decodeSnapshotItem, decodeTraceNote, isTraceNote } from '../protocol/index.ts'
import type { Message } from '../raft/index.ts'
import type { Lane, PeerAddress } from '../transport/index.ts'
import type { Births } from './births.ts'
import { isFoundingShard } from './initial-state.ts'
import type { MapCache } from './map-cache.ts'
import type { Replica } from './replica.ts'
import type { SnapshotReceiver } from './snapshot-receiver.ts'
import type { SnapshotSender } from './snapshot-sender.ts'
import type { TracedWrites } from './traced-writes.ts'

/**
 * Where arriving messages go: from bytes of another store to the replica, the snapshot or the birth that they concern. It decides who is heard at
 * all, not what is done about it; requests of clients and stores take another way. Called by the store.
 */
export interface InboxOptions {
  readonly map: MapCache
  readonly logger: Logger
  readonly replicas: ReadonlyMap<number, Replica>
  readonly births: Births
  readonly sender: SnapshotSender
  readonly receiver: SnapshotReceiver
  readonly traces: TracedWrites
  readonly receive: (replica: Replica, message: Message) => unknown
  readonly rpc?: RpcRecorder | undefined
}

export class Inbox {
  readonly #options: InboxOptions

  constructor(options: InboxOptions) {
    this.#options = options
  }

  /** `incarnation` tells a store that lost its data from the one that had it; its messages could undo promises, so they are refused. */
  take(from: PeerAddress, lane: Lane, items: readonly Uint8Array[], incarnation: string): void {
    if (this.#isImpostor(from, incarnation)) return
    if (lane === 'raft') {
      for (const item of items) this.#onRaftItem(from, item)
      this.#options.rpc?.stamp()
    } else if (lane === 'bulk') {
      for (const item of items) this.#onSnapshotItem(from, item)
    }
  }

  #isImpostor(from: PeerAddress, incarnation: string): boolean {
    const known = this.#options.map.map.stores.find((store) => store.id === from)
    if (known === undefined || known.incarnation === '' || known.incarnation === incarnation) return false
    this.#options.logger.log('error', `store ${from} has lost the data it had: its messages are refused`, {
      store: from,
    })
    return true
  }

  #onRaftItem(from: PeerAddress, item: Uint8Array): void {
    const { logger, replicas, receive, traces } = this.#options
    if (isTraceNote(item)) {
      const note = decodeTraceNote(item)
      const noted = note === undefined ? undefined : replicas.get(note.group)
      if (note !== undefined && noted !== undefined) traces.noted(noted, note)
      return
    }
    const decoded = decodeRaftMessage(item)
    if (!decoded.ok) {
      logger.log('warn', `a Raft message cannot be read: ${decoded.error.message}`)
      return
    }
    const { group, message } = decoded.value
    const replica = replicas.get(group) ?? this.#call(from, group, message)
    if (replica === undefined || replica.id !== message.to) return
    // A member that was added while this replica was behind, or that an uninitialised one cannot know, must get its answers.
    if (replica.storeOf(message.from) === undefined) replica.learnStore(message.from, from)
    receive(replica, message)
  }

  /** A message for a group that is not here: it may have made this store a member. Strangers cannot say so. */
  #call(from: PeerAddress, group: number, message: Message): Replica | undefined {
    const { map } = this.#options.map
    if (!map.stores.some((store) => store.id === from)) return undefined
    // A member of the bootstrap founds its replicas by itself when the map tells it to. Called before that, it would ask for a snapshot of what
    // needs none, and its group would have no quorum until that has failed.
    if (map.shards.length === 0) return undefined
    const shard = map.shards.find(({ id }) => id === group)
    const expected = shard !== undefined && isFoundingShard(shard) && shard.replicas.some(({ id }) => id === message.to)
    return expected ? undefined : this.#options.births.call(group, message)
  }

  #onSnapshotItem(from: PeerAddress, bytes: Uint8Array): void {
    const { logger, sender, receiver } = this.#options
    const item = decodeSnapshotItem(bytes)
    if (item === undefined) {
      logger.log('warn', `a snapshot item of store ${from} cannot be read`)
    } else if (item.kind === 'acknowledged') {
      sender.acknowledged(from, item.transfer, item.sequence)
    } else {
      if (item.kind === 'aborted') sender.aborted(from, item.transfer, item.reason)
      receiver.handle(from, item)
    }
  }
}
