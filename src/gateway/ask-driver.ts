/** Asks the placement driver, wherever it is led, for a route: bounded by the deadline of the request, and given up with it. */
import type { OperateRequest } from '../protocol/index.ts'
import type { Exchange } from './exchange.ts'

/** The placement driver's answer; rejects with its refusal. */
export function ask(exchange: Exchange, request: OperateRequest): Promise<unknown> {
  const { remainingMs: timeoutMs, signal } = exchange
  return exchange.services.router.admin.operate(request, { timeoutMs, signal })
}
