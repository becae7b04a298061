/** Configuration back into text: whole, for people and for reading it again, or only some settings, for files that programs write. */
import { Document, isMap, isScalar, type Scalar, stringify } from 'yaml'
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

/**
 * YAML of the settings given as dotted names with values as a file has them. `heading` becomes a comment before them; `comments` go before the settings
 * and sections that they name, as far as those are there.
 */
export function formatSettings(
  settings: Readonly<Record<string, unknown>>,
  heading: string,
  comments: Readonly<Record<string, string>> = {},
): string {
  const tree: Tree = {}
  for (const [name, value] of Object.entries(settings)) setAt(tree, name, value)
  const document = new Document(tree)
  for (const [name, text] of Object.entries(comments)) {
    const key = keyNode(document, name)
    if (key === undefined) continue
    key.commentBefore = text.replace(/^/gm, ' ')
    key.spaceBefore = !name.includes('.')
  }
  return `${heading.replace(/^/gm, '# ')}\n${document.toString()}`
}

/** The key that the last word of a dotted name is, where the document has it. */
function keyNode(document: Document, name: string): Scalar | undefined {
  const words = name.split('.')
  const last = words.pop()
  const map = document.getIn(words)
  const pair = isMap(map) ? map.items.find(({ key }) => isScalar(key) && key.value === last) : undefined
  return isScalar(pair?.key) ? pair.key : undefined
}
