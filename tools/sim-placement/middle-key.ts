/**
 * A key about halfway between two bounds, for a model that has no data to find the middle of. Nothing real splits by this.
 */
const DIGITS = 12

/** Keys are digits in base 256; the middle is the mean of the two numbers, to twelve digits. */
export function middleKey(start: string, end: string | undefined): string {
  const sum: number[] = []
  let carry = 0
  for (let i = DIGITS - 1; i >= 0; i--) {
    const digit = (start.charCodeAt(i) || 0) + (end === undefined ? 255 : end.charCodeAt(i) || 0) + carry
    carry = digit > 255 ? 1 : 0
    sum[i] = digit & 255
  }
  let key = ''
  let rest = carry
  for (let i = 0; i < DIGITS; i++) {
    const digit = rest * 256 + (sum[i] as number)
    key += String.fromCharCode(digit >> 1)
    rest = digit & 1
  }
  return key.replace(/\0+$/, '')
}
