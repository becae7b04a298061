/**
 * A client that knows nothing: it sends the bytes it is told and remembers all that comes back. For what the npm client would never send,
 * or would hide.
 */
import { connect, type Socket } from 'node:net'

/** Long enough for any machine; a test that reaches it has failed. */
const PATIENCE_MS = 20_000

export class RawClient {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#wake?.()
    })
    // A reset is one of the ways in which a broker closes; `close` follows.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake?.()
    })
  }

  /** Connects and takes the INFO line. */
  static async connect(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url)
    const client = new RawClient(connect(Number(port), hostname.replace(/^\[|\]$/g, '')))
    await client.until(/^INFO .*\r\n/)
    return client
  }

  /** All bytes so far as latin1 text, from INFO on. */
  get received(): string {
    return this.#received.toString('latin1')
  }

  /** What came after the INFO line. */
  get said(): string {
    return this.received.replace(/^INFO .*\r\n/, '')
  }

  get info(): Record<string, unknown> {
    const line = /^INFO (.*)\r\n/.exec(this.received)
    return JSON.parse(line?.[1] ?? '{}') as Record<string, unknown>
  }

  send(text: string | Uint8Array): void {
    if (typeof text === 'string') this.socket.write(text, 'latin1')
    else this.socket.write(text)
  }

  /** Waits until what came matches. */
  until(pattern: RegExp): Promise<void> {
    return this.#waitFor(() => pattern.test(this.received), `waiting for ${pattern}`)
  }

  /** Sends PING and returns what the broker said until its PONG, without it. */
  async settle(): Promise<string> {
    const from = this.said.length
    this.send('PING\r\n')
    await this.#waitFor(() => this.said.slice(from).endsWith('PONG\r\n'), 'waiting for PONG')
    return this.said.replaceAll('PONG\r\n', '')
  }

  async untilClosed(): Promise<string> {
    await this.#waitFor(() => this.#isClosed, 'waiting for the broker to close')
    return this.said
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  close(): void {
    this.socket.destroy()
  }

  async #waitFor(condition: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS
    while (!condition()) {
      if (this.#isClosed && !condition()) {
        throw new Error(`${what}, but the broker closed after ${JSON.stringify(this.said.slice(-300))}`)
      }
      if (Date.now() > deadline) throw new Error(`${what}, in vain: ${JSON.stringify(this.said.slice(-300))}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}
