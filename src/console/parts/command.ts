/**
 * The command line that does the same as a button: words quoted for a POSIX shell, the endpoint added where it is not the default one.
 */
import { base64Text, utf8Text } from './keys.ts'

const DEFAULT_ENDPOINT = 'http://127.0.0.1:8080'
const SEPARATOR = '--'

export function commandLine(words: readonly string[], endpoint: string): string {
  const options = endpoint === DEFAULT_ENDPOINT ? [] : ['-e', endpoint]
  // What follows the separator is no option.
  const end = words.includes(SEPARATOR) ? words.indexOf(SEPARATOR) : words.length
  const all = [...words.slice(0, end), ...options, ...words.slice(end)]
  return ['flotilla', ...all].map(quoted).join(' ')
}

/** Words that begin with a dash need the separator before them; a dash alone stands for standard input. */
export function separated(words: readonly string[]): string[] {
  return words.some((word) => word.startsWith('-') && word !== '-') ? [SEPARATOR, ...words] : [...words]
}

/** For what the command line has no word for. */
export function curlLine(method: string, url: string): string {
  return ['curl', '-X', method, url].map(quoted).join(' ')
}

/** The key as an argument, and what must be said of it. */
export function keyWords(key: Uint8Array): { readonly word: string; readonly flags: readonly string[] } {
  const text = utf8Text(key)
  if (text === undefined || /\p{Cc}/u.test(text)) return { word: base64Text(key), flags: ['--key-base64'] }
  return { word: text, flags: [] }
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
