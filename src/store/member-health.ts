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

interface Activity {
  readonly ms: number
  readonly heardOrder: number
}

export class MemberHealth {
  /** When each was last known to be active, by store, and which of its answers was the last one then; filled while this replica leads. */
  readonly #active = new Map<StoreId, Activity>()
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
    if (!replica.isLeader) this.#active.clear()
    else {
      const { progress, lastIndex } = replica.raft.status()
      for (const { id, store } of replica.shard.replicas) {
        const seen = progress.get(id)
        if (store === storeId || seen === undefined) continue
        // Not `recentlyActive`: looks come at the same pace as the checks that clear it, so that all of them may fall between a check and the next answer.
        const known = this.#active.get(store)
        const isActive = known === undefined || seen.heardLately || seen.heardOrder !== known.heardOrder
        const activeMs = isActive ? nowMs : known.ms
        if (isActive) this.#active.set(store, { ms: nowMs, heardOrder: seen.heardOrder })
        const silentMs = nowMs - activeMs
        if (silentMs >= SILENT_AFTER_MS) silent.push({ store, silentMs })
        if (seen.state === 'snapshot' || lastIndex - seen.matchIndex > BEHIND_ENTRIES) behind.push(store)
      }
      for (const store of this.#active.keys()) {
        if (!replica.shard.replicas.some((member) => member.store === store)) this.#active.delete(store)
      }
    }
    this.#silent = silent
    this.#behind = behind
  }
}
