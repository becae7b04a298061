/** What the `nats` client's errors mean to the person who configures Flotilla, and what to do about them. Never quotes secrets. */
import { ErrorCode, NatsError } from 'nats'
import { TransportError } from '../transport-error.ts'

/** A TransportError when only a change of configuration helps, else a sentence. */
export function explainNatsError(error: unknown): TransportError | string {
  if (error instanceof NatsError) return explainCode(error)
  if (error instanceof Error) return isTlsError(error) ? tlsFailed(error.message) : error.message
  return 'the connection ended'
}

function explainCode(error: NatsError): TransportError | string {
  switch (error.code) {
    case ErrorCode.AuthorizationViolation:
    case ErrorCode.AuthenticationExpired:
    case ErrorCode.AuthenticationTimeout:
    case ErrorCode.AccountExpired:
    case ErrorCode.BadAuthentication:
    case ErrorCode.BadCreds:
      return new TransportError(
        'AUTH_FAILED',
        `the broker refuses our credentials (${error.code}): set transport.user and transport.password, transport.token, ` +
          'transport.nkey or transport.creds to what it expects',
      )
    case ErrorCode.Tls:
      return tlsFailed(error.message)
    case ErrorCode.ServerOptionNotAvailable:
      return tlsFailed('one side insists on encryption and the other does not offer it')
    case ErrorCode.ConnectionRefused:
      return 'nothing listens there'
    case ErrorCode.ConnectionTimeout:
    case ErrorCode.Timeout:
      return 'it does not answer in time'
    case ErrorCode.MaxPayloadExceeded:
      return 'the broker’s max_payload became smaller than our frames; it takes effect with the next connection'
    case ErrorCode.PermissionsViolation:
      return `${error.message}: allow publish and subscribe on flotilla.>`
    default:
      return `${error.message} (${error.code})`
  }
}

function tlsFailed(why: string): TransportError {
  return new TransportError('TLS_FAILED', `no encrypted connection to the broker: ${why}; see transport.tls`)
}

function isTlsError(error: NodeJS.ErrnoException): boolean {
  return (
    error.code !== undefined && /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO)/.test(error.code)
  )
}
