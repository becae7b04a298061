import type { ClusterConfig } from '../machine/index.ts'

/**
 * The cluster's settings as far as this store has heard. They come from the placement driver and are kept in memory only: a store that starts goes by
 * what it was started with until it hears of them. It does not know what they mean; whoever follows does.
 */
export class SettingsCache {
  #config: ClusterConfig = { version: 0, settings: new Map() }
  readonly #followers: ((config: ClusterConfig) => void)[] = []

  get config(): ClusterConfig {
    return this.#config
  }

  /** Takes newer settings, and tells those who follow before it returns. */
  learn(config: ClusterConfig): void {
    if (config.version <= this.#config.version) return
    this.#config = config
    for (const follow of this.#followers) follow(config)
  }

  /** `take` is called with each version that is learned from now on. */
  follow(take: (config: ClusterConfig) => void): void {
    this.#followers.push(take)
  }
}
