/**
 * Reads data-driven test files: blocks of one directive line, input lines, a line of four dashes, and the expected output up
 * to a blank line. Features that the files of this project do not use are refused loudly.
 */
import { assert } from '../../../src/base/index.ts'

export interface Argument {
  readonly key: string
  readonly values: readonly string[]
}

export interface Directive {
  readonly line: number
  readonly text: string
  readonly command: string
  readonly args: readonly Argument[]
  readonly input: string
  readonly expected: string
}

const SEPARATOR = '----'

export function parseDataFile(text: string): readonly Directive[] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''))
  const directives: Directive[] = []
  let at = 0
  while (at < lines.length) {
    const line = at + 1
    const head = (lines[at] as string).trim()
    at += 1
    if (head === '' || head.startsWith('#')) continue
    assert(!head.endsWith('\\'), `line ${line}: continuation lines are not supported`)
    const { command, args } = parseDirective(head)
    assert(command !== 'subtest', `line ${line}: subtests are not supported`)
    const input: string[] = []
    while (at < lines.length && lines[at] !== SEPARATOR) input.push(lines[at++] as string)
    at += 1
    assert(lines[at] !== SEPARATOR, `line ${line}: doubled separators are not supported`)
    let expected = ''
    while (at < lines.length && (lines[at] as string).trim() !== '') expected += `${lines[at++]}\n`
    directives.push({ line, text: head, command, args, input: input.join('\n').trim(), expected })
  }
  return directives
}

function parseDirective(head: string): { command: string; args: readonly Argument[] } {
  const space = head.indexOf(' ')
  if (space < 0) return { command: head, args: [] }
  const args: Argument[] = []
  let rest = head.slice(space).trim()
  while (rest !== '') {
    const key = /^[^ =]+/.exec(rest)?.[0]
    assert(key !== undefined, `argument without a key in: ${head}`)
    rest = rest.slice(key.length)
    if (!rest.startsWith('=')) {
      args.push({ key, values: [] })
    } else if (rest.startsWith('=(')) {
      const end = closingParenthesis(rest, head)
      args.push({ key, values: splitList(rest.slice(2, end)) })
      rest = rest.slice(end + 1)
    } else {
      const value = /^=([^ ]*)/.exec(rest)?.[1] ?? ''
      args.push({ key, values: [value] })
      rest = rest.slice(value.length + 1)
    }
    rest = rest.trim()
  }
  return { command: head.slice(0, space), args }
}

function closingParenthesis(text: string, head: string): number {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth += 1
    if (text[i] === ')') {
      depth -= 1
      if (depth === 0) return i
    }
  }
  throw new Error(`unbalanced parenthesis in: ${head}`)
}

function splitList(text: string): readonly string[] {
  const values: string[] = []
  let depth = 0
  let value = ''
  for (const char of text) {
    if (char === '(') depth += 1
    if (char === ')') depth -= 1
    if (char === ',' && depth === 0) {
      values.push(value)
      value = ''
    } else if (!(char === ' ' && value === '')) {
      value += char
    }
  }
  values.push(value)
  return values
}

/** A handler's text as it is compared: with a final line feed unless it is empty. */
export function withFinalLineFeed(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}

/** Access to the arguments of one directive. */
export class Arguments {
  readonly #directive: Directive

  constructor(directive: Directive) {
    this.#directive = directive
  }

  has(key: string): boolean {
    return this.#directive.args.some((arg) => arg.key === key)
  }

  list(key: string): readonly string[] | undefined {
    return this.#directive.args.find((arg) => arg.key === key)?.values
  }

  value(key: string): string | undefined {
    const values = this.list(key)
    assert(values === undefined || values.length === 1, `${key} takes one value in: ${this.#directive.text}`)
    return values?.[0]
  }

  number(key: string): number | undefined {
    const value = this.value(key)
    return value === undefined ? undefined : integer(value)
  }

  numbers(key: string): readonly number[] | undefined {
    return this.list(key)?.map(integer)
  }

  boolean(key: string): boolean | undefined {
    const value = this.value(key)
    if (value === undefined) return undefined
    if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true
    if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value)) return false
    throw new Error(`${value} is not a boolean in: ${this.#directive.text}`)
  }

  /** Arguments without a value, in order. */
  get positional(): readonly string[] {
    return this.#directive.args.filter((arg) => arg.values.length === 0).map((arg) => arg.key)
  }

  /** Node numbers among the arguments without a value. */
  get nodes(): readonly number[] {
    return this.positional.filter((text) => /^\d+$/.test(text)).map(integer)
  }
}

function integer(text: string): number {
  assert(/^\d+$/.test(text), `${text} is not a decimal number`)
  return Number(text)
}
