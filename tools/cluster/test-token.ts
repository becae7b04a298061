/** The token by which tests prove themselves to a store that listens where others could reach it; on a loopback address nobody asks. */
import { createHash } from 'node:crypto'

const TOKEN = 'flotilla_of-these-tests-and-of-nobody-else'

/** `gateway.tokens` of such a store. */
export const TEST_TOKENS = [
  { name: 'tests', hash: `sha256:${createHash('sha256').update(TOKEN).digest('hex')}`, role: 'admin' },
] as const

/** What requests to this address carry. */
export function credentials(address: string): Readonly<Record<string, string>> {
  return address.startsWith('127.') ? {} : { Authorization: `Bearer ${TOKEN}` }
}
