import type { BrokerKind } from '../cluster/broker-process.ts'
import type { Stage, StageOptions } from './stage.ts'

/** A demonstration: what cluster it wants, and what it shows there. */
export interface SceneSettings {
  readonly broker: BrokerKind
  /** Of data that a cluster grows to. */
  readonly megabytes: number
  /** For how long nothing may happen once a cluster has come to rest. */
  readonly stillSeconds: number
  readonly clients: number
}

export interface Scene {
  readonly name: string
  /** One sentence: what is shown. */
  readonly shows: string
  readonly stage: (settings: SceneSettings) => Pick<StageOptions, 'stores' | 'shards' | 'placement'>
  readonly play: (stage: Stage, settings: SceneSettings) => Promise<void>
}

/** Keys that the checked load uses, spread over those that fill the shards. */
export function checkedKeys(count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) =>
      `fill/${Math.floor((i * 0x1_0000_0000) / count)
        .toString(16)
        .padStart(8, '0')}!`,
  )
}

/** As gentle as foreground load on a shared machine should be. */
export const LOAD = { thinkMs: 10, writes: 40 } as const
