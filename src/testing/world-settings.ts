/** How a simulated world is built: sizes, limits, load. Drawn from the seed where nobody fixes them. */
import type { Key } from '../../shard-map/index.ts'
import { RAFT_SETTINGS_DEFAULT } from '../store/index.ts'
import { SeededRandom } from './seeded-random.ts'
import type { ClientSettings } from './simulated-client.ts'
import type { StoreSettings } from './simulated-store.ts'

export interface WorldSettings {
  readonly seed: number
  readonly cluster: StoreSettings
  readonly clients: number
  /** Processes with a router and no store. */
  readonly clientProcesses: number
  readonly load: ClientSettings
}

export interface WorldWishes {
  readonly stores?: number | undefined
  readonly shards?: number | undefined
  readonly clients?: number | undefined
}

const REPLICAS_MAX = 3
const CHARACTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

export function drawWorld(seed: number, wishes: WorldWishes): WorldSettings {
  const random = new SeededRandom(seed, 'world')
  const drawnStores = random.chance(800) ? 3 : random.between(1, 5)
  const storeCount = wishes.stores ?? drawnStores
  const drawnShards = random.between(1, 4)
  const drawnClients = random.between(3, 8)
  const keyCount = random.between(4, 16)
  const keys = new Set<Key>()
  while (keys.size < keyCount) keys.add(`${random.pick([...CHARACTERS])}${random.pick([...CHARACTERS])}`)
  const timeoutMsMax = random.between(300, 4_000)
  return {
    seed,
    cluster: {
      bootstrap: {
        stores: Array.from({ length: storeCount }, (_, number) => `s${number + 1}`),
        replicas: Math.min(REPLICAS_MAX, storeCount),
        shards: wishes.shards ?? drawnShards,
      },
      raft: {
        ...RAFT_SETTINGS_DEFAULT,
        // Small, so that logs are cut and snapshots are sent all the time.
        compactEntries: random.between(4, 120),
        maxInflight: random.between(1, 32),
        maxMessageBytes: random.between(512, 64 * 1024),
      },
      segmentBytes: random.between(4 * 1024, 64 * 1024),
      overlayBytes: random.between(2 * 1024, 256 * 1024),
    },
    clients: wishes.clients ?? drawnClients,
    clientProcesses: random.between(0, 2),
    load: {
      keys: [...keys].sort(),
      thinkMsMax: random.between(20, 400),
      timeoutMsMin: Math.min(timeoutMsMax, 100),
      timeoutMsMax,
    },
  }
}
