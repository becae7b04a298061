/** What keeps a transport from being opened or a cluster from being found, with the cure in its message. Never carries secrets. */
export type TransportErrorCode =
  /** A cluster id or an address that cannot be part of a subject. */
  | 'BAD_ID'
  /** The broker does not accept our credentials. */
  | 'AUTH_FAILED'
  /** Options that contradict themselves, such as a seed that is none or a file that cannot be read. */
  | 'BAD_OPTIONS'
  /** The broker and we do not agree on encryption. */
  | 'TLS_FAILED'
  /** Nothing answers at the addresses of the broker. */
  | 'NO_BROKER'
  /** A broker is there, but no store. */
  | 'NO_CLUSTER'
  /** Stores of more than one cluster are there, and none was named. */
  | 'SEVERAL_CLUSTERS'

export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly code: TransportErrorCode

  constructor(code: TransportErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
