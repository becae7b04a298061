/**
 * The data store: an overlay in memory over an ordered engine. It answers reads from both, flushes the overlay when told to, and starts the long
 * work on ranges (snapshots, destruction) in the order that survives crashes. It chooses no engine and recovers nothing: `open-data-store.ts`
 * does. The store's loop is its caller.
 */
import { assert } from '../base/index.ts'
import {
  type DamagedGroup,
  type DataKey,
  type DataStore,
  DataStoreError,
  type KeyRange,
  type RangeSize,
  type ScanOptions,
  type ScanPage,
  type SnapshotExport,
  type SnapshotImport,
} from './data-store.ts'
import { engineError } from './engine-error.ts'
import type { EngineBatch, KvStore } from './kv-store.ts'
import { destroyKey, encodeInstallMarker, encodeRange, installKey, stateKey, userKey, userRange } from './layout.ts'
import type { GroupId } from './log-store.ts'
import { Overlay } from './overlay.ts'
import { estimateOverlay, estimateSize } from './overlay-estimate.ts'
import type { OverlayGeneration } from './overlay-generation.ts'
import { captureOverlay, mergePage } from './overlay-scan.ts'
import { RangeCompactor } from './range-compactor.ts'
import { SizeSurvey } from './size-survey.ts'
import { type Pause, SnapshotReceiver, type SnapshotRunner, type Staging } from './snapshot/index.ts'

/** A slice of filling a batch: about half a millisecond of small writes, about one of large ones. */
const SLICE_OPS_MAX = 1024
const SLICE_BYTES_MAX = 1024 * 1024
/** What a scan lets the engine read ahead for one page. */
const SCAN_PAGE_BYTES_MAX = 1024 * 1024

/** The parts and what recovery found. */
export interface OverlayDataStoreParts {
  readonly kv: KvStore
  readonly staging: Staging
  readonly runner: SnapshotRunner
  readonly states: ReadonlyMap<GroupId, Uint8Array>
  readonly damaged: readonly DamagedGroup[]
  /** The first number for a staging file's name that no file has. */
  readonly nextStagingNumber: number
  readonly overlayBytesMax: number
  readonly pause: Pause
  readonly onFatal: (error: DataStoreError) => void
}

export class OverlayDataStore implements DataStore {
  readonly #parts: OverlayDataStoreParts
  readonly #kv: KvStore
  readonly #overlay = new Overlay()
  readonly #survey: SizeSurvey
  readonly #compactor: RangeCompactor
  readonly #states: Map<GroupId, Uint8Array>
  readonly #durableStates: Map<GroupId, Uint8Array>
  readonly #damaged: Map<GroupId, DamagedGroup>
  /** Groups being installed or destroyed: nobody may touch them meanwhile. */
  readonly #busy = new Set<GroupId>()
  readonly #work = new Set<Promise<unknown>>()
  readonly #imports = new Set<SnapshotReceiver>()
  #stagingNumber: number
  #flushing: Promise<void> | undefined
  #nextFlush: Promise<void> | undefined
  #failure: DataStoreError | undefined

  constructor(parts: OverlayDataStoreParts) {
    this.#parts = parts
    this.#kv = parts.kv
    this.#survey = new SizeSurvey(parts.kv)
    this.#compactor = new RangeCompactor(parts.kv)
    this.#states = new Map(parts.states)
    this.#durableStates = new Map(parts.states)
    this.#damaged = new Map(parts.damaged.map((entry) => [entry.group, entry]))
    this.#stagingNumber = parts.nextStagingNumber
  }

  peek(key: DataKey): Uint8Array | null | undefined {
    return this.#overlay.get(key)
  }

