/** Text from elsewhere, made fit for a terminal. */
import { utf8Decode } from '../../src/base/index.ts'

/** Text or bytes for a terminal: what could move its cursor or is no text is shown as escapes. */
export function printable(text: string, encoding: 'utf8' | 'base64' = 'utf8'): string {
  if (encoding === 'utf8') return text.replace(UNPRINTABLE, escapeCharacter)
  const bytes = Buffer.from(text, 'base64')
  const decoded = utf8Decode(bytes)
  if (decoded !== undefined) return printable(decoded)
  return bytes.toString('latin1').replace(/[^ -~]/g, escapeCharacter)
}

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}
