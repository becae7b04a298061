/**
 * What clients of later versions may send and this one cannot honour. Ignoring it would break the promise they rely on, so it is refused.
 */
import type { Exchange } from '../exchange.ts'
import { invalidArgument } from '../failures.ts'

/** Throws INVALID_ARGUMENT when a write asks for idempotent retries. Expiry is refused with the other parameters that nobody knows. */
export function refuseUnsupported(exchange: Exchange): void {
  if (exchange.requestHeader('idempotency-key') !== undefined) {
    throw invalidArgument(
      'Idempotency-Key is not supported by this version',
      'Use If-Match or If-None-Match to make a retry safe.',
    )
  }
}

export function ttlUnsupported(where: string): Error {
  return invalidArgument(
    `${where} is not supported by this version`,
    'Write without ttl and delete the key when it is due.',
  )
}
