/**
 * The settings of one store process while it runs: what it was started with, and over it what the cluster says, followed as that changes. Whoever goes by a
 * dynamic setting follows; nobody restarts. It changes no setting of the cluster itself: the gateway does, through the placement driver.
 */
import type { EventSink } from '../base/index.ts'
import type { SettingsPlan, SettingsPort } from '../gateway/index.ts'
import type { Store } from '../store/index.ts'
import {
  type ClusterSettings,
  type Config,
  effectiveConfig,
  planPatch,
  type StartedWith,
  shownAs,
  shownSettings,
} from './config/index.ts'
import { SETTINGS } from './config/settings.ts'

export class DynamicSettings implements SettingsPort {
  readonly #started: StartedWith
  readonly #heard: Store['settings']
  readonly #followers: ((config: Config) => void)[] = []
  #config: Config

  constructor(started: StartedWith, heard: Store['settings'], events: EventSink) {
    this.#started = started
    this.#heard = heard
    this.#config = effectiveConfig(started, heard.config.settings).config
    heard.follow(({ version, settings }) => {
      this.#config = effectiveConfig(started, settings).config
      for (const follow of this.#followers) follow(this.#config)
      const data = { version, settings: [...settings.keys()].sort().join(', ') }
      events.emit({ type: 'config_applied', data })
    })
  }

  /** What the store goes by now. */
  get config(): Config {
    return this.#config
  }

  /** `take` is called at once, and with every change. */
  follow(take: (config: Config) => void): void {
    this.#followers.push(take)
    take(this.#config)
  }

  get heard(): ClusterSettings {
    return this.#heard.config.settings
  }

  show(cluster: ClusterSettings): Record<string, unknown> {
    return shownSettings(effectiveConfig(this.#started, cluster))
  }

  plan(cluster: ClusterSettings, patch: unknown): SettingsPlan {
    const plan = planPatch(this.#started, cluster, patch)
    // What the schema made of JSON is JSON again.
    return plan.ok ? { ...plan, changes: plan.changes as Extract<SettingsPlan, { ok: true }>['changes'] } : plan
  }

  display(name: string, value: unknown): unknown {
    const setting = SETTINGS.get(name)
    // A setting of a newer version: nothing is known of it, so it could be a secret.
    return setting === undefined ? null : shownAs(setting, value)
  }
}