  getMany(keys: readonly DataKey[]): Promise<(Uint8Array | undefined)[]> {
    const values: (Uint8Array | undefined)[] = new Array(keys.length)
    const missing: DataKey[] = []
    const positions: number[] = []
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as DataKey
      const value = this.#overlay.get(key)
      if (value === undefined) {
        missing.push(userKey(key))
        positions.push(i)
      } else {
        values[i] = value ?? undefined
      }
    }
    if (missing.length === 0) return Promise.resolve(values)
    return this.#readMissing(values, missing, positions)
  }

  async #readMissing(
    values: (Uint8Array | undefined)[],
    missing: readonly DataKey[],
    positions: readonly number[],
  ): Promise<(Uint8Array | undefined)[]> {
    const read = await this.#kv.getMany(missing)
    for (let i = 0; i < positions.length; i++) values[positions[i] as number] = read[i]
    return values
  }

  scan(options: ScanOptions): Promise<ScanPage> {
    assert(options.itemsMax > 0 && options.bytesMax > 0, `a page of ${options.itemsMax} items holds something`)
    if (options.end !== undefined && options.end <= options.start) return Promise.resolve({ items: [], more: false })
    // Both in this turn: the engine's own snapshot and the overlay's slice are one moment.
    const iterator = this.#kv.iterate(userRange(options), {
      reverse: options.reverse,
      keysOnly: options.keysOnly,
      pageBytes: Math.min(options.bytesMax, SCAN_PAGE_BYTES_MAX),
    })
    return mergePage(captureOverlay(this.#overlay, options), iterator, options)
  }

  put(group: GroupId, key: DataKey, value: Uint8Array): void {
    if (this.#busy.size !== 0) this.#refuseBusy(group)
    this.#overlay.put(group, key, value)
  }

  delete(group: GroupId, key: DataKey): void {
    if (this.#busy.size !== 0) this.#refuseBusy(group)
    this.#overlay.delete(group, key)
  }

  setState(group: GroupId, state: Uint8Array): void {
    this.#refuseBusy(group)
    assert(!this.#damaged.has(group), `group ${group} is damaged and must be installed or destroyed first`)
    this.#overlay.setState(group, state)
    this.#states.set(group, state)
  }

  state(group: GroupId): Uint8Array | undefined {
    return this.#states.get(group)
  }

  durableState(group: GroupId): Uint8Array | undefined {
    return this.#durableStates.get(group)
  }

  groups(): Iterable<GroupId> {
    return this.#states.keys()
  }

  damaged(): readonly DamagedGroup[] {
    return [...this.#damaged.values()]
  }

  get overlayBytes(): number {
    return this.#overlay.bytes
  }

  get overFull(): boolean {
    return this.#overlay.bytes > this.#parts.overlayBytesMax
  }

  flush(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#flushing === undefined) {
      if (!this.#overlay.dirty) return Promise.resolve()
      this.#flushing = this.#runFlush()
      return this.#flushing
    }
    if (!this.#overlay.dirty) return this.#flushing
    this.#nextFlush ??= this.#flushing.then(() => {
      this.#nextFlush = undefined
      return this.flush()
    })
    return this.#nextFlush
  }

  async #runFlush(): Promise<void> {
    const frozen = this.#overlay.freeze()
    try {
      const batch = this.#kv.batch()
      await this.#fill(batch, frozen)
      await batch.write()
    } catch (error) {
      // The engine failed to make writes durable: nothing may be acknowledged any more, and nothing is retried.
      throw this.#fail(error, 'flush')
    }
    for (const [group, state] of frozen.states) this.#durableStates.set(group, state)
    this.#overlay.thaw()
    this.#flushing = undefined
  }

  async #fill(batch: EngineBatch, frozen: OverlayGeneration): Promise<void> {
    let ops = 0
    let bytes = 0
    for (const [key, value] of frozen.entries) {
      if (value === null) {
        batch.delete(userKey(key))
      } else {
        batch.put(userKey(key), value)
        bytes += value.length
      }
      if (++ops < SLICE_OPS_MAX && bytes < SLICE_BYTES_MAX) continue
      ops = 0
      bytes = 0
      await this.#parts.pause()
    }
    for (const [group, state] of frozen.states) batch.put(stateKey(group), state)
  }

  approximateSize(range: KeyRange): Promise<{ bytes: number; keys: number }> {
    return estimateSize(this.#kv, this.#overlay, range)
  }

  async surveySize(range: KeyRange, version: number, itemsMax: number): Promise<RangeSize> {
    if (range.end !== undefined && range.end <= range.start) return { bytes: 0, keys: 0, isSettled: true }
    const pending = estimateOverlay(this.#overlay, range)
    // What is flushed into a range behind the place where it is being counted would be missed.
    const asOf = pending.keys === 0 ? version : undefined
    const survey = await this.#survey.look(range, itemsMax, asOf)
    const compaction = this.#compactor.consider(survey.walked)
    if (compaction !== undefined) this.#track(compaction)
    if (survey.isWhole && !survey.isLarge) {
      const { bytes, keys } = survey.count
      const isSettled = survey.asOf === version
      return { bytes: Math.round(bytes + pending.bytes), keys: Math.round(keys + pending.keys), isSettled }
    }
    const size = await estimateSize(this.#kv, this.#overlay, range)
    if (survey.isLarge)
      return { ...size, isSettled: pending.keys === 0 && !this.#compactor.isSuspicious(survey.walked) }
    const bytes = Math.max(size.bytes, Math.round(survey.count.bytes + pending.bytes))
    const keys = Math.max(size.keys, Math.round(survey.count.keys + pending.keys))
    return { bytes, keys, isSettled: false }
  }

  exportSnapshot(group: GroupId, range: KeyRange): SnapshotExport {
    this.#refuseBusy(group)
    return this.#parts.runner.startExport(group, range, this.flush())
  }

  importSnapshot(group: GroupId): SnapshotImport {
    const receiver = new SnapshotReceiver(this.#parts.staging, `snapshot-${this.#stagingNumber++}`, group)
    this.#imports.add(receiver)
    return {
      write: (chunk) => receiver.write(chunk),
      finish: () => receiver.finish(),
      install: (range, state) => {
        this.#imports.delete(receiver)
        return this.#exclusively(group, () => this.#install(group, range, state, receiver.release()))
      },
      cancel: () => {
        this.#imports.delete(receiver)
        return receiver.cancel()
      },
    }
  }

  async #install(group: GroupId, range: KeyRange, state: Uint8Array, file: string): Promise<void> {
    this.#overlay.drop(group, range)
    await this.#flushing
    const marker = { range, file, state }
    try {
      const batch = this.#kv.batch()
      batch.put(installKey(group), encodeInstallMarker(marker))
      await batch.write()
      await this.#parts.runner.install(group, marker)
    } catch (error) {
      // The range is in pieces until the next open finishes the job.
      throw this.#fail(error, 'install a snapshot')
    }
    this.#states.set(group, state)
    this.#durableStates.set(group, state)
    this.#damaged.delete(group)
    await this.#parts.staging.remove(file).catch(() => {
      // Installed is installed: a file that cannot be removed now is removed by the next open.
    })
  }

  destroyGroup(group: GroupId, range: KeyRange, tombstone?: Uint8Array): Promise<void> {
    return this.#exclusively(group, () => this.#destroy(group, range, tombstone))
  }

  async #destroy(group: GroupId, range: KeyRange, tombstone: Uint8Array | undefined): Promise<void> {
    this.#overlay.drop(group, range)
    await this.#flushing
    try {
      const batch = this.#kv.batch()
      batch.put(destroyKey(group), encodeRange(range))
      if (tombstone === undefined) batch.delete(stateKey(group))
      else batch.put(stateKey(group), tombstone)
      batch.delete(installKey(group))
      await batch.write()
      await this.#parts.runner.destroy(group, range)
    } catch (error) {
      // The range is in pieces until the next open finishes the job.
      throw this.#fail(error, 'delete the data of a group')
    }
    if (tombstone === undefined) {
      this.#states.delete(group)
      this.#durableStates.delete(group)
    } else {
      this.#states.set(group, tombstone)
      this.#durableStates.set(group, tombstone)
    }
    this.#damaged.delete(group)
  }

  async close(): Promise<void> {
    try {
      if (this.#failure === undefined) await this.flush()
    } finally {
      // A flush that failed must not keep the directory locked.
      await Promise.allSettled([...this.#imports].map((receiver) => receiver.cancel()))
      await Promise.allSettled(this.#work)
      await this.#parts.runner.close()
      await this.#kv.close()
    }
  }

  /** Runs long work on a group of which nobody else may know anything meanwhile. */
  #exclusively(group: GroupId, run: () => Promise<void>): Promise<void> {
    this.#refuseBusy(group)
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    this.#busy.add(group)
    const work = run().finally(() => {
      this.#busy.delete(group)
      this.#work.delete(work)
    })
    this.#work.add(work)
    return work
  }

  /** Closing waits for it. What fails here fails again for whoever writes next, and that ends the store. */
  #track(compaction: Promise<void>): void {
    const work = compaction
      .catch((error: unknown) => {
        if (!(error instanceof DataStoreError)) throw error
      })
      .finally(() => this.#work.delete(work))
    this.#work.add(work)
  }

  #refuseBusy(group: GroupId): void {
    assert(!this.#busy.has(group), `group ${group} is being installed or destroyed`)
  }

  #fail(error: unknown, doing: string): DataStoreError {
    if (this.#failure !== undefined) return this.#failure
    this.#failure = engineError(error, doing)
    this.#parts.onFatal(this.#failure)
    return this.#failure
  }
}
