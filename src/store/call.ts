import { decodeRequest, type ErrorValue, encodeReply, type Reply, type Request } from '../protocol/index.ts'
import type { IncomingRequest } from '../transport/index.ts'
import { withinLimits } from './answer-size.ts'

/**
 * A request that this store has accepted and will answer exactly once, whoever asked: a router in this process or a frame
 * from another one. Deadlines are on the store's own clock.
 */
export interface Call {
  readonly request: Request
  readonly arrivedMs: number
  readonly deadlineMs: number
  answer(reply: Reply): void
}

/** A call from inside the process: no bytes are made. */
export class LocalCall implements Call {
  readonly request: Request
  readonly arrivedMs: number
  readonly deadlineMs: number
  readonly #done: (reply: Reply) => void

  constructor(request: Request, arrivedMs: number, timeoutMs: number, done: (reply: Reply) => void) {
    this.request = request
    this.arrivedMs = arrivedMs
    this.deadlineMs = arrivedMs + timeoutMs
    this.#done = done
  }

  answer(reply: Reply): void {
    this.#done(withinLimits(reply))
  }
}

/** A call from another process; its answer leaves with the next frame to that process. */
export class RemoteCall implements Call {
  readonly request: Request
  readonly arrivedMs: number
  readonly deadlineMs: number
  readonly #incoming: IncomingRequest

  constructor(request: Request, incoming: IncomingRequest, arrivedMs: number) {
    this.request = request
    this.arrivedMs = arrivedMs
    this.deadlineMs = arrivedMs + incoming.timeoutMs
    this.#incoming = incoming
  }

  answer(reply: Reply): void {
    this.#incoming.reply(encodeReply(withinLimits(reply)))
  }
}

/** Decodes an incoming request, answering at once when it makes no sense. */
export function acceptRemoteCall(incoming: IncomingRequest, nowMs: number): RemoteCall | undefined {
  const request = decodeRequest(incoming.body)
  if (request.ok) return new RemoteCall(request.value, incoming, nowMs)
  incoming.reply(
    encodeReply({
      kind: 'error',
      error: {
        code: 'INVALID_ARGUMENT',
        message: `the request cannot be read: ${request.error.message}`,
        outcome: 'none',
        retryable: false,
      },
    }),
  )
  return undefined
}

export function answerError(call: Call, error: ErrorValue): void {
  call.answer({ kind: 'error', error })
}
