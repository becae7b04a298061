/**
 * The port for diagnostics: what a person reads to understand a process. Never on the path of a single entry, and never
 * given secrets or user values.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Logger {
  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void
}

export const silentLogger: Logger = { log() {} }
