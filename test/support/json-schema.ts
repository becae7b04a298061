/**
 * Checks documents against the part of JSON Schema (2020-12) that `/openapi.json` uses. A keyword that it does not know is an error, so that nothing
 * passes because nobody looked.
 */
type Json = Readonly<Record<string, unknown>>

/** Says what they mean, and nothing that could be checked. */
const WORDS_ONLY: ReadonlySet<string> = new Set(['description', 'title', 'default', '$comment'])

export class SchemaChecker {
  readonly #components: Readonly<Record<string, Json>>

  constructor(components: Readonly<Record<string, Json>>) {
    this.#components = components
  }

  /** What is wrong, each with its place; empty where the value is as the schema says. */
  faults(schema: Json, value: unknown, place = '$'): string[] {
    return Object.entries(schema).flatMap(([keyword, wanted]) => {
      if (WORDS_ONLY.has(keyword)) return []
      return this.#keyword(keyword, wanted, schema, value, place)
    })
  }

  #keyword(keyword: string, wanted: unknown, schema: Json, value: unknown, place: string): string[] {
    const unless = (holds: boolean, words: string): string[] => (holds ? [] : [`${place}: ${words}`])
    switch (keyword) {
      case '$ref': {
        const name = /^#\/components\/schemas\/(\w+)$/.exec(String(wanted))?.[1] ?? ''
        const target = this.#components[name]
        return target === undefined ? [`${place}: ${String(wanted)} is not there`] : this.faults(target, value, place)
      }
      case 'type':
        return unless(
          [wanted].flat().some((type) => isOf(String(type), value)),
          `is ${nameOf(value)}, not ${String(wanted)}`,
        )
      case 'const':
        return unless(value === wanted, `is ${JSON.stringify(value)}, not ${JSON.stringify(wanted)}`)
      case 'enum':
        return unless((wanted as unknown[]).includes(value), `is ${JSON.stringify(value)}, none of ${String(wanted)}`)
      case 'minimum':
        return unless(typeof value !== 'number' || value >= Number(wanted), `is below ${String(wanted)}`)
      case 'maximum':
        return unless(typeof value !== 'number' || value <= Number(wanted), `is above ${String(wanted)}`)
      case 'maxItems':
        return unless(!Array.isArray(value) || value.length <= Number(wanted), `has more than ${String(wanted)} items`)
      case 'items':
        return Array.isArray(value)
          ? value.flatMap((item, index) => this.faults(wanted as Json, item, `${place}[${index}]`))
          : []
      case 'anyOf': {
        const tries = (wanted as Json[]).map((each) => this.faults(each, value, place))
        return tries.some((faults) => faults.length === 0) ? [] : tries.flat()
      }
      case 'required':
        return isMap(value)
          ? (wanted as string[]).filter((name) => !Object.hasOwn(value, name)).map((name) => `${place}: has no ${name}`)
          : []
      case 'properties':
        return isMap(value)
          ? Object.entries(wanted as Record<string, Json>).flatMap(([name, each]) =>
              Object.hasOwn(value, name) ? this.faults(each, value[name], `${place}.${name}`) : [],
            )
          : []
      case 'propertyNames':
        return isMap(value)
          ? Object.keys(value).flatMap((name) => this.faults(wanted as Json, name, `${place}, the name ${name}`))
          : []
      case 'additionalProperties': {
        if (!isMap(value)) return []
        const known = Object.keys((schema.properties ?? {}) as Json)
        const others = Object.entries(value).filter(([name]) => !known.includes(name))
        if (wanted === false) return others.map(([name]) => `${place}: has ${name}, which the schema does not know`)
        return others.flatMap(([name, each]) => this.faults(wanted as Json, each, `${place}.${name}`))
      }
      default:
        throw new Error(`the keyword ${keyword} is not known to this checker`)
    }
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case 'object':
      return isMap(value)
    case 'array':
      return Array.isArray(value)
    case 'integer':
      return Number.isSafeInteger(value)
    case 'null':
      return value === null
    default:
      return typeof value === type
  }
}

function nameOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
}
