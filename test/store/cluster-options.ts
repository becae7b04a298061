/** What a test may wish of its cluster of stores; see `cluster.ts`. */
import type { EventSink } from '../../src/base/index.ts'
import type { PlacementOptions } from '../../src/placement/index.ts'
import type { DiskSpace, MemoryDiskOptions } from '../../src/storage/index.ts'
import type { RaftSettings } from '../../src/store/index.ts'

export interface TestClusterOptions {
  readonly stores?: number
  readonly founders?: number
  readonly shards?: number
  readonly raft?: Partial<RaftSettings>
  /** When what is written to a store's data becomes durable; at once when absent. */
  readonly disk?: (store: string) => MemoryDiskOptions
  /** How full the disks are; unknown when absent. */
  readonly diskSpace?: (store: string) => DiskSpace
  /** Hears what the stores tell. */
  readonly events?: EventSink
  /** Only leaders are balanced unless this says more: most tests want to change shards themselves. */
  readonly placement?: Pick<PlacementOptions, 'schedulers' | 'defaults'>
}
