import type { NatsCredentials } from '../transport/index.ts'

/** What was given of a broker's credentials; for roots whose own options may be there and undefined. */
export function withoutUndefined(credentials: Record<keyof NatsCredentials, string | undefined>): NatsCredentials {
  return Object.fromEntries(Object.entries(credentials).filter(([, value]) => value !== undefined))
}
