/** The complaint about a key that means nothing, with the key that was probably meant. */
import { onLine, type Place } from './assignment.ts'
import { SETTINGS } from './settings.ts'
import { suggest } from './suggest.ts'

/** `section` is empty at the top; `keys` are those that exist there. */
export function unknownKey(place: Place, section: string, word: string, keys: readonly string[]): string {
  const where = section === '' ? 'at the top' : `in ${section}`
  return `${place.text}: unknown key ${JSON.stringify(word)} ${where}${onLine(place)}; ${cureForUnknown(section, word, keys)}`
}

/** What to write instead, as the end of a sentence. */
export function cureForUnknown(section: string, word: string, keys: readonly string[]): string {
  const near = suggest(word, keys)
  if (near !== undefined) return `did you mean ${JSON.stringify(near)}?`
  // The right word in the wrong section is as common as a wrong letter.
  const elsewhere = [...SETTINGS.keys()].find((name) => name.toLowerCase().endsWith(`.${word.toLowerCase()}`))
  if (elsewhere !== undefined && word !== '') return `did you mean ${JSON.stringify(elsewhere)}?`
  return `${section === '' ? 'the sections' : 'the keys there'} are ${keys.join(', ')}`
}
