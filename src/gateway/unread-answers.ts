/**
 * Answers that their readers have yet to take. What fits into the buffers of the system is nobody's business; what does not stays in this process until it is
 * read, and a client that asks for much (one packet can hold a thousand requests) and reads nothing must not fill the memory. Streams see to that themselves.
 * Called by exchanges.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Less than this in each of the most connections there may be is bearable. */
const SMALL_BYTES = 16 * 1024

export interface UnreadLimits {
  /** How long a reader may take nothing. */
  readonly stallMsMax: number
  /** Of all unread answers together. */
  readonly unreadBytesMax: number
}

export class UnreadAnswers {
  readonly #limits: UnreadLimits
  /** Oldest first, with their bytes. */
  readonly #waiting = new Map<ServerResponse, { readonly bytes: number; readonly socket: Socket }>()
  readonly #onSocket = new Map<Socket, Set<ServerResponse>>()
  readonly #watched = new WeakSet<Socket>()
  #bytes = 0

  /** `limits` may change while this runs. */
  constructor(limits: UnreadLimits) {
    this.#limits = limits
  }

  /** Of all unread answers. */
  get bytes(): number {
    return this.#bytes
  }

  /** A whole answer was handed over. Cheap where it has left already. */
  note(answer: ServerResponse, socket: Socket): void {
    const bytes = answer.writableLength
    if (bytes < SMALL_BYTES || answer.destroyed || socket.destroyed) return
    this.#waiting.set(answer, { bytes, socket })
    this.#bytes += bytes
    let others = this.#onSocket.get(socket)
    if (others === undefined) {
      others = new Set()
      this.#onSocket.set(socket, others)
      // Node ends the connection when this passes without a byte taken.
      socket.setTimeout(this.#limits.stallMsMax)
    }
    others.add(answer)
    answer.once('close', () => this.#forget(answer))
    this.#watch(socket)
    if (this.#bytes > this.#limits.unreadBytesMax) this.#makeRoom()
  }

  /** Node does not tell answers that still wait for their turn on a connection that it is gone. Once for each connection. */
  #watch(socket: Socket): void {
    if (this.#watched.has(socket)) return
    this.#watched.add(socket)
    socket.once('close', () => {
      for (const answer of this.#onSocket.get(socket) ?? []) this.#forget(answer)
    })
  }

  /** Ends the connections whose answers have waited the longest. */
  #makeRoom(): void {
    for (const [answer, { socket }] of this.#waiting) {
      if (this.#bytes <= this.#limits.unreadBytesMax) return
      this.#forget(answer)
      socket.destroy()
    }
  }

  #forget(answer: ServerResponse): void {
    const unread = this.#waiting.get(answer)
    if (unread === undefined) return
    const { bytes, socket } = unread
    this.#waiting.delete(answer)
    this.#bytes -= bytes
    const others = this.#onSocket.get(socket)
    others?.delete(answer)
    if (others === undefined || others.size > 0) return
    this.#onSocket.delete(socket)
    // Where Node waits for the next request, it has set its own time by now.
    if (socket.timeout === this.#limits.stallMsMax) socket.setTimeout(0)
  }
}
