/**
 * Changes of the cluster's settings as people ask for them: a merge patch (RFC 7396), nested as the file is. Judges it whole, by the same schema as
 * every other source, and says what group 1 should be told. Pure; nothing is changed here.
 */
import { z } from 'zod'
import { contradictions } from './cross-checks.ts'
import {
  type ClusterSettings,
  effectiveConfig,
  type ShownSetting,
  type StartedWith,
  shownSettings,
} from './effective.ts'
import { parseSetting } from './parse-setting.ts'
import { configSchema } from './schema.ts'
import { SETTINGS, type Setting } from './settings.ts'
import { shownValue } from './shown-value.ts'
import { cureForUnknown } from './unknown-key.ts'

export type PatchPlan =
  | {
      readonly ok: true
      /** Null returns a setting to the next source. */
      readonly changes: readonly (readonly [name: string, value: unknown])[]
      /** The settings that the patch names, as they will be. */
      readonly shown: Record<string, ShownSetting>
    }
  /** Sentences. */
  | { readonly ok: false; readonly errors: readonly string[] }

export function planPatch(started: StartedWith, cluster: ClusterSettings, patch: unknown): PatchPlan {
  const reader = new PatchReader()
  reader.read(configSchema, patch, '')
  if (reader.errors.length > 0) return { ok: false, errors: reader.errors }
  const next = new Map(cluster)
  for (const [name, value] of reader.changes) {
    if (value === null) next.delete(name)
    else next.set(name, value)
  }
  const effective = effectiveConfig(started, next)
  // What was contradictory before is not this patch's fault, and perhaps the way out of it.
  const before = contradictions(effectiveConfig(started, cluster).config).map(({ name }) => name)
  const wrong = contradictions(effective.config).filter(({ name }) => !before.includes(name))
  if (wrong.length > 0) return { ok: false, errors: wrong.map(({ name, sentence }) => `${name} ${sentence}`) }
  const changes = [...reader.changes]
  return { ok: true, changes, shown: shownSettings(effective, new Set(reader.changes.keys())) }
}

class PatchReader {
  readonly errors: string[] = []
  readonly changes = new Map<string, unknown>()

  /** `name` is that of the section; empty at the top. */
  read(section: z.ZodObject, patch: unknown, name: string): void {
    const keys = Object.keys(section.shape)
    if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
      const what = name === '' ? 'the patch' : name
      this.errors.push(`${what} is not a section; expected an object with some of ${keys.join(', ')}`)
      return
    }
    for (const [word, value] of Object.entries(patch)) {
      const child = Object.hasOwn(section.shape, word) ? section.shape[word] : undefined
      const childName = name === '' ? word : `${name}.${word}`
      if (child === undefined) this.#refuseUnknown(name, word, keys)
      else if (!(child instanceof z.ZodObject)) this.#take(childName, value)
      else if (value === null) this.#forget(childName)
      else this.read(child, value, childName)
    }
  }

  #refuseUnknown(section: string, word: string, keys: readonly string[]): void {
    const name = section === '' ? word : `${section}.${word}`
    const cure = SETTINGS.has(word) ? `names are nested here: ${nested(word)}` : cureForUnknown(section, word, keys)
    this.errors.push(`unknown setting ${JSON.stringify(name)}; ${cure}`)
  }

  #take(name: string, value: unknown): void {
    const setting = SETTINGS.get(name)
    if (setting === undefined) return
    if (!setting.dynamic) this.#refuseStatic(setting)
    else if (value === null) this.changes.set(name, null)
    else {
      const parsed = parseSetting(setting, value)
      if (parsed.ok) this.changes.set(name, parsed.value)
      else this.errors.push(`${name} is ${shownValue(setting, value)}; expected ${setting.leaf.expected}`)
    }
  }

  /** Everything in a section returns to the next source. */
  #forget(section: string): void {
    for (const setting of SETTINGS.values()) {
      if (!setting.name.startsWith(`${section}.`)) continue
      if (setting.dynamic) this.changes.set(setting.name, null)
      else this.#refuseStatic(setting)
    }
  }

  #refuseStatic({ name }: Setting): void {
    this.errors.push(
      `${name} cannot be changed while the cluster runs; change it where the store is started, and restart it`,
    )
  }
}

/** `{"a":{"b":...}}` of `a.b`. */
function nested(name: string): string {
  const keys = name.split('.')
  return `${keys.map((key) => `{${JSON.stringify(key)}:`).join('')}...${'}'.repeat(keys.length)}`
}
