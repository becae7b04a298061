/** The order of levels, for filters. */
import type { LogLevel } from '../base/index.ts'

export const LEVEL_RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }
