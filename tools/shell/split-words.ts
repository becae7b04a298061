/** A line as a shell cuts it into words: blanks separate, quotes keep together, a backslash takes the next character as it is. */

export type Split =
  | { readonly ok: true; readonly words: readonly string[] }
  | { readonly ok: false; readonly reason: string }

export function splitWords(line: string): Split {
  const words: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at)
    if (character === '\\' && quote !== "'") {
      if (++at === line.length) return { ok: false, reason: 'nothing follows the backslash at the end' }
      word = (word ?? '') + line.charAt(at)
    } else if (quote === undefined && (character === '"' || character === "'")) {
      quote = character
      word ??= ''
    } else if (character === quote) quote = undefined
    else if (quote === undefined && /\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  if (quote !== undefined) return { ok: false, reason: `a ${quote} is never closed` }
  if (word !== undefined) words.push(word)
  return { ok: true, words }
}
