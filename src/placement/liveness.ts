import type { Shard, ShardId, StoreId } from '../../shard-map/index.ts'
import type { Load, ShardFigures, StoreHeartbeat } from '../protocol/index.ts'

/**
 * What the placement driver's leader knows from heartbeats: which stores live, who leads what, how big and how busy shards are. All of it
 * can be rebuilt from the next heartbeats, so none of it is replicated; a new leader begins with an empty picture and asks for full ones.
 */
export const SUSPECT_AFTER_MS = 3_000
/** A replica that goes before it is replaced costs its shard a voter, so that needs more proof than a copy that may turn out to be needless. */
const LOST_AFTER_MS_MIN = 30_000
/** Whoever looks after the stores twice a second and has not for so long stood still; one that is only slow must still see that others are gone. */
const MISSED_MS_MIN = 5_000

export interface StorePicture {
  readonly id: StoreId
  readonly heardMs: number
  /** Since when it has been heard without being suspect in between. */
  readonly sinceMs: number
  /** Until when what it said is known to hold: an answered heartbeat says that nothing else has changed, one after a gap says nothing. */
  readonly toldMs: number
  readonly sequence: number
  readonly replicas: number
  readonly bytes: number
  readonly uptimeSeconds: number
  readonly load: Load
  readonly snapshots: number
  readonly capacityBytes: number
  readonly availableBytes: number
  /** Shards whose replica there cannot run. */
  readonly damaged: readonly ShardId[]
}

export interface LedPicture extends ShardFigures {
  readonly leader: StoreId
  readonly term: number
  /** When this was heard, on the driver's clock. */
  readonly heardMs: number
}

export class Liveness {
  readonly #stores = new Map<StoreId, StorePicture>()
  readonly #led = new Map<ShardId, LedPicture>()
  #changed = new Set<ShardId>()
  readonly #troubled = new Set<ShardId>()
  /** Nobody can have been silent for longer than somebody listened. */
  #sinceMs = 0
  #listenedMs = 0

