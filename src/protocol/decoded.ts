/**
 * What every decoder of this folder answers. Bytes that cannot be read are a value, not an exception: they come from a newer
 * version, a broken peer or a stranger, and none of them may stop a process.
 */
export interface DecodeError {
  readonly message: string
}

export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: DecodeError }

export function decoded<T>(value: T): Decoded<T> {
  return { ok: true, value }
}

export function undecodable(message: string): { readonly ok: false; readonly error: DecodeError } {
  return { ok: false, error: { message } }
}
