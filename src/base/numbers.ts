/** What numbers of unknown origin must be before anybody counts with them. Called by decoders. */

/** A whole number that JavaScript counts exactly, from 0 on. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
