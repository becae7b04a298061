/**
 * A planted bug: one exact place in the sources, what stands there, and what a mistaken program would say instead. Data only; `workshop.ts` plants it
 * in a copy, `hunt.ts` sees who notices.
 */
export interface Mutant {
  /** Short, unique, in words. */
  readonly id: string
  readonly area: Area
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly before: string
  readonly after: string
  /** The promise that it breaks, in half a sentence. */
  readonly breaks: string
  /** Why nobody can be expected to notice it, where that is so. */
  readonly survives?: string
}

export type Area =
  | 'core'
  | 'reads'
  | 'segment log'
  | 'data store'
  | 'machine'
  | 'transport'
  | 'store'
  | 'placement'
  | 'router'
  | 'checker'

/** Which tests answer for an area: files, or folders of them, tried in this order. */
export const AREA_TESTS: Readonly<Record<Area, readonly string[]>> = {
  core: ['test/raft', 'test/store', 'test/cluster'],
  reads: ['test/raft', 'test/store', 'test/cluster'],
  'segment log': ['test/storage/log', 'test/fuzz'],
  'data store': ['test/storage/data-store', 'test/fuzz'],
  machine: ['test/machine', 'test/store', 'test/fuzz'],
  transport: ['test/transport', 'test/fuzz'],
  store: ['test/store', 'test/cluster', 'test/server', 'test/gateway'],
  placement: ['test/shard-map', 'test/machine', 'test/server', 'test/store', 'test/placement'],
  checker: ['test/check', 'test/sim'],
  router: ['test/router', 'test/cluster', 'test/gateway', 'test/store'],
}
