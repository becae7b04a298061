/**
 * From the sources to the effective configuration: flags before environment before file before default, each setting from exactly one of them. Reports
 * everything that is wrong at once, with places, and never with secrets.
 */
import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { type Assignment, type Layer, onLine } from './assignment.ts'
import { advice, contradictions, type Finding } from './cross-checks.ts'
import { dependentDefaults } from './dependent-defaults.ts'
import { readFileLayer } from './file-layer.ts'
import { type Config, configSchema } from './schema.ts'
import { SETTINGS, type Setting, setAt, type Tree } from './settings.ts'
import { shownValue } from './shown-value.ts'
import { readEnvironmentLayer, readFlagLayer } from './text-layer.ts'
import { unknownKey } from './unknown-key.ts'

export type SettingSource = 'default' | 'file' | 'env' | 'flag'

export interface LoadOptions {
  /** The path of a YAML or JSON file. */
  readonly file?: string
  /** What such a file would hold, instead of one. */
  readonly text?: string
  /** Dotted names and texts, as `--set` takes them. */
  readonly flags?: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string | undefined>>
}

export type LoadResult =
  | {
      readonly ok: true
      readonly config: Config
      /** Of every setting, by dotted name. */
      readonly sources: ReadonlyMap<string, SettingSource>
      /** Sentences about what is allowed but probably not meant, or without effect. */
      readonly warnings: readonly string[]
    }
  | { readonly ok: false; readonly errors: readonly string[] }

export function loadConfig(options: LoadOptions): LoadResult {
  const layers: Layer[] = [readEnvironmentLayer(options.env), readFlagLayer(options.flags ?? {})]
  if (options.text !== undefined) layers.unshift(readFileLayer(options.text, options.file ?? 'the text'))
  else if (options.file !== undefined) {
    const text = readText(options.file)
    if (typeof text !== 'string') return { ok: false, errors: [text.error] }
    layers.unshift(readFileLayer(text, options.file))
  }
  return merge(layers)
}

function readText(file: string): string | { readonly error: string } {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    // A file that cannot be read is the caller's to mend, like one that cannot be understood.
    const { code, message } = error as NodeJS.ErrnoException
    return { error: `${file}: cannot be read: ${READ_FAILURES[code ?? ''] ?? message}` }
  }
}

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
}

/** `layers` in rising precedence. */
function merge(layers: readonly Layer[]): LoadResult {
  const errors = layers.flatMap((layer) => layer.errors)
  // A value that another source overrides is checked too: it is wrong all the same.
  const assignments = layers.flatMap((layer) => layer.assignments)
  errors.push(...assignments.flatMap(complaintsOf))
  if (errors.length > 0) return { ok: false, errors }
  const effective = new Map(assignments.map((assignment) => [assignment.name, assignment]))
  const config = effectiveConfig(effective)
  const wrong = contradictions(config)
  if (wrong.length > 0) return { ok: false, errors: wrong.map((finding) => located(finding, effective)) }
  const sources = new Map(
    [...SETTINGS.keys()].map((name): [string, SettingSource] => [name, effective.get(name)?.source ?? 'default']),
  )
  const warnings = advice(config).map((finding) => located(finding, effective))
  return { ok: true, config, sources, warnings }
}

function effectiveConfig(assignments: ReadonlyMap<string, Assignment>): Config {
  const tree: Tree = {}
  const given = (name: string): unknown => assignments.get(name)?.value ?? SETTINGS.get(name)?.default
  for (const name of SETTINGS.keys()) setAt(tree, name, assignments.get(name)?.value)
  for (const [name, value] of dependentDefaults(given)) if (!assignments.has(name)) setAt(tree, name, value)
  return configSchema.parse(tree)
}

function complaintsOf(assignment: Assignment): string[] {
  const setting = SETTINGS.get(assignment.name)
  if (setting === undefined) return []
  const parsed = setting.schema.safeParse(assignment.value)
  if (parsed.success) return []
  // A union has one issue for each of its branches; people want to hear of one place once.
  return [...new Set(parsed.error.issues.flatMap((issue) => complaints(assignment, setting, issue)))]
}

function complaints(assignment: Assignment, setting: Setting, issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) =>
      unknownKey(assignment.placeOfKey(issue.path, key), setting.name, key, setting.leaf.keys ?? []),
    )
  }
  const place = assignment.placeOf(issue.path)
  const name = [setting.name, ...issue.path.map(String)].join('.')
  const value = shownValue(setting, valueAt(assignment.value, issue.path))
  return [`${place.text}: ${name}${onLine(place)} is ${value}; expected ${setting.leaf.expected}`]
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let inner = value
  for (const key of path) {
    inner = typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined
  }
  return inner
}

/** A finding with the place that it is about. */
function located({ name, sentence }: Finding, assignments: ReadonlyMap<string, Assignment>): string {
  const place = assignments.get(name)?.place
  return place === undefined ? `${name} ${sentence}` : `${place.text}: ${name}${onLine(place)} ${sentence}`
}
