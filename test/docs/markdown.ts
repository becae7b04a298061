/** Takes out of a document what can be tried: its code blocks, by language, and the rows of its tables. */

/** The contents of the fenced blocks of one language, in order. */
export function codeBlocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, name, text]) =>
    name === language && text !== undefined ? [text] : [],
  )
}

/** The cells of every table row whose first cell is a single word in backquotes. */
export function namedRows(markdown: string): ReadonlyMap<string, readonly string[]> {
  const rows = [...markdown.matchAll(/^\| `([^`|]+)` \|(.*)\|$/gm)]
  return new Map(rows.map(([, name = '', rest = '']) => [name, rest.split('|').map((cell) => cell.trim())]))
}

/** What a script says that it prints: the comments behind its `console.log` calls, each `//` a line. */
export function promisedOutput(script: string): string[] {
  return [...script.matchAll(/console\.log\(.*\)[ \t]+\/\/ (.*)$/gm)].flatMap(([, comment = '']) =>
    comment.split(' // '),
  )
}
