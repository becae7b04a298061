/** Completion inside a shell: from the commands of the program and the phrases of the dialect. Pure. */
import type { CommandNode } from '../completion/index.ts'
import type { Dialect } from './dialect.ts'

/** Words of the shell itself. */
export const OWN_WORDS = ['help', 'exit', 'quit'] as const

/** What the last word of the line can become, and that word, as readline wants it. */
export function completeLine(root: CommandNode, dialect: Dialect, line: string): [string[], string] {
  const words = line.trimStart().split(/\s+/)
  const begun = words.pop() ?? ''
  const candidates = [...phraseWords(dialect, words), ...commandWords(root, words, begun)]
  const own = words.length === 0 ? OWN_WORDS : []
  const fitting = [...new Set([...candidates, ...own])].filter((word) => word.startsWith(begun)).sort()
  // With a blank behind it, so that the next word can follow at once.
  return [fitting.map((word) => `${word} `), begun]
}

function phraseWords({ phrases }: Dialect, before: readonly string[]): readonly string[] {
  return phrases.flatMap((phrase) => {
    const next = phrase.words[before.length]
    return next !== undefined && before.every((word, position) => phrase.words[position] === word) ? [next] : []
  })
}

function commandWords(root: CommandNode, before: readonly string[], begun: string): readonly string[] {
  let node = root
  for (const word of before) {
    const child = node.children.find(({ path }) => path.at(-1) === word)
    if (child === undefined) continue
    node = child
  }
  const option = node.options.find(({ words }) => words.includes(before.at(-1) ?? ''))
  if (option?.takesValue === true) return option.values
  if (begun.startsWith('-')) return node.options.flatMap(({ words }) => words)
  return [...node.children.flatMap(({ path }) => path.slice(-1)), ...node.values]
}
