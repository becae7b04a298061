/**
 * One value for one setting from one source, before it is checked, with the place where it was said. The three sources end in these.
 */
export type SourceKind = 'file' | 'env' | 'flag'

export interface Place {
  /** For the beginning of a complaint: `flotilla.yaml:3:11`, `FLOTILLA_RAFT__TICK_MS`, `--set raft.tickMs`. */
  readonly text: string
  /** In a file; counts from 1. */
  readonly line?: number
}

export interface Assignment {
  /** Of a setting in the table. */
  readonly name: string
  readonly value: unknown
  readonly source: SourceKind
  readonly place: Place
  /** Where a part of the value was said; the place of the whole where that is not known. */
  readonly placeOf: (path: readonly PropertyKey[]) => Place
  /** Where the key was said that the value holds in the map at `path`. */
  readonly placeOfKey: (path: readonly PropertyKey[], key: string) => Place
}

/** What one source says, and what is wrong with how it says it. */
export interface Layer {
  readonly assignments: readonly Assignment[]
  readonly errors: readonly string[]
}

/** ` on line 3`, or nothing where there are no lines. */
export function onLine(place: Place): string {
  return place.line === undefined ? '' : ` on line ${place.line}`
}
