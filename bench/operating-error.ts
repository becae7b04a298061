/**
 * Something outside this program went wrong and the message says what to do about it: a server that does not start, a client that cannot be
 * loaded. Printed without a stack. Anything else that is thrown is a bug and crashes.
 */
export class OperatingError extends Error {
  override readonly name = 'OperatingError'
}
