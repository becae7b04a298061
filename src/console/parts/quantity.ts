/**
 * Named numbers as words with units: events and decisions carry them under names such as `durationMs` and `splitBytes`, whose ends say the unit.
 */
import { bytes, rate, seconds } from './format.ts'

const UNITS: readonly (readonly [end: RegExp, words: string, show: (value: number) => string])[] = [
  [/(?:^b|B)ytes$/, ' size', bytes],
  [/(?:^m|M)s$/, '', (value) => seconds(value / 1000)],
  [/(?:^s|S)econds$/, '', seconds],
  [/PerSecond$/, '', rate],
]

/** `durationMs` and 12.25 become `duration 12.3 ms`; what is no number is said as it is. */
export function quantity(name: string, value: unknown): string {
  if (typeof value !== 'number') return `${spaced(name)} ${String(value)}`
  const unit = UNITS.find(([end]) => end.test(name))
  if (unit === undefined) return `${spaced(name)} ${Number.isInteger(value) ? value : value.toFixed(2)}`
  const [end, words, show] = unit
  return `${spaced(name.replace(end, ''))}${words} ${show(value)}`.trim()
}

/** `mapVersion` as words. */
function spaced(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
