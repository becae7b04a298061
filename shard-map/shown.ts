/**
 * Words for a value of unknown kind, for messages about damaged input. `String` is not good enough: it throws on an object whose own
 * `toString` is no function, and a decoder must not throw, whatever it is given.
 */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return `${value}`
    case 'string':
      return JSON.stringify(value.slice(0, 40))
    default:
      return value === null ? 'null' : `of type ${typeof value}`
  }
}
