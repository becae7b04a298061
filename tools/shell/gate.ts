/** A stream in front of another that can be shut: what a command prints after somebody has interrupted it goes nowhere, and the command learns of it. */
import { Writable } from 'node:stream'
import { CliError, type Context, EXIT } from '../cli/index.ts'

export interface Gate {
  readonly stream: Context['stdout']
  readonly shut: () => void
}

export function gateBefore(target: Context['stdout']): Gate {
  let isShut = false
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (isShut) done(new CliError(EXIT.interrupted, 'ABORTED', 'interrupted'))
      else target.write(chunk, done)
    },
  })
  // Whoever writes hears of it by its callback.
  stream.on('error', () => {})
  return {
    stream: Object.assign(stream, { isTTY: target.isTTY === true }),
    shut: () => {
      isShut = true
    },
  }
}
