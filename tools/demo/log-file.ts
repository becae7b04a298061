/**
 * What one store prints, kept in a file that never grows beyond a bound: a full one is renamed to `.1`, over the one before.
 */
import { createWriteStream, renameSync, statSync, type WriteStream } from 'node:fs'

const FILE_BYTES_MAX_DEFAULT = 8 * 1024 * 1024

export class LogFile {
  readonly #path: string
  readonly #onError: (error: Error) => void
  readonly #bytesMax: number
  #stream: WriteStream
  #bytes: number

  /** Creates the file, or goes on at its end. */
  constructor(path: string, onError: (error: Error) => void, bytesMax = FILE_BYTES_MAX_DEFAULT) {
    this.#path = path
    this.#onError = onError
    this.#bytesMax = bytesMax
    this.#bytes = sizeOf(path)
    this.#stream = this.#open()
  }

  write(text: string): void {
    if (this.#bytes >= this.#bytesMax) {
      this.#stream.end()
      // An open file keeps its name's data: what is still buffered goes into the renamed one.
      renameSync(this.#path, `${this.#path}.1`)
      this.#bytes = 0
      this.#stream = this.#open()
    }
    this.#bytes += Buffer.byteLength(text)
    this.#stream.write(text)
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(resolve))
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#path, { flags: 'a' })
    stream.on('error', this.#onError)
    return stream
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
