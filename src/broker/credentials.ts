/**
 * Who may connect: one user with a password, one token, or everybody. Compares in constant time: an answer's delay must not tell how much
 * of a guess was right.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { ConnectOptions } from './connect-options.ts'

export type BrokerAuth = { readonly user: string; readonly password: string } | { readonly token: string }

/** Whether what the client presents is what `auth` asks for. No `auth` means that anything will do, as with nats-server. */
export function isAuthorized(auth: BrokerAuth | undefined, presented: ConnectOptions): boolean {
  if (auth === undefined) return true
  if ('token' in auth) return equalSecrets(auth.token, presented.token)
  // Both are always compared, so that a right user name with a wrong password takes as long as a wrong name.
  const isUser = equalSecrets(auth.user, presented.user)
  const isPassword = equalSecrets(auth.password, presented.password)
  return isUser && isPassword
}

/** Digests have one length, which the comparison needs and which hides the length of the secret. */
function equalSecrets(expected: string, presented: string | undefined): boolean {
  const isEqual = timingSafeEqual(digest(expected), digest(presented ?? ''))
  return isEqual && presented !== undefined
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest()
}
