/**
 * Requests that a client sends on one connection without waiting for the answers before them. Only requests that change nothing may run beside one another
 * (RFC 9112 section 9.3.2): a write runs when everything before it is answered, and whatever comes after a write when that is answered, so that two writes
 * of one key end as they were sent, and a read sees the write before it. Called by the gateway for every request; a request that waits for nobody costs
 * next to nothing.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'
import { refusal } from './failures.ts'
import type { GatewayLimits } from './options.ts'

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

export class Pipelines {
  readonly #limits: Pick<GatewayLimits, 'inflightMax'>
  /** The last request of a connection that could change something and was run; it may have been answered since. */
  readonly #lastWrite = new WeakMap<Socket, Exchange>()
  /** How many of those that wait on a connection could change something. */
  readonly #waitingWrites = new WeakMap<Socket, number>()
  #waiting = 0

  /** `limits` may change while this runs. */
  constructor(limits: Pick<GatewayLimits, 'inflightMax'>) {
    this.#limits = limits
  }

  /**
   * Calls `run` now, or when it is the request's turn; never, when the request has been answered or abandoned before. Refuses it when too many wait, on all
   * connections together.
   */
  enter(exchange: Exchange, incoming: IncomingMessage, outgoing: ServerResponse, run: () => void): void {
    const { socket } = incoming
    const isSafe = SAFE_METHODS.includes(exchange.method)
    // Node gives an answer its connection when all answers before it have left.
    if (outgoing.socket !== null || (isSafe && !this.#followsWrite(socket))) {
      if (!isSafe) this.#lastWrite.set(socket, exchange)
      run()
    } else if (this.#waiting >= this.#limits.inflightMax) {
      exchange.sendError(refusal('OVERLOADED', 'too many requests wait for those before them on their connections'))
    } else this.#wait(exchange, isSafe, socket, outgoing, run)
  }

  #followsWrite(socket: Socket): boolean {
    const write = this.#lastWrite.get(socket)
    return (write !== undefined && write.phase !== 'done') || (this.#waitingWrites.get(socket) ?? 0) > 0
  }

  #wait(exchange: Exchange, isSafe: boolean, socket: Socket, outgoing: ServerResponse, run: () => void): void {
    this.#count(1, isSafe, socket)
    exchange.phase = 'waiting'
    exchange.whenAnswered = () => this.#count(-1, isSafe, socket)
    outgoing.once('socket', () => {
      if (exchange.phase !== 'waiting') return
      this.#count(-1, isSafe, socket)
      exchange.whenAnswered = undefined
      exchange.phase = 'working'
      if (!isSafe) this.#lastWrite.set(socket, exchange)
      run()
    })
  }

  #count(change: number, isSafe: boolean, socket: Socket): void {
    this.#waiting += change
    if (!isSafe) this.#waitingWrites.set(socket, (this.#waitingWrites.get(socket) ?? 0) + change)
  }
}
