/**
 * Outputs that write lines: readable ones for a terminal, JSON for machines that collect logs. A file with rotation is in `file-output.ts`, the history
 * that people query in `history.ts`.
 */
import pino from 'pino'
import { LEVEL_COLOUR, type LineStream, prettyLine } from '../logger.ts'
import type { Event, EventOutput } from './event.ts'

/** One readable line an event. */
export function consoleOutput(stream: LineStream = process.stderr): EventOutput {
  const coloured = stream.isTTY === true && process.env.NO_COLOR === undefined
  return {
    name: 'console',
    write(events): void {
      let text = ''
      for (const event of events) {
        const { id: _id, ts, level, type, store, data, ...where } = event
        text += prettyLine(ts, coloured ? LEVEL_COLOUR[level] : undefined, level, store, type, { ...where, ...data })
      }
      stream.write(text)
    },
  }
}

/** One JSON object a line, as `pino` writes them: `time`, `level` as a number, `msg` is the type. */
export function jsonOutput(stream: LineStream = process.stderr): EventOutput {
  const lines = pino({ level: 'trace', base: null, timestamp: false }, stream)
  return {
    name: 'json',
    write(events): void {
      for (const { level, type, ts, ...rest } of events) lines[level]({ time: ts, ...rest }, type)
    },
  }
}

/** For tests and for those who collect events themselves. */
export function callbackOutput(name: string, take: (event: Event) => void): EventOutput {
  return {
    name,
    write(events): void {
      for (const event of events) take(event)
    },
  }
}
