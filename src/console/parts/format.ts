/**
 * Numbers and times for people: few digits, one unit, the same everywhere.
 */

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

export function bytes(count: number): string {
  let value = count
  let unit = 0
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${digits(value)} ${BYTE_UNITS[unit]}`
}

/** Three significant digits, `k` and `M` above a thousand. */
export function count(value: number): string {
  if (value >= 1e9) return `${digits(value / 1e9)} G`
  if (value >= 1e6) return `${digits(value / 1e6)} M`
  return value >= 1e4 ? `${digits(value / 1e3)} k` : digits(value)
}

export function rate(perSecond: number): string {
  return `${count(perSecond)}/s`
}

function digits(value: number): string {
  if (value === 0) return '0'
  if (value >= 100 || Number.isInteger(value)) return String(Math.round(value))
  return value >= 10 ? value.toFixed(1) : value.toFixed(2).replace(/0$/, '')
}

export function seconds(value: number): string {
  if (value < 0.000_95) return `${digits(value * 1e6)} µs`
  if (value < 0.95) return `${digits(value * 1e3)} ms`
  if (value < 100) return `${digits(value)} s`
  return span(value)
}

/** Two units at most: `3 d 4 h`. */
export function span(totalSeconds: number): string {
  const whole = Math.max(0, Math.round(totalSeconds))
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3_600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ]
  const first = parts.findIndex(([value]) => value > 0)
  if (first < 0) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')
}

export function ago(timestamp: string, nowMs: number): string {
  const passedMs = nowMs - Date.parse(timestamp)
  if (passedMs < 2_000) return 'now'
  // One unit is enough for a glance; the exact time is said beside it.
  return `${span(passedMs / 1000).replace(/^(\d+ \w+) .*$/, '$1')} ago`
}

/** The time of day with milliseconds, in the reader's own zone, with the day before it where that is not the one of `nowMs`. */
export function clockTime(timestamp: string, nowMs: number): string {
  const date = new Date(timestamp)
  if (Number.isNaN(date.getTime())) return timestamp
  const fraction = String(date.getMilliseconds()).padStart(3, '0')
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${fraction}`
  return dayOf(date) === dayOf(new Date(nowMs)) ? time : `${dayOf(date)} ${time}`
}

function dayOf(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** What the reader's clocks are ahead of UTC at that time: `UTC`, `UTC+2`, `UTC−3:30`. */
export function zone(nowMs: number): string {
  const minutes = -new Date(nowMs).getTimezoneOffset()
  if (minutes === 0) return 'UTC'
  const rest = Math.abs(minutes) % 60
  return `UTC${minutes < 0 ? '−' : '+'}${Math.floor(Math.abs(minutes) / 60)}${rest === 0 ? '' : `:${two(rest)}`}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${value} ${value === 1 ? one : many}`
}
