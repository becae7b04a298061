/**
 * The configuration file: YAML, and JSON as a part of it. Finds which settings it names and where, and which keys mean nothing. Values are checked later,
 * together with those of the other sources.
 */
import { isAlias, isMap, isNode, isScalar, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml'
import { z } from 'zod'
import type { Assignment, Layer, Place } from './assignment.ts'
import { configSchema } from './schema.ts'
import { unknownKey } from './unknown-key.ts'

type YamlDocument = ReturnType<typeof parseDocument>

/** `fileName` is only shown. */
export function readFileLayer(text: string, fileName: string): Layer {
  const lines = new LineCounter()
  // A byte order mark is what some editors put in front; it is no part of the document.
  const document = parseDocument(text.replace(/^\uFEFF/, ''), { lineCounter: lines, prettyErrors: false })
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { text: `${fileName}:${line}:${col}`, line }
  }
  if (document.errors.length > 0) {
    const errors = document.errors.map((error) => {
      const place = at(error.pos[0])
      return `${place.text}: line ${place.line} is not valid YAML: ${withoutQuotes(error.message)}`
    })
    return { assignments: [], errors }
  }
  const reader = new FileReader(document, at)
  reader.readSection(configSchema, document.contents, '')
  return reader
}

/** The parser may quote the source, and that could be a secret. */
function withoutQuotes(message: string): string {
  return message.replace(/: ".*$/s, '')
}

class FileReader implements Layer {
  readonly assignments: Assignment[] = []
  readonly errors: string[] = []
  readonly #document: YamlDocument
  readonly #at: (offset: number) => Place

  constructor(document: YamlDocument, at: (offset: number) => Place) {
    this.#document = document
    this.#at = at
  }

  /** `name` is that of the section; empty at the top. An empty section says nothing. */
  readSection(section: z.ZodObject, content: Node | null, name: string): void {
    const node = this.#resolved(content)
    if (node === null || (isScalar(node) && node.value === null)) return
    const keys = Object.keys(section.shape)
    if (!isMap(node)) {
      const place = this.#placeOf(node)
      const what = name === '' ? 'the file' : `${name} on line ${place.line}`
      this.errors.push(`${place.text}: ${what} is not a section; expected a map with some of ${keys.join(', ')}`)
      return
    }
    for (const { key, value } of node.items) {
      const keyNode = this.#resolved(isNode(key) ? key : null)
      const word = isScalar(keyNode) ? String(keyNode.value) : ''
      const child = Object.hasOwn(section.shape, word) ? section.shape[word] : undefined
      const childName = name === '' ? word : `${name}.${word}`
      const content = isNode(value) ? value : null
      if (child === undefined) this.errors.push(unknownKey(this.#placeOf(keyNode ?? node), name, word, keys))
      else if (child instanceof z.ZodObject) this.readSection(child, content, childName)
      else this.#assign(childName, content, keyNode ?? node)
    }
  }

  #assign(name: string, content: Node | null, key: Node): void {
    const place = this.#placeOf(content ?? key)
    try {
      const value: unknown = content === null ? null : content.toJS(this.#document)
      const placeOf = (path: readonly PropertyKey[]): Place => this.#placeOf(this.#descend(content, path) ?? key)
      const placeOfKey = (path: readonly PropertyKey[], word: string): Place => {
        const map = this.#descend(content, path)
        const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === word) : undefined
        return isNode(pair?.key) ? this.#placeOf(pair.key) : placeOf(path)
      }
      this.assignments.push({ name, value, source: 'file', place, placeOf, placeOfKey })
    } catch (error) {
      // Aliases that multiply without bound are refused by the parser when they are resolved.
      if (!(error instanceof ReferenceError)) throw error
      this.errors.push(`${place.text}: ${name} on line ${place.line} has too many aliases`)
    }
  }

  /** The deepest node that is known on the way. */
  #descend(content: Node | null, path: readonly PropertyKey[]): Node | null {
    let node = this.#resolved(content)
    for (const step of path) {
      if (node === null || !('get' in node)) return node
      const next = (node as YAMLMap).get(step, true) as unknown
      if (!isNode(next)) return node
      node = this.#resolved(next)
    }
    return node
  }

  #resolved(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.#document) ?? null) : node
  }

  #placeOf(node: Node): Place {
    return this.#at(node.range?.[0] ?? 0)
  }
}
