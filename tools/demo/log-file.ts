/**
 * What one store prints, kept in a file that never grows beyond a bound: a full one is renamed to `.1`, over the one before.
 */
import { createWriteStream, openSync, renameSync, statSync, type WriteStream } from 'node:fs'

const FILE_BYTES_MAX_DEFAULT = 8 * 1024 * 1024

export class LogFile {
  readonly #path: string
  readonly #onError: (error: Error) => void
  readonly #bytesMax: number
  #stream: WriteStream
  #bytes: number

  /** Creates the file, or goes on at its end. Throws system errors; later ones go to `onError`. */
  constructor(path: string, onError: (error: Error) => void, bytesMax = FILE_BYTES_MAX_DEFAULT) {
    this.#path = path
    this.#onError = onError
    this.#bytesMax = bytesMax
    this.#bytes = sizeOf(path)
    this.#stream = this.#open()
  }

  write(text: string): void {
    if (this.#bytes >= this.#bytesMax) this.#rotate()
    this.#bytes += Buffer.byteLength(text)
    this.#stream.write(text)
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(resolve))
  }

  #rotate(): void {
    const full = this.#stream
    this.#bytes = 0
    try {
      renameSync(this.#path, `${this.#path}.1`)
      this.#stream = this.#open()
      // What it still holds goes into the renamed file: it writes to a descriptor, not to a name.
      full.end()
    } catch (error) {
      // A log that cannot be rotated is still a log; the next attempt comes when as much again was written.
      this.#onError(error as Error)
    }
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#path, { fd: openSync(this.#path, 'a') })
    stream.on('error', this.#onError)
    return stream
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
