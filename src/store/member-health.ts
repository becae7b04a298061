import type { StoreId } from '../../shard-map/index.ts'
import type { SilentMember } from '../protocol/index.ts'
import type { Replica } from './replica.ts'

/**
 * What a leader knows of its group's other members that the placement driver cannot know: who has not answered for long although the store may live, and
 * who is far behind. Looked at every few seconds by maintenance, told with heartbeats.
 */

/** Shorter silences are pauses, elections and lost messages. */
const SILENT_AFTER_MS = 10_000
/** What a busy shard writes in about a second; a leader that is transferred there would make everybody wait. */
const BEHIND_ENTRIES = 8_192

export class MemberHealth {
  /** When each was last known to be active, by store; filled while this replica leads. */
  readonly #activeMs = new Map<StoreId, number>()
  #silent: readonly SilentMember[] = []
  #behind: readonly StoreId[] = []

  get silent(): readonly SilentMember[] {
    return this.#silent
  }

  get behind(): readonly StoreId[] {
    return this.#behind
  }

  observe(replica: Replica, storeId: StoreId, nowMs: number): void {
    const silent: SilentMember[] = []
    const behind: StoreId[] = []
    if (!replica.isLeader) this.#activeMs.clear()
    else {
      const { progress, lastIndex } = replica.raft.status()
      for (const { id, store } of replica.shard.replicas) {
        const seen = progress.get(id)
        if (store === storeId || seen === undefined) continue
        // Not `recentlyActive`: looks come at the same pace as the checks that clear it, so that all of them may fall between a check and the next answer.
        if (seen.heardLately || !this.#activeMs.has(store)) this.#activeMs.set(store, nowMs)
        const silentMs = nowMs - (this.#activeMs.get(store) ?? nowMs)
        if (silentMs >= SILENT_AFTER_MS) silent.push({ store, silentMs })
        if (seen.state === 'snapshot' || lastIndex - seen.matchIndex > BEHIND_ENTRIES) behind.push(store)
      }
      for (const store of this.#activeMs.keys()) {
        if (!replica.shard.replicas.some((member) => member.store === store)) this.#activeMs.delete(store)
      }
    }
    this.#silent = silent
    this.#behind = behind
  }
}
