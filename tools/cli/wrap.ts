/** Lines that fit a terminal: broken at blanks, because the terminal itself breaks in the middle of words. */
import type { Context } from './context.ts'

const COLUMNS_MIN = 20
const HANGING_CHARS = 2

/** What follows the first line of a long one is indented a little deeper than it. Text for no terminal stays as it is. */
export function wrapFor(stream: Context['stdout'], text: string): string {
  const { isTTY, columns } = stream
  if (isTTY !== true || columns === undefined) return text
  return text
    .split('\n')
    .map((line) => wrapLine(line, Math.max(COLUMNS_MIN, columns)))
    .join('\n')
}

function wrapLine(line: string, columns: number): string {
  if (line.length <= columns) return line
  const indent = /^ */.exec(line)?.[0] ?? ''
  const deeper = indent.length + HANGING_CHARS < columns / 2 ? `${indent}${' '.repeat(HANGING_CHARS)}` : ''
  const lines: string[] = []
  let rest = line
  while (rest.length > columns) {
    const from = rest.search(/[^ ]/)
    const before = rest.lastIndexOf(' ', columns)
    // A word that is wider than the terminal ends where it ends.
    const at = before > from ? before : rest.indexOf(' ', columns)
    if (at < 0) break
    lines.push(rest.slice(0, at).trimEnd())
    rest = `${deeper}${rest.slice(at).trimStart()}`
  }
  return [...lines, rest].join('\n')
}
