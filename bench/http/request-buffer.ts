/**
 * The bytes of one request, written in place and handed to the socket as they are. One per lane, reused from request to request; grows to
 * the largest. Dialects fill it, `HttpLane` sends it.
 */
export class RequestBuffer {
  #bytes: Buffer
  #length = 0

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  /** Forgets what was written. With `keep`, a socket still holds the old bytes, so a new buffer takes their place. */
  reset(keep: boolean): void {
    this.#length = 0
    if (keep) this.#bytes = Buffer.allocUnsafe(this.#bytes.length)
  }

  /** Appends text whose characters are all below 256. */
  text(text: string): void {
    this.#reserve(text.length)
    this.#length += this.#bytes.write(text, this.#length, 'latin1')
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
