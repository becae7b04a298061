/** Configuration back into text: whole, for people and for reading it again, or only some settings, for files that programs write. */
import { stringify } from 'yaml'
import type { Config } from './schema.ts'
import { getAt, SETTINGS, setAt, type Tree } from './settings.ts'

/** YAML that reads back as the same configuration. Secrets are in it; see `redactConfig`. */
export function formatConfig(config: Config): string {
  const tree: Tree = {}
  for (const { name, leaf } of SETTINGS.values()) {
    const value = getAt(config, name)
    if (value !== undefined) setAt(tree, name, leaf.print === undefined ? value : leaf.print(value))
  }
  return stringify(tree)
}

/** YAML of the settings given as dotted names with values as a file has them. `heading` becomes a comment before them. */
export function formatSettings(settings: Readonly<Record<string, unknown>>, heading: string): string {
  const tree: Tree = {}
  for (const [name, value] of Object.entries(settings)) setAt(tree, name, value)
  const comment = heading
    .split('\n')
    .map((line) => `# ${line}\n`)
    .join('')
  return `${comment}${stringify(tree)}`
}
