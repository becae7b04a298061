/**
 * One generation of the overlay: the writes between two flushes, as a Map from key to value (null: deleted), with the state records set meanwhile.
 * It knows nothing of flushes or engines. `overlay.ts` owns the active one and the one being flushed.
 */
import type { DataKey, KeyRange } from './data-store.ts'
import type { GroupId } from './log-store.ts'
import { OverlayKeys } from './overlay-keys.ts'

/** What a Map entry, its key and its Buffer object weigh besides their bytes (measured about 180 bytes on Node 20, 64-bit). */
const ENTRY_OVERHEAD_BYTES = 180

export class OverlayGeneration {
  readonly entries = new Map<DataKey, Uint8Array | null>()
  readonly states = new Map<GroupId, Uint8Array>()
  readonly keys: OverlayKeys
  #bytes = 0

  constructor(eagerKeys: boolean) {
    this.keys = new OverlayKeys(eagerKeys)
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Bytes of keys and values alone, roughly (state records are counted in). */
  get dataBytes(): number {
    return this.#bytes - ENTRY_OVERHEAD_BYTES * (this.entries.size + this.states.size)
  }

  /** Records a write and answers what this generation knew before: undefined for nothing. */
  write(key: DataKey, value: Uint8Array | null): Uint8Array | null | undefined {
    const previous = this.entries.get(key)
    this.entries.set(key, value)
    const length = value === null ? 0 : value.length
    if (previous === undefined) {
      this.keys.add(key)
      this.#bytes += ENTRY_OVERHEAD_BYTES + key.length + length
    } else {
      this.#bytes += length - (previous === null ? 0 : previous.length)
    }
    return previous
  }

  /** Takes a write back: the key is again what `write` said it was before. */
  restore(key: DataKey, previous: Uint8Array | null | undefined): void {
    if (previous === undefined) this.forget(key)
    else this.write(key, previous)
  }

  forget(key: DataKey): void {
    const value = this.entries.get(key)
    if (value === undefined) return
    this.entries.delete(key)
    this.#bytes -= ENTRY_OVERHEAD_BYTES + key.length + (value === null ? 0 : value.length)
  }

  forgetRange(range: KeyRange): void {
    for (const key of this.entries.keys()) if (inRange(key, range)) this.forget(key)
  }

  setState(group: GroupId, state: Uint8Array): void {
    this.forgetState(group)
    this.states.set(group, state)
    this.#bytes += ENTRY_OVERHEAD_BYTES + state.length
  }

  forgetState(group: GroupId): void {
    const state = this.states.get(group)
    if (state === undefined) return
    this.states.delete(group)
    this.#bytes -= ENTRY_OVERHEAD_BYTES + state.length
  }
}

export function inRange(key: DataKey, range: KeyRange): boolean {
  return key >= range.start && (range.end === undefined || key < range.end)
}
