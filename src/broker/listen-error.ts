/** Why a broker could not listen, as a value with a stable code and the cure. Thrown by `startBroker` only. */
export type BrokerListenErrorCode = 'ADDRESS_IN_USE' | 'ADDRESS_NOT_AVAILABLE' | 'PERMISSION_DENIED' | 'LISTEN_FAILED'

export class BrokerListenError extends Error {
  override readonly name = 'BrokerListenError'
  readonly code: BrokerListenErrorCode
  /** What to do about it, for people. */
  readonly cure: string

  constructor(code: BrokerListenErrorCode, address: string, cause: Error) {
    const cure = CURES[code]
    super(`the broker cannot listen on ${address} (${cause.message}): ${cure}`, { cause })
    this.code = code
    this.cure = cure
  }
}

const CURES: Record<BrokerListenErrorCode, string> = {
  ADDRESS_IN_USE: 'something already listens there; connect to it, or choose another port (0 for any free one)',
  ADDRESS_NOT_AVAILABLE: 'this machine has no such address; choose one it has, such as 127.0.0.1 or ::1',
  PERMISSION_DENIED: 'this user may not listen there; choose a port above 1023',
  LISTEN_FAILED: 'see the cause',
}

/** Sorts an error of `net.Server.listen` by its system code. */
export function toBrokerListenError(address: string, cause: NodeJS.ErrnoException): BrokerListenError {
  switch (cause.code) {
    case 'EADDRINUSE':
      return new BrokerListenError('ADDRESS_IN_USE', address, cause)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new BrokerListenError('ADDRESS_NOT_AVAILABLE', address, cause)
    case 'EACCES':
    case 'EPERM':
      return new BrokerListenError('PERMISSION_DENIED', address, cause)
    default:
      return new BrokerListenError('LISTEN_FAILED', address, cause)
  }
}
