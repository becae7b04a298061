/**
 * How long a refusal takes must not say how close a token was. Time itself proves nothing on a busy machine, so this looks at how it is compared: digests of one length,
 * with the comparison of `node:crypto`, each with each, whatever was offered.
 */
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { test } from 'node:test'
import { type AccessToken, TokenSet } from '../../src/gateway/access.ts'

const RIGHT = 'first-token-of-three-0123456789abcdef'
const TOKENS = [RIGHT, 'second-token-of-three-0123456789abcdef', 'third-token-of-three-0123456789abcdef']
const DIGEST_BYTES = 32

function tokenOf(text: string, position: number): AccessToken {
  const digest = crypto.createHash('sha256').update(text).digest()
  return { name: `t${position}`, digest, role: 'read', prefixes: [] }
}

test('every token is compared with every other in constant time, as digests of one length', (t) => {
  const real = crypto.timingSafeEqual
  const lengths: (readonly [number, number])[] = []
  crypto.timingSafeEqual = (left, right) => {
    lengths.push([left.byteLength, right.byteLength])
    return real(left, right)
  }
  syncBuiltinESMExports()
  t.after(() => {
    crypto.timingSafeEqual = real
    syncBuiltinESMExports()
  })
  const set = new TokenSet(TOKENS.map(tokenOf))
  const offered: readonly (readonly [string, string, string | undefined])[] = [
    ['the first', RIGHT, 't0'],
    ['the last', TOKENS[2] ?? '', 't2'],
    ['one letter off', `${RIGHT.slice(0, -1)}0`, undefined],
    ['a beginning', RIGHT.slice(0, 10), undefined],
    ['the right one and more', `${RIGHT}0`, undefined],
    ['one letter', 'x', undefined],
    ['very long', 'x'.repeat(8_000), undefined],
    ['a digest', crypto.createHash('sha256').update(RIGHT).digest('hex'), undefined],
    ['not ASCII', 'd\u00e9j\u00e0-vu', undefined],
  ]
  for (const [what, token, name] of offered) {
    lengths.length = 0
    assert.equal(set.grantOf(`Bearer ${token}`)?.name, name, what)
    assert.deepEqual(
      lengths,
      TOKENS.map(() => [DIGEST_BYTES, DIGEST_BYTES]),
      `${what}: each comparison, and no other`,
    )
  }
})
