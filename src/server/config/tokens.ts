/**
 * The setting `gateway.tokens`: who may use the gateway. The file holds digests only; a secret that stands there in clear is refused with the cure.
 */
import { z } from 'zod'
import { LIMITS, utf8Encode } from '../../base/index.ts'
import { document, IDENTIFIER, type Leaf } from './leaf.ts'

const TOKEN_HASH = /^sha256:[0-9a-f]{64}$/
/** Each is compared with what a request offers, every time. */
const TOKENS_MAX = 100
const PREFIXES_MAX = 100

const prefix = z
  .string()
  .min(1)
  .refine((text) => utf8Encode(text).length <= LIMITS.keyBytesMax)

const tokenSchema = z.strictObject({
  /** For audit events and logs. */
  name: z.string().regex(IDENTIFIER),
  hash: z.string().regex(TOKEN_HASH),
  role: z.literal(['read', 'write', 'admin']),
  /** Texts, taken as UTF-8. Absent: every key. */
  prefixes: z.array(prefix).min(1).max(PREFIXES_MAX).exactOptional(),
})

type TokenSetting = z.output<typeof tokenSchema>
type AsRead = Pick<TokenSetting, 'name' | 'hash' | 'role'> & { readonly prefixes?: readonly string[] }

export function tokens(): Leaf<TokenSetting[]> {
  return document(
    z.array(tokenSchema).max(TOKENS_MAX),
    `a list of at most ${TOKENS_MAX} maps {name, hash, role: read|write|admin, prefixes?}, never the token itself; flotilla token new makes a token and its hash, flotilla token hash the hash of one you have`,
    Object.keys(tokenSchema.shape),
  )
}

/** What is wrong between tokens that are each fine by themselves; a sentence for each. */
export function tokenContradictions(entries: readonly Readonly<AsRead>[]): string[] {
  const sentences: string[] = []
  const names = new Set<string>()
  const hashes = new Set<string>()
  for (const { name, hash, role, prefixes } of entries) {
    if (names.has(name)) sentences.push(`names ${name} twice; expected a name of its own for each token`)
    if (hashes.has(hash)) sentences.push(`has the hash of ${name} twice; expected each token once`)
    if (role === 'admin' && prefixes !== undefined) {
      sentences.push(`confines ${name} to prefixes, but the role admin reaches everything; expected read or write`)
    }
    names.add(name)
    hashes.add(hash)
  }
  return sentences
}

/** The bytes of a hash that the schema accepted. */
export function digestOf(hash: string): Uint8Array {
  return Buffer.from(hash.slice(hash.indexOf(':') + 1), 'hex')
}
