/**
 * What clients did and saw, as plain data: the input of every check that judges from outside. Written by whoever drives a cluster (the simulator,
 * tests against processes, a program that records its own calls); read by the checkers in this folder. Nothing in here measures time: a moment
 * is a number in milliseconds of any one clock, and where two moments are equal the checkers assume that the operations overlap, so
 * a recorder with a coarse clock loses strength but never accuses anybody wrongly.
 */

export type Condition =
  | { readonly kind: 'none' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'exists' }
  | { readonly kind: 'revision'; readonly revision: number }

export type Action =
  | { readonly kind: 'get' }
  | { readonly kind: 'put'; readonly value: string; readonly condition: Condition }
  | { readonly kind: 'delete'; readonly condition: Condition }

export type Outcome =
  | { readonly kind: 'read'; readonly found: { readonly value: string; readonly revision: number } | undefined }
  /** The key was seen with its revision, but without its value, as in a scan for keys only. */
  | { readonly kind: 'listed'; readonly revision: number }
  | { readonly kind: 'written'; readonly revision: number }
  /** `revision` is the one the delete took, where the client was told. */
  | { readonly kind: 'deleted'; readonly existed: boolean; readonly revision?: number }
  /** The condition did not hold; the revision is that of the key then, undefined when it was absent. */
  | { readonly kind: 'refused'; readonly revision: number | undefined }
  /** The cluster promised that it did not happen. */
  | { readonly kind: 'none' }
  /** Nobody knows: a write may take effect at any moment after its call, once, or never. */
  | {
      readonly kind: 'unknown'
      /** Something else proves that it did take effect, by this moment. Set by checkers; recorders leave it out. */
      readonly happenedByMs?: number
    }

/** Operations of one batch on one key take effect in the order of their positions; those of an atomic batch with nothing between them. */
export interface BatchPlace {
  /** Names the batch in its history. */
  readonly id: string
  readonly position: number
  readonly atomic: boolean
}

export interface Operation {
  readonly client: string
  readonly key: string
  readonly action: Action
  readonly calledMs: number
  /** Ignored where the outcome is unknown. */
  readonly returnedMs: number
  readonly outcome: Outcome
  readonly batch?: BatchPlace
}

/** A read that any replica may answer from what it has. */
export interface StaleRead {
  readonly client: string
  readonly key: string
  readonly calledMs: number
  readonly returnedMs: number
  readonly found: { readonly value: string; readonly revision: number } | undefined
  /** How old the answer said it may be at most. */
  readonly stalenessMs: number
}

export interface ScannedItem {
  readonly key: string
  /** Undefined where only keys were asked for. */
  readonly value: string | undefined
  readonly revision: number
}

/** One page of a scan: what was asked and what came. Keys are compared unit by unit, as strings of one unit per byte. */
export interface ScanPage {
  readonly client: string
  /** Inclusive. */
  readonly start: string
  /** Exclusive; undefined is the end of the key space. */
  readonly end: string | undefined
  readonly reverse: boolean
  readonly itemsMax: number
  readonly calledMs: number
  readonly returnedMs: number
  readonly items: readonly ScannedItem[]
  /** Where the next page begins (its `start`, or with `reverse` its `end`); undefined when the range was read to its end. */
  readonly next: string | undefined
  /** How old the answer said it may be; 0 for linearizable pages. */
  readonly stalenessMs: number
}

export interface History {
  readonly operations: readonly Operation[]
  readonly staleReads: readonly StaleRead[]
  readonly pages: readonly ScanPage[]
}
