/**
 * The port through which a chaos client reaches the cluster, with its adapters `http-target.ts` and `native-target.ts`. It tells what became of
 * each operation in the words of the checkers, and writes down answers that no trouble of the cluster excuses.
 */
import type { Action, Outcome, ScannedItem } from '../../src/testing/check/index.ts'

export interface BatchStep {
  readonly key: string
  readonly action: Action
}

export interface Page {
  readonly items: readonly ScannedItem[]
  /** Whether the page reaches the end of the range. */
  readonly isLast: boolean
  readonly stalenessMs: number
}

export interface StaleAnswer {
  readonly found: { readonly value: string; readonly revision: number } | undefined
  readonly stalenessMs: number
}

export interface Target {
  /** Whether it can ask for pages and for stale reads with their age. */
  readonly asksForPages: boolean
  /** Undefined when it certainly reached nobody. */
  perform(key: string, action: Action): Promise<Outcome | undefined>
  /** One outcome per step; undefined when it certainly reached nobody. */
  batch(steps: readonly BatchStep[], atomic: boolean): Promise<readonly Outcome[] | undefined>
  /** Undefined when there was no answer. */
  scan(start: string, end: string, itemsMax: number, reverse: boolean): Promise<Page | undefined>
  staleGet(key: string): Promise<StaleAnswer | undefined>
  close(): Promise<void>
}

/** What a disk that is too small explains, beside the usual trouble. */
export const EXCUSED: readonly string[] = ['DISK_FULL']
