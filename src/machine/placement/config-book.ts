/**
 * The settings of the cluster as the placement group keeps them: what holds now, its version, and who changed what lately. A part of the placement
 * machine: it changes only by commands. What a setting means, and which values are sane, is for whoever proposes and for whoever goes by it.
 */
import { readSettings } from './command.ts'
import type { ClusterConfig, ConfigChange, JsonValue, PlacementCommand, PlacementResult } from './types.ts'

/** Changes that are remembered; the oldest are forgotten first. All of them are saved with each change of the machine. */
const HISTORY_MAX = 100
const BY_CHARS_MAX = 200

export class ConfigBook {
  #version = 0
  #settings: ReadonlyMap<string, JsonValue> = new Map()
  /** The oldest first. */
  #history: readonly ConfigChange[] = []

  /** The settings now; later ones are another object. */
  get config(): ClusterConfig {
    return { version: this.#version, settings: this.#settings }
  }

  get history(): readonly ConfigChange[] {
    return this.#history
  }

  restore(version: number, settings: Iterable<readonly [string, JsonValue]>, history: readonly ConfigChange[]): void {
    this.#version = version
    this.#settings = new Map(settings)
    this.#history = history
  }

  /** What changes nothing takes no version and no place in the history. */
  apply(command: PlacementCommand & { kind: 'configure' }): PlacementResult {
    const { expectedVersion, by = '', atMs = 0 } = command
    if (expectedVersion !== undefined && expectedVersion !== this.#version) {
      const message = `the settings are at version ${this.#version}, not ${expectedVersion}`
      return { kind: 'refused', reason: 'config-conflict', message }
    }
    const next = new Map(this.#settings)
    const changed: (readonly [string, JsonValue, JsonValue])[] = []
    for (const [name, value] of command.settings) {
      const before = next.get(name) ?? null
      if (isSame(before, value)) continue
      changed.push([name, before, value])
      if (value === null) next.delete(name)
      else next.set(name, value)
    }
    if (changed.length > 0) {
      this.#settings = next
      this.#version++
      const change: ConfigChange = { version: this.#version, atMs, by: by.slice(0, BY_CHARS_MAX), settings: changed }
      this.#history = [...this.#history, change].slice(-HISTORY_MAX)
    }
    return { kind: 'configured', version: this.#version }
  }
}

/** Values are small documents; two spellings of one only cost a version. */
function isSame(a: JsonValue, b: JsonValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** [[version, atMs, by, [name, ...], [value before or null, ...], [value or null, ...]], ...] */
export function configHistoryToPlain(history: readonly ConfigChange[]): readonly unknown[] {
  return history.map(({ version, atMs, by, settings }) => [
    version,
    atMs,
    by,
    settings.map(([name, before]) => [name, before]),
    settings.map(([name, , value]) => [name, value]),
  ])
}

/** Undefined when it is none. A state of before there was a history has none. */
export function configHistoryFromPlain(plain: unknown): ConfigChange[] | undefined {
  if (plain === undefined || plain === null) return []
  if (!Array.isArray(plain) || plain.length > HISTORY_MAX) return undefined
  const history: ConfigChange[] = []
  for (const item of plain as unknown[]) {
    const [version, atMs, by, beforePlain, afterPlain] = Array.isArray(item) ? (item as unknown[]) : []
    const before = Array.isArray(beforePlain) ? readSettings(beforePlain) : undefined
    const after = Array.isArray(afterPlain) ? readSettings(afterPlain) : undefined
    if (!isCount(version) || !isCount(atMs) || typeof by !== 'string' || by.length > BY_CHARS_MAX) return undefined
    if (before === undefined || after === undefined || before.length !== after.length) return undefined
    const settings = after.map(([name, value], place) => [name, before[place]?.[1] ?? null, value] as const)
    history.push({ version, atMs, by, settings })
  }
  return history
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
