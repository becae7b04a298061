/**
 * Settings from the environment and from flags, where there is only text. `FLOTILLA_RAFT__TICK_MS=20` and `--set raft.tickMs=20` say the same.
 * A part of a map has a name of its own: `FLOTILLA_STORE__LABELS__HOST`, `store.labels.host`.
 */
import { parseDocument } from 'yaml'
import type { Assignment, Layer, Place, SourceKind } from './assignment.ts'
import { SETTINGS, type Setting, type Tree } from './settings.ts'
import { suggest } from './suggest.ts'

const PREFIX = 'FLOTILLA_'

/** Of the environment, only names that begin with `FLOTILLA_` and contain `__` are configuration. */
export function readEnvironmentLayer(environment: Readonly<Record<string, string | undefined>>): Layer {
  const collector = new Collector('env', environmentName)
  for (const variable of Object.keys(environment).sort()) {
    const text = environment[variable]
    if (text === undefined || !variable.startsWith(PREFIX) || !variable.includes('__')) continue
    const name = variable.slice(PREFIX.length).split('__').map(camelCase).join('.')
    collector.add(variable, name, text)
  }
  return collector
}

/** `flags` maps dotted names to texts. */
export function readFlagLayer(flags: Readonly<Record<string, string>>): Layer {
  const collector = new Collector('flag', (name) => name)
  for (const [name, text] of Object.entries(flags)) collector.add(`--set ${name}`, name, text)
  return collector
}

/** `raft.tickMs` as a variable: `FLOTILLA_RAFT__TICK_MS`. */
export function environmentName(name: string): string {
  const words = name.split('.').map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase())
  return PREFIX + words.join('__')
}

function camelCase(word: string): string {
  return word.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

class Collector implements Layer {
  readonly errors: string[] = []
  readonly #source: SourceKind
  readonly #display: (name: string) => string
  readonly #assignments = new Map<string, Assignment>()

  constructor(source: SourceKind, display: (name: string) => string) {
    this.#source = source
    this.#display = display
  }

  get assignments(): readonly Assignment[] {
    return [...this.#assignments.values()]
  }

  add(placeText: string, name: string, text: string): void {
    const place: Place = { text: placeText }
    const whole = SETTINGS.get(name)
    if (whole !== undefined) {
      this.#assign(name, readText(whole, text), place)
      return
    }
    const parent = SETTINGS.get(name.slice(0, name.lastIndexOf('.')))
    if (parent !== undefined && (parent.leaf.form === 'map' || parent.leaf.form === 'document')) {
      const known = this.#assignments.get(parent.name)?.value
      const part = name.slice(parent.name.length + 1)
      const value = parent.leaf.form === 'map' ? text : readScalar(text)
      this.#assign(parent.name, { ...(known as Tree | undefined), [part]: value }, place)
      return
    }
    const near = suggest(name, SETTINGS.keys())
    const cure =
      near === undefined ? 'flotilla start --help names the sections' : `did you mean ${this.#display(near)}?`
    this.errors.push(`${placeText}: unknown setting ${name}; ${cure}`)
  }

  #assign(name: string, value: unknown, place: Place): void {
    this.#assignments.set(name, {
      name,
      value,
      source: this.#source,
      place,
      placeOf: () => place,
      placeOfKey: () => place,
    })
  }
}

/** The value that a text on a command line stands for; of a name that this version does not know, a word or a number. */
export function settingFromText(name: string, text: string): unknown {
  const setting = SETTINGS.get(name)
  if (text === 'null' || setting === undefined) return readScalar(text)
  return readText(setting, text)
}

function readText(setting: Setting, text: string): unknown {
  const { form } = setting.leaf
  switch (form) {
    case 'text':
      return text
    case 'scalar':
      return readScalar(text)
    case 'list':
      return text.trimStart().startsWith('[') ? readYaml(text) : text.split(',').map((item) => item.trim())
    case 'map':
      return text.trimStart().startsWith('{') ? readYaml(text) : readPairs(text)
    case 'document':
      return readYaml(text)
  }
}

function readScalar(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true'
  if (text === 'null' || text === '') return null
  return /^-?[0-9]{1,15}(\.[0-9]+)?$/.test(text) ? Number(text) : text
}

/** A text that is no YAML stands for itself, and is then refused as a wrong value. */
function readYaml(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'silent' })
  return document.errors.length > 0 ? text : document.toJS({ maxAliasCount: 0 })
}

function readPairs(text: string): unknown {
  const pairs = text.split(',').filter((pair) => pair !== '')
  if (pairs.some((pair) => !pair.includes('='))) return text
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')).trim(), pair.slice(pair.indexOf('=') + 1).trim()]),
  )
}
