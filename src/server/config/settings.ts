/**
 * The schema as a flat table of dotted names, and the way between such names and trees of values.
 */
import { z } from 'zod'
import { configSchema, metaOf, type SettingMeta } from './schema.ts'

export interface Setting extends SettingMeta {
  /** Such as `raft.tickMs`. */
  readonly name: string
  readonly schema: z.ZodType
}

/** In the order of the schema. */
export const SETTINGS: ReadonlyMap<string, Setting> = new Map(
  collect(configSchema, '').map((setting) => [setting.name, setting]),
)

function collect(section: z.ZodObject, prefix: string): Setting[] {
  return Object.entries(section.shape).flatMap(([key, child]) => {
    const name = `${prefix}${key}`
    if (child instanceof z.ZodObject) return collect(child, `${name}.`)
    const schema = child as z.ZodType
    return [{ ...metaOf(schema), name, schema }]
  })
}

export interface Tree {
  [key: string]: unknown
}

export function getAt(tree: unknown, name: string): unknown {
  let value = tree
  for (const key of name.split('.')) value = (value as Tree)[key]
  return value
}

/** Sections on the way are made. Names come from the table, so that they are never those of an object's own machinery. */
export function setAt(tree: Tree, name: string, value: unknown): void {
  const keys = name.split('.')
  const last = keys.pop() ?? name
  let section = tree
  for (const key of keys) {
    section[key] ??= {}
    section = section[key] as Tree
  }
  section[last] = value
}
