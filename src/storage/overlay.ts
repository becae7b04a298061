/**
 * The overlay: what was applied and is not yet durable. Two generations, the active one that takes writes and the frozen one that a flush is
 * writing. It does no I/O and decides no flush; the data store drives it.
 *
 * Invariant: a frozen generation holds, for each group, exactly the writes up to the state record frozen with it. Writes that no state record covers
 * yet are therefore taken out at the moment of freezing and stay active: a log of what they replaced makes that exact.
 */
import { assert } from '../base/index.ts'
import type { DataKey, KeyRange } from './data-store.ts'
import type { GroupId } from './log-store.ts'
import { inRange, OverlayGeneration } from './overlay-generation.ts'

/** Values of a buffer up to this size are kept as they are: what they pin is small. */
const PINNED_BYTES_SMALL = 16 * 1024
/** A value that is less than this part of its buffer is copied. */
const PINNED_RATIO = 4

export class Overlay {
  #active = new OverlayGeneration(false)
  #frozen: OverlayGeneration | undefined
  /** The writes no state record covers, oldest first: who, which key, and what the active generation knew before. */
  #uncoveredGroups: GroupId[] = []
  #uncoveredKeys: DataKey[] = []
  #uncoveredPrevious: (Uint8Array | null | undefined)[] = []

  get bytes(): number {
    return this.#active.bytes + (this.#frozen?.bytes ?? 0)
  }

  /** Whether a flush has anything to write: a covered write comes with a state record. */
  get dirty(): boolean {
    return this.#active.states.size > 0
  }

  get frozen(): OverlayGeneration | undefined {
    return this.#frozen
  }

  /** Newest first: a key known to the first hides what the second knows. */
  generations(): readonly OverlayGeneration[] {
    return this.#frozen === undefined ? [this.#active] : [this.#active, this.#frozen]
  }

  /** The value, null for a delete, undefined when only the engine can know. */
  get(key: DataKey): Uint8Array | null | undefined {
    const value = this.#active.entries.get(key)
    if (value !== undefined || this.#frozen === undefined) return value
    return this.#frozen.entries.get(key)
  }

  put(group: GroupId, key: DataKey, value: Uint8Array): void {
    this.#write(group, key, ownable(value))
  }

  delete(group: GroupId, key: DataKey): void {
    this.#write(group, key, null)
  }

  #write(group: GroupId, key: DataKey, value: Uint8Array | null): void {
    const previous = this.#active.write(key, value)
    this.#uncoveredGroups.push(group)
    this.#uncoveredKeys.push(key)
    this.#uncoveredPrevious.push(previous)
  }

  setState(group: GroupId, state: Uint8Array): void {
    this.#active.setState(group, ownable(state))
    this.#keepUncovered((_, owner) => owner !== group)
  }

  /** Starts a new active generation and hands out the old one, without uncovered writes, to be flushed. Until `thaw` it stays readable. */
  freeze(): OverlayGeneration {
    assert(this.#frozen === undefined, 'one generation is flushed at a time')
    const frozen = this.#active
    const active = new OverlayGeneration(frozen.keys.asked)
    const keys = this.#uncoveredKeys
    for (let i = keys.length - 1; i >= 0; i--) {
      const key = keys[i] as DataKey
      const value = frozen.entries.get(key)
      // Newest first, so the first time a key is met is its current value; its older uncovered writes only matter for going back.
      if (value !== undefined && !active.entries.has(key)) active.write(key, value)
      frozen.restore(key, this.#uncoveredPrevious[i])
      this.#uncoveredPrevious[i] = undefined
    }
    this.#active = active
    this.#frozen = frozen
    return frozen
  }

  /** The frozen generation is durable in the engine: forget it. */
  thaw(): void {
    this.#frozen = undefined
  }

  /**
   * Drops active writes in the range, the group's active state record, and every uncovered write of the group. What a running
   * flush holds stays with it: wait for that flush before relying on the engine.
   */
  drop(group: GroupId, range: KeyRange): void {
    const active = this.#active
    for (let i = this.#uncoveredKeys.length - 1; i >= 0; i--) {
      if (this.#uncoveredGroups[i] === group)
        active.restore(this.#uncoveredKeys[i] as DataKey, this.#uncoveredPrevious[i])
    }
    active.forgetRange(range)
    active.forgetState(group)
    this.#keepUncovered((key, owner) => owner !== group && !inRange(key, range))
  }

  #keepUncovered(keep: (key: DataKey, owner: GroupId) => boolean): void {
    const groups = this.#uncoveredGroups
    let kept = 0
    for (let i = 0; i < groups.length; i++) {
      const owner = groups[i] as GroupId
      const key = this.#uncoveredKeys[i] as DataKey
      if (!keep(key, owner)) continue
      groups[kept] = owner
      this.#uncoveredKeys[kept] = key
      this.#uncoveredPrevious[kept] = this.#uncoveredPrevious[i]
      kept++
    }
    groups.length = kept
    this.#uncoveredKeys.length = kept
    this.#uncoveredPrevious.length = kept
  }
}

/** The value itself, or a copy when it is a small part of a large buffer that it would otherwise keep alive. */
function ownable(value: Uint8Array): Uint8Array {
  const pinned = value.buffer.byteLength
  if (pinned <= PINNED_BYTES_SMALL || value.length * PINNED_RATIO >= pinned) return value
  return Buffer.from(value)
}