  /**
   * To be called twice a second. A driver that stood still, for instance because its machine did, finds that everybody was silent for as long; that was
   * its own silence and nobody else's, and is taken out of all that it measures.
   */
  listen(nowMs: number): void {
    const missedMs = nowMs - this.#listenedMs
    this.#listenedMs = nowMs
    if (missedMs < MISSED_MS_MIN) return
    const later = (ms: number): number => Math.min(nowMs, ms + missedMs)
    this.#sinceMs = later(this.#sinceMs)
    for (const [id, store] of this.#stores) {
      const { heardMs, sinceMs, toldMs } = store
      this.#stores.set(id, { ...store, heardMs: later(heardMs), sinceMs: later(sinceMs), toldMs: later(toldMs) })
    }
    for (const [shard, led] of this.#led) this.#led.set(shard, { ...led, heardMs: later(led.heardMs) })
  }

  /**
   * Takes a heartbeat in. False when an earlier one is missing, so that the sender must send everything again. Nobody leads what `isMergedAway`: a store that
   * says so and dies would keep that leadership for ever, and could never be drained.
   */
  heard(heartbeat: StoreHeartbeat, nowMs: number, isMergedAway: (shard: Shard) => boolean = () => false): boolean {
    const { id } = heartbeat.info
    const before = this.#stores.get(id)
    const sinceMs = before === undefined || nowMs - before.heardMs >= SUSPECT_AFTER_MS ? nowMs : before.sinceMs
    if (!heartbeat.full && (before === undefined || before.sequence + 1 !== heartbeat.sequence)) {
      // The store lives, whatever was missed.
      if (before !== undefined) {
        this.#stores.set(id, { ...before, heardMs: nowMs, sinceMs, sequence: heartbeat.sequence })
      }
      return false
    }
    for (const shard of heartbeat.noLongerLed) {
      if (this.#led.get(shard)?.leader === id) this.#forget(shard)
    }
    if (heartbeat.full) {
      for (const [shard, led] of this.#led) if (led.leader === id) this.#forget(shard)
    }
    for (const { shard, ...figures } of heartbeat.led) {
      const { term } = figures
      if (isMergedAway(shard)) continue
      const known = this.#led.get(shard.id)
      // Two stores may both report a shard around an election: the newer term is right.
      if (known !== undefined && known.term > term) continue
      this.#led.set(shard.id, { leader: id, heardMs: nowMs, ...figures })
      this.#changed.add(shard.id)
      if (figures.silent.length > 0) this.#troubled.add(shard.id)
      else this.#troubled.delete(shard.id)
    }
    const { snapshots, capacityBytes, availableBytes, damaged } = heartbeat
    for (const shard of [...(before?.damaged ?? []), ...damaged]) this.#changed.add(shard)
    this.#stores.set(id, {
      id,
      heardMs: nowMs,
      sinceMs,
      toldMs: nowMs,
      sequence: heartbeat.sequence,
      snapshots,
      capacityBytes,
      availableBytes,
      damaged,
      replicas: heartbeat.replicas,
      bytes: heartbeat.bytes,
      uptimeSeconds: heartbeat.uptimeSeconds,
      load: sumLoads([...this.#led.values()].filter((led) => led.leader === id).map((led) => led.load)),
    })
    return true
  }

  forgetAll(nowMs: number): void {
    this.#stores.clear()
    this.#led.clear()
    this.#changed = new Set()
    this.#troubled.clear()
    this.#sinceMs = nowMs
    this.#listenedMs = nowMs
  }

  /** Shards about which something was heard since this was asked last. */
  takeChanged(): Set<ShardId> {
    const changed = this.#changed
    this.#changed = new Set()
    return changed
  }

  /** Shards with silent members: of these time alone makes news. */
  get troubled(): ReadonlySet<ShardId> {
    return this.#troubled
  }

  /** Stores whose replica of the shard should be replaced: it cannot run, or its leader has not heard it for `downAfterMs` although the store lives. */
  downReplicas(shard: Shard, nowMs: number, downAfterMs: number): readonly StoreId[] {
    const isDown = (store: StoreId): boolean =>
      this.#stores.get(store)?.damaged.includes(shard.id) === true ||
      this.#silentAliveMs(shard.id, store, nowMs) >= downAfterMs
    return shard.replicas.filter(({ store }) => isDown(store)).map(({ store }) => store)
  }

  /** Those of `downReplicas` of which this is so certain that they may go before they are replaced. */
  lostReplicas(shard: Shard, nowMs: number, downAfterMs: number): readonly StoreId[] {
    return this.downReplicas(shard, nowMs, Math.max(downAfterMs, LOST_AFTER_MS_MIN))
  }

  /**
   * For how long the shard's leader has not heard the replica while the driver heard its store. What the leader said grows older only as long as it says
   * nothing else; and the silence of a store that is itself away, or has just come back, says nothing about its replica.
   */
  #silentAliveMs(shard: ShardId, store: StoreId, nowMs: number): number {
    const led = this.#led.get(shard)
    const silent = led?.silent.find((member) => member.store === store)
    if (led === undefined || silent === undefined) return 0
    const leader = this.#stores.get(led.leader)
    const picture = this.#stores.get(store)
    if (leader === undefined || picture === undefined) return 0
    if (this.#isSuspect(led.leader, nowMs) || this.#isSuspect(store, nowMs)) return 0
    return Math.min(leader.toldMs, picture.heardMs) - Math.max(led.heardMs - silent.silentMs, picture.sinceMs)
  }

  #isSuspect(id: StoreId, nowMs: number): boolean {
    return this.silentMs(id, nowMs) >= SUSPECT_AFTER_MS
  }

  /** Shards that a store leads, as far as heard. */
  leadersOn(id: StoreId): number {
    let count = 0
    for (const { leader } of this.#led.values()) if (leader === id) count++
    return count
  }

  #forget(shard: ShardId): void {
    this.#led.delete(shard)
    this.#troubled.delete(shard)
    this.#changed.add(shard)
  }

  /** The shard is on no map any more; a leader that died with it will never say so. */
  ended(shard: ShardId): void {
    this.#led.delete(shard)
    this.#troubled.delete(shard)
  }

  store(id: StoreId): StorePicture | undefined {
    return this.#stores.get(id)
  }

  get led(): ReadonlyMap<ShardId, LedPicture> {
    return this.#led
  }

  /** For how long nothing has been heard of the store. */
  silentMs(id: StoreId, nowMs: number): number {
    return nowMs - (this.#stores.get(id)?.heardMs ?? this.#sinceMs)
  }

  /** `down` after `downAfterMs` of silence. */
  state(id: StoreId, nowMs: number, downAfterMs: number): 'up' | 'suspect' | 'down' {
    const silentMs = this.silentMs(id, nowMs)
    if (silentMs >= downAfterMs) return 'down'
    return silentMs >= SUSPECT_AFTER_MS ? 'suspect' : 'up'
  }

  leaders(): Record<ShardId, StoreId> {
    const leaders: Record<ShardId, StoreId> = {}
    for (const [shard, led] of this.#led) leaders[shard] = led.leader
    return leaders
  }
}

function sumLoads(loads: readonly Load[]): Load {
  let readsPerSecond = 0
  let writesPerSecond = 0
  for (const load of loads) {
    readsPerSecond += load.readsPerSecond
    writesPerSecond += load.writesPerSecond
  }
  return { readsPerSecond, writesPerSecond }
}
