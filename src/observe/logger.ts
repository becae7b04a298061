import pino from 'pino'
import type { Logger, LogLevel } from '../base/index.ts'
import { LEVEL_RANK } from './levels.ts'

/**
 * What a process tells people: JSON lines for machines that collect them, one readable line for a terminal. Written to standard error, so that
 * standard output stays free for data.
 */
export type LogFormat = 'json' | 'pretty'

export interface LogOptions {
  readonly level: LogLevel
  readonly format: LogFormat
  /** Goes into every line. */
  readonly store: string
}

/** What lines are written to. */
export interface LineStream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export const LEVEL_COLOUR: Readonly<Record<LogLevel, string>> = {
  debug: '\u001b[2m',
  info: '\u001b[36m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
}

/** A logger whose level and format may change while it is in use. */
export interface AdjustableLogger extends Logger {
  adjust(level: LogLevel, format: LogFormat): void
}

export function createLogger(options: LogOptions): AdjustableLogger {
  let lines = linesOf(options)
  return {
    log: (level, message, fields) => lines.log(level, message, fields),
    adjust(level, format) {
      lines = linesOf({ ...options, level, format })
    },
  }
}

function linesOf(options: LogOptions): Logger {
  return options.format === 'json' ? jsonLogger(options) : prettyLogger(options)
}

function jsonLogger(options: LogOptions): Logger {
  // Through the stream, not the descriptor: a reader that went away must not keep a process from ending.
  const lines = pino(
    { level: options.level, base: { store: options.store }, timestamp: pino.stdTimeFunctions.isoTime },
    process.stderr,
  )
  return {
    log(level, message, fields): void {
      lines[level](fields ?? {}, message)
    },
  }
}

function prettyLogger(options: LogOptions): Logger {
  const lowest = LEVEL_RANK[options.level]
  const coloured = process.stderr.isTTY === true && process.env.NO_COLOR === undefined
  return {
    log(level, message, fields): void {
      if (LEVEL_RANK[level] < lowest) return
      const colour = coloured ? LEVEL_COLOUR[level] : undefined
      process.stderr.write(prettyLine(new Date().toISOString(), colour, level, options.store, message, fields))
    },
  }
}

/** One line for a terminal: time of day, level, store, words, fields. */
export function prettyLine(
  isoTime: string,
  colour: string | undefined,
  level: LogLevel,
  store: string,
  message: string,
  fields: Record<string, unknown> | undefined,
): string {
  const name = colour === undefined ? level.padEnd(5) : `${colour}${level.padEnd(5)}\u001b[0m`
  return `${isoTime.slice(11, 23)} ${name} ${store} ${oneLine(message)}${fieldsToText(fields)}\n`
}

function fieldsToText(fields: Record<string, unknown> | undefined): string {
  if (fields === undefined) return ''
  let text = ''
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) text += ` ${name}=${oneLine(typeof value === 'string' ? value : JSON.stringify(value))}`
  }
  return text
}

/** Whatever came from outside must not begin a line of its own, nor speak to the terminal. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) =>
    JSON.stringify(character).slice(1, -1),
  )
}
