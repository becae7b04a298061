/**
 * Sizes and durations as people write them in configuration, and back. Strict: what has no obvious meaning is refused rather than guessed.
 * Used by the configuration and by the flags of the command line.
 */
const BYTE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
}
const BINARY_UNITS = ['TiB', 'GiB', 'MiB', 'KiB'] as const

const DURATION_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** Whole bytes of `64MiB`, `256KiB`, `1.5GB` or a plain number; undefined when it is none of these. */
export function parseBytes(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined
  if (typeof value !== 'string') return undefined
  const match = /^([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([A-Za-z]{1,3})?$/.exec(value)
  const unit = BYTE_UNITS[(match?.[2] ?? 'B').toLowerCase()]
  if (match === null || unit === undefined) return undefined
  const bytes = Number(match[1]) * unit
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** The shortest exact spelling that `parseBytes` reads back. */
export function formatBytes(bytes: number): string | number {
  for (const unit of BINARY_UNITS) {
    const size = BYTE_UNITS[unit.toLowerCase()] as number
    if (bytes > 0 && bytes % size === 0) return `${bytes / size}${unit}`
  }
  return bytes
}

/** Milliseconds of `50ms`, `2s`, `5m`, `1h30m` or `7d`; undefined for anything else, a number without a unit among it. */
export function parseDurationMs(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^(?:[0-9]{1,15}(?:\.[0-9]{1,6})?(?:ms|s|m|h|d))+$/.test(value)) return undefined
  let totalMs = 0
  for (const [, amount, unit] of value.matchAll(/([0-9.]+)(ms|s|m|h|d)/g)) {
    const unitMs = DURATION_UNITS.find(([name]) => name === unit)?.[1] ?? Number.NaN
    totalMs += Number(amount) * unitMs
  }
  return Number.isSafeInteger(totalMs) ? totalMs : undefined
}

/** The shortest spelling in one unit that `parseDurationMs` reads back. */
export function formatDurationMs(durationMs: number): string {
  for (const [unit, unitMs] of DURATION_UNITS) {
    if (durationMs > 0 && durationMs % unitMs === 0) return `${durationMs / unitMs}${unit}`
  }
  return `${durationMs}ms`
}
