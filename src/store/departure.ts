import type { StoreId } from '../../shard-map/index.ts'
import { decodeReply, encodeRequest, type Request } from '../protocol/index.ts'
import { type Message, NO_REPLICA } from '../raft/index.ts'
import { answerError, type Call } from './call.ts'
import { closing } from './refusals.ts'
import type { Replica } from './replica.ts'
import type { Store } from './store.ts'

/**
 * An orderly stop, as far as others notice it: the store says that it leaves, gives the leadership of every group away, and takes none from then on. It also
 * remembers who of the others leaves. Without that, leadership runs from one to the next when all stores of a cluster stop together. Bounded in time: a
 * leader that nobody takes over from stops all the same. Called by the store and where leaders are asked for.
 */
const HAND_OVER_MS = 3_000
const HAND_OVER_POLL_MS = 50
/** An answer is a matter of a millisecond; a store that is gone gives none. */
const TELL_MS_MAX = 100
/** Longer than a store needs from its word to its end. One that is back before says so. */
const LEAVING_MS = 10_000

export class Departure {
  readonly #store: Store
  /** Until when each store that said so is taken to be leaving. */
  readonly #leaving = new Map<StoreId, number>()
  #isLeaving = false

  constructor(store: Store) {
    this.#store = store
  }

  /** A message that is as good as lost: nobody makes a leader of a store that leaves. */
  refuses(message: Message): boolean {
    return this.#isLeaving && message.type === 'TimeoutNow'
  }

  /** Whether the store has said that it leaves, a short while ago. */
  isLeaving(store: StoreId): boolean {
    return (this.#leaving.get(store) ?? Number.NEGATIVE_INFINITY) > this.#store.options.clock.nowMs()
  }

  /** Another store says that it leaves, or is back; the answer tells whether this one leaves, too. */
  told(call: Call, { store, isBack }: Request & { readonly kind: 'store-leaves' }): void {
    if (isBack) this.#leaving.delete(store)
    else this.#note(store)
    if (this.#isLeaving) answerError(call, closing('none'))
    else call.answer({ kind: 'done' })
  }

  /**
   * After the start: what the process before this one may have said is over. In a quick rolling restart nobody would be left to give leadership to. Where this
   * word is lost, the other one is forgotten in time.
   */
  returned(): void {
    void this.#tell(true)
  }

  async handOver(): Promise<void> {
    const { clock } = this.#store.options
    this.#isLeaving = true
    await this.#tell(false)
    const deadlineMs = clock.nowMs() + HAND_OVER_MS
    const waiting = new Set([...this.#store.replicas.values()].filter((replica) => replica.isLeader))
    for (const replica of waiting) if (!this.#giveAway(replica)) waiting.delete(replica)
    while (waiting.size > 0 && clock.nowMs() < deadlineMs) {
      await new Promise<void>((resolve) => {
        clock.after(HAND_OVER_POLL_MS, resolve)
      })
      for (const replica of waiting) {
        // The core gives a transfer up after an election timeout: then it is begun anew, with whoever is furthest by now.
        if (replica.isLeader) {
          if (!this.#giveAway(replica)) waiting.delete(replica)
        }
        // Writes it proposed are committed under the next leader; staying until they are applied here gives them an answer better than "unknown".
        else if (replica.writes.size === 0) waiting.delete(replica)
      }
    }
  }

  /** Ends when every store that shares a group with this one has answered, or a moment has passed. */
  #tell(isBack: boolean): Promise<void> {
    const { options, id, replicas } = this.#store
    const { transport, clock } = options
    const peers = new Set([...replicas.values()].flatMap(({ shard }) => shard.replicas.map(({ store }) => store)))
    peers.delete(id)
    if (peers.size === 0) return Promise.resolve()
    const request = encodeRequest({ kind: 'store-leaves', store: id, isBack })
    return new Promise((resolve) => {
      let open = peers.size
      clock.after(TELL_MS_MAX, resolve)
      for (const peer of peers) {
        transport.request(peer, request, TELL_MS_MAX, (answer) => {
          const reply = typeof answer === 'string' ? undefined : decodeReply(answer)
          // Releases that do not know the question refuse it otherwise.
          const leaves = reply?.ok === true && reply.value.kind === 'error' && reply.value.error.code === 'DRAINING'
          if (leaves) this.#note(peer)
          if (--open === 0) resolve()
        })
      }
      transport.flush()
    })
  }

  #note(store: StoreId): void {
    this.#leaving.set(store, this.#store.options.clock.nowMs() + LEAVING_MS)
  }

  /** False when nobody could take it; then it stays here to the end. */
  #giveAway(replica: Replica): boolean {
    const { transferee } = replica.raft.status()
    const heir = transferee === NO_REPLICA ? undefined : replica.storeOf(transferee)
    if (heir !== undefined && !this.isLeaving(heir)) return true
    const target = this.#mostCaughtUp(replica)
    // To itself is the way to give a transfer up, so that writes go on.
    replica.raft.transferLeader(target ?? replica.id)
    this.#store.loop.wake(replica)
    return target !== undefined
  }

  /** The voter that could lead at once: reachable, furthest along, and there to stay. */
  #mostCaughtUp(replica: Replica): number | undefined {
    let best: { readonly id: number; readonly matchIndex: number } | undefined
    for (const [id, { heardLately, matchIndex }] of replica.raft.status().progress ?? []) {
      if (id === replica.id || !replica.membership.voters.includes(id) || !heardLately) continue
      if (this.isLeaving(replica.storeOf(id) ?? '')) continue
      if (best === undefined || matchIndex > best.matchIndex) best = { id, matchIndex }
    }
    return best?.id
  }
}
