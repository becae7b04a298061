/**
 * Where to cut the key space of a cluster that has no keys yet. Cuts at even byte values would put all text into two shards, since text
 * uses a third of the bytes and mostly begins with a letter or a digit. So the cuts follow a guess at first characters: one part
 * hexadecimal ids, one part lower-case words, one part random letters and digits of both cases. With 8 shards: random hexadecimal keys meet
 * 6 of them, random words 5, base-62 ids all. Keys that share a prefix (`user:1`, `user:2`) share a shard whatever the cuts; splits by
 * size and load are the cure for those.
 */
import type { Key } from '../types.ts'

/** Share of one character among first characters, in parts of a whole that is the sum over the alphabet. */
interface Weighted {
  readonly code: number
  readonly weight: number
}

const ALPHABET: readonly Weighted[] = weighAlphabet()
const WEIGHT_SUM = ALPHABET.reduce((sum, { weight }) => sum + weight, 0)

function weighAlphabet(): readonly Weighted[] {
  const alphabet: Weighted[] = []
  for (const character of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz') {
    const hexadecimal = /[0-9a-f]/.test(character) ? 1 / 16 : 0
    const word = /[a-z]/.test(character) ? 1 / 26 : 0
    alphabet.push({ code: character.charCodeAt(0), weight: hexadecimal + word + 1 / 62 })
  }
  return alphabet
}

/**
 * The `count - 1` keys that cut the key space into `count` ranges of about equal expected use; strictly ascending. A cut
 * has as few characters as keep it within a quarter of a range of its ideal place, so that a few shards get cuts that a person can read.
 */
export function planBoundaries(count: number): readonly Key[] {
  const boundaries: Key[] = []
  for (let i = 1; i < count; i++) boundaries.push(boundaryAt(i / count, 1 / (4 * count)))
  return boundaries
}

/** The shortest key whose place among random keys is within `tolerance` of `share`. */
function boundaryAt(share: number, tolerance: number): Key {
  let key = ''
  let rest = share
  let width = 1
  for (;;) {
    let below = 0
    let place = 0
    // The character whose slice of the present range holds the rest.
    while (place < ALPHABET.length - 1 && below + weightAt(place) <= rest) below += weightAt(place++)
    const slice = weightAt(place)
    const here = String.fromCharCode((ALPHABET[place] as Weighted).code)
    if ((rest - below) * width <= tolerance) return key + here
    const next = ALPHABET[place + 1]
    if (next !== undefined && (below + slice - rest) * width <= tolerance) return key + String.fromCharCode(next.code)
    key += here
    rest = (rest - below) / slice
    width *= slice
  }
}

function weightAt(place: number): number {
  return (ALPHABET[place] as Weighted).weight / WEIGHT_SUM
}
