/** What the scripts for all three shells share: the tree as lists of words, and quoting that all of them understand. */
import { allNodes, type CommandNode, type OptionNode } from './command-tree.ts'

/** Options whose value follows as a word of its own; a shell has to step over it to find the command. */
export function wordsBeforeValues(root: CommandNode): readonly string[] {
  const words = allNodes(root).flatMap(({ options }) =>
    options.filter(({ takesValue }) => takesValue).flatMap((option) => option.words),
  )
  return [...new Set(words)].sort()
}

/** Commands with others below them, by the words that lead there; the program itself is the empty text. */
export function branches(root: CommandNode): readonly CommandNode[] {
  return allNodes(root).filter(({ children }) => children.length > 0)
}

export function optionsWithValues(root: CommandNode): readonly OptionNode[] {
  const known = new Map<string, OptionNode>()
  for (const { options } of allNodes(root)) {
    for (const option of options) if (option.values.length > 0) known.set(option.words.join(), option)
  }
  return [...known.values()]
}

/** In single quotes, for bash, zsh and fish alike; descriptions lose the two characters that they quote differently. */
export function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '')}'`
}
