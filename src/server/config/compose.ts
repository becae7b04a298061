/**
 * A configuration file out of settings given as texts, for programs that write one for a person to go on with. The text that comes out is read again before
 * anybody sees it; where it goes is the caller's.
 */
import { isDeepStrictEqual } from 'node:util'
import { assert } from '../../base/index.ts'
import { type LoadResult, loadConfig } from './load.ts'
import { formatSettings } from './print.ts'
import { redactValue } from './redact.ts'
import type { Config } from './schema.ts'
import { getAt, SETTINGS } from './settings.ts'

export interface ComposeOptions {
  /** Dotted names and texts, as `--set` takes them. */
  readonly flags: Readonly<Record<string, string>>
  /** Dotted names of what is written also where it is at its default. */
  readonly always: readonly string[]
  readonly heading: string
  /** By dotted name of a setting or a section. */
  readonly comments: Readonly<Record<string, string>>
}

export type Composed =
  | {
      readonly ok: true
      /** YAML. */
      readonly text: string
      readonly config: Config
      /** Whether something in it is never shown elsewhere. */
      readonly hasSecrets: boolean
      readonly warnings: readonly string[]
    }
  | Extract<LoadResult, { readonly ok: false }>

export function composeFile({ flags, always, heading, comments }: ComposeOptions): Composed {
  const loaded = loadConfig({ flags, env: {} })
  if (!loaded.ok) return loaded
  const { config, sources, warnings } = loaded
  const written = [...SETTINGS.values()].filter(
    ({ name }) => getAt(config, name) !== undefined && (sources.get(name) === 'flag' || always.includes(name)),
  )
  const settings = Object.fromEntries(
    written.map(({ name, leaf }): [string, unknown] => {
      const value = getAt(config, name)
      return [name, leaf.print === undefined ? value : leaf.print(value)]
    }),
  )
  const text = formatSettings(settings, heading, comments)
  const readBack = loadConfig({ text, env: {} })
  assert(readBack.ok, `the written configuration is refused: ${readBack.ok ? '' : readBack.errors.join('; ')}`)
  assert(isDeepStrictEqual(readBack.config, config), 'the written configuration reads back as another one')
  const hasSecrets = written.some((setting) => {
    const value = getAt(config, setting.name)
    return !isDeepStrictEqual(redactValue(setting, value), value)
  })
  return { ok: true, text, config, hasSecrets, warnings }
}
