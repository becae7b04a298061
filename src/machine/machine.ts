import type { DataKey, KeyRange } from '../storage/index.ts'

/**
 * The port of replicated state machines: what a group does with its committed commands. Pure: the same commands in the same
 * order give the same writes, results and state on every replica, whatever the clock, the machine or the weather. The store calls
 * it; it calls nobody.
 */

/** What a command must see of the data before it can be applied. */
export interface Needs {
  /** Keys whose current value `apply` reads; append to it. */
  readonly keys: DataKey[]
  /** A range `apply` reads, at most `itemsMax` of its first keys. */
  range: (KeyRange & { readonly itemsMax: number }) | undefined
}

/** The data as of the command's turn, and the way to change it. */
export interface MachineData {
  /** Invariant: the key was named in `needs`, or written by this machine in this very command. */
  get(key: DataKey): Uint8Array | undefined
  /** The keys found in the range named in `needs`, ascending. */
  readonly rangeKeys: readonly DataKey[]
  put(key: DataKey, value: Uint8Array): void
  delete(key: DataKey): void
}

export interface StateMachine<Result = unknown> {
  /**
   * Why this program must not decide about `command`: it is of a format or kind that only another release knows, so that a replica there may do what this one
   * would leave undone. Undefined for everything else, whether it can be understood or not. Costs a look at a few bytes. Absent where all commands are known.
   */
  unknown?(command: Uint8Array): string | undefined
  /** Appends what `command` needs. Most commands need nothing, and then this must cost nothing. */
  needs(command: Uint8Array, needs: Needs): void
  /** Applies one committed command. A command that cannot be understood gives an error result, never an exception. */
  apply(command: Uint8Array, data: MachineData): Result
  /** The machine's own small state, as stored with the applied index. A shard that is split gives each part a copy of it. */
  save(): Uint8Array
  /** The shard takes in its neighbour, whose machine saved this. Absent where shards of this kind are never merged. */
  absorb?(saved: Uint8Array): void
}
