/**
 * What a store goes by: what its process was started with, and over it what the cluster says of the settings that may change while it runs. A setting of the
 * cluster beats every other source, because it is the only one that is the same on every store. Pure; the composition root decides when.
 */
import { dependentDefaults } from './dependent-defaults.ts'
import type { SettingSource } from './load.ts'
import { parseSetting } from './parse-setting.ts'
import { redactValue } from './redact.ts'
import type { Config } from './schema.ts'
import { getAt, SETTINGS, type Setting, setAt, type Tree } from './settings.ts'

/** What the process was started with, and where each setting was said. */
export interface StartedWith {
  readonly config: Config
  /** Of a setting that is not here: `default`. */
  readonly sources: ReadonlyMap<string, SettingSource>
}

export interface Effective {
  readonly config: Config
  readonly sources: ReadonlyMap<string, SettingSource | 'cluster'>
}

/** Settings of the cluster by dotted name, as group 1 keeps them. */
export type ClusterSettings = ReadonlyMap<string, unknown>

/** A setting as people and programs are shown it: sizes in bytes and durations in milliseconds, secrets replaced. */
export interface ShownSetting {
  readonly value: unknown
  readonly default: unknown
  readonly source: SettingSource | 'cluster'
  readonly dynamic: boolean
  readonly unit?: 'bytes' | 'ms'
}

/** What this version does not understand of the cluster's settings is left out: stores of a newer one may have been told more. */
export function effectiveConfig(started: StartedWith, cluster: ClusterSettings): Effective {
  const tree: Tree = {}
  const sources = new Map<string, SettingSource | 'cluster'>()
  for (const [name, setting] of SETTINGS) {
    const said = setting.dynamic ? cluster.get(name) : undefined
    const parsed = said === undefined ? undefined : parseSetting(setting, said)
    const isClusters = parsed?.ok === true
    setAt(tree, name, isClusters ? parsed.value : getAt(started.config, name))
    sources.set(name, isClusters ? 'cluster' : (started.sources.get(name) ?? 'default'))
  }
  // Every setting of the schema was copied or parsed by it, so the shape is the schema's.
  return { config: tree as Config, sources }
}

/** Whether stores of this version can go by this value of a setting that the cluster keeps. Null removes one. */
export function acceptsSetting(name: string, value: unknown): boolean {
  const setting = SETTINGS.get(name)
  return setting?.dynamic === true && (value === null || parseSetting(setting, value).ok)
}

/** The settings by name, all of them or those in `names`, in the order of the schema. */
export function shownSettings(effective: Effective, names?: ReadonlySet<string>): Record<string, ShownSetting> {
  const { config, sources } = effective
  const dependent = dependentDefaults((name) => getAt(config, name))
  const wanted = [...SETTINGS.values()].filter(({ name }) => names?.has(name) !== false)
  return Object.fromEntries(
    wanted.map((setting): [string, ShownSetting] => {
      const { name, dynamic, leaf } = setting
      const shown: ShownSetting = {
        value: shownAs(setting, getAt(config, name)),
        default: shownAs(setting, dependent.get(name) ?? setting.default),
        source: sources.get(name) ?? 'default',
        dynamic,
        ...(leaf.unit === undefined ? {} : { unit: leaf.unit }),
      }
      return [name, shown]
    }),
  )
}

/** One value as it is shown; undefined, of a setting without one, as null. */
export function shownAs(setting: Setting, value: unknown): unknown {
  if (value === undefined) return null
  const { leaf } = setting
  return redactValue(setting, leaf.unit === undefined && leaf.print !== undefined ? leaf.print(value) : value)
}
