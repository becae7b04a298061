/**
 * Takes comments and texts out of a source, so that rules about words look at code only. A scanner of the few lexical rules that matter for
 * that, not a parser: it knows comments, quotes, templates with their nested code, and regular expressions where an expression may begin.
 */

export interface Blanked {
  /** Comments, strings, templates and regular expressions are spaces; every line keeps its number. */
  readonly code: string
  /** Only comments, templates and regular expressions are spaces. */
  readonly withStrings: string
}

/** What may stand before a regular expression; after anything else a slash divides. */
const BEFORE_EXPRESSION = /(?:^|[=(,:;!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|yield|await|else|do))\s*$/

export function blankText(text: string): Blanked {
  const code = [...text.replaceAll(/[^\n]/gu, (unit) => ' '.repeat(unit.length))]
  const withStrings = code.slice()
  /** How deep in braces each `${` of an unfinished template began. */
  const templates: number[] = []
  let depth = 0
  let at = 0
  let recent = ''
  const keep = (from: number, to: number, target: string[]): void => {
    for (let i = from; i < to; i++) target[i] = text[i] ?? ''
  }
  const skipTemplate = (from: number): number => {
    for (let i = from; i < text.length; i++) {
      if (text[i] === '\\') i++
      else if (text[i] === '`') return i + 1
      else if (text.startsWith('${', i)) {
        templates.push(depth)
        return i + 2
      }
    }
    return text.length
  }
  while (at < text.length) {
    const unit = text[at] ?? ''
    if (text.startsWith('//', at) || (at === 0 && text.startsWith('#!'))) {
      at = endOf(text, '\n', at, 0)
    } else if (text.startsWith('/*', at)) {
      at = endOf(text, '*/', at + 2, 2)
    } else if (unit === "'" || unit === '"') {
      const end = endOfQuoted(text, at + 1, unit)
      keep(at, end, withStrings)
      recent = unit
      at = end
    } else if (unit === '`') {
      recent = unit
      at = skipTemplate(at + 1)
    } else if (unit === '/' && BEFORE_EXPRESSION.test(recent)) {
      recent = unit
      at = endOfExpression(text, at + 1)
    } else if (unit === '}' && templates.length > 0 && templates.at(-1) === depth) {
      templates.pop()
      recent = '`'
      at = skipTemplate(at + 1)
    } else {
      if (unit === '{') depth++
      if (unit === '}') depth--
      keep(at, at + 1, code)
      keep(at, at + 1, withStrings)
      recent = (recent + unit).slice(-RECENT_CHARS)
      at++
    }
  }
  return { code: code.join(''), withStrings: withStrings.join('') }
}

/** Enough for the longest keyword before an expression and the blanks behind it. */
const RECENT_CHARS = 24

function endOf(text: string, what: string, from: number, length: number): number {
  const found = text.indexOf(what, from)
  return found < 0 ? text.length : found + length
}

function endOfQuoted(text: string, from: number, quote: string): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === quote || text[i] === '\n') return i + 1
  }
  return text.length
}

function endOfExpression(text: string, from: number): number {
  let inClass = false
  for (let i = from; i < text.length; i++) {
    const unit = text[i]
    if (unit === '\\') i++
    else if (unit === '[') inClass = true
    else if (unit === ']') inClass = false
    else if ((unit === '/' && !inClass) || unit === '\n') return i + 1
  }
  return text.length
}
