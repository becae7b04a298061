/** The pure parts of the gateway by themselves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { AssertionFailure, type Clock } from '../../src/base/index.ts'
import { decodeCursor, encodeCursor } from '../../src/gateway/cursor.ts'
import { checkJsonShape, checkMsgpackShape } from '../../src/gateway/document-shape.ts'
import { base64UrlDecode, percentDecode, percentEncode } from '../../src/gateway/percent.ts'
import { preferredType } from '../../src/gateway/request-headers.ts'
import { parseTarget } from '../../src/gateway/target.ts'
import { realClock, startHarness } from './harness.ts'

const key = fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('latin1'))

test('percent-encoding and base64url give back every key', () => {
  fc.assert(
    fc.property(key, (text) => {
      assert.equal(percentDecode(percentEncode(text)), text)
      assert.match(percentEncode(text), /^[A-Za-z0-9._~%-]*$/)
      assert.equal(base64UrlDecode(Buffer.from(text, 'latin1').toString('base64url')), text)
    }),
  )
})

test("percent-decoding is Node's for valid UTF-8 and refuses what Node refuses, never more bytes than escapes", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('%', '0', '4', 'a', 'F', 'g', '+', '/') }), (text) => {
      const decoded = percentDecode(text)
      const isMalformed = /%(?![0-9a-fA-F]{2})/.test(text)
      assert.equal(decoded === undefined, isMalformed)
      if (decoded !== undefined) assert.equal(decoded.length, text.replace(/%../g, 'x').length)
    }),
  )
})

test('a target keeps every byte of a key, whatever stands before it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('', 'http://h', 'HTTPS://h:1', 'http://u@h'),
      fc.stringMatching(/^[!-~]*$/),
      (authority, rest) => {
        const target = parseTarget(`${authority}/kv/${rest}`)
        assert.equal(target.kind, 'key')
        const mark = rest.indexOf('?')
        assert.equal(target.kind === 'key' && target.encodedKey, mark < 0 ? rest : rest.slice(0, mark))
        assert.equal(target.query, mark < 0 ? '' : rest.slice(mark + 1))
      },
    ),
  )
})

test('a cursor comes back for its own query only, and survives no change', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), key, fc.nat(), (query, other, position, flip) => {
      const cursor = encodeCursor(query, position)
      assert.equal(decodeCursor(query, cursor), position)
      if (other !== query) assert.throws(() => decodeCursor(other, cursor), { code: 'INVALID_ARGUMENT' })
      const bytes = Buffer.from(cursor, 'base64url')
      const at = flip % bytes.length
      bytes[at] = (bytes[at] ?? 0) ^ 1
      assert.throws(() => decodeCursor(query, bytes.toString('base64url')), { code: 'INVALID_ARGUMENT' })
    }),
  )
})

test('the shape check lets every ordinary document through', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      checkJsonShape(JSON.stringify(value).padEnd(5000))
      checkMsgpackShape(encode(value))
    }),
  )
  checkJsonShape(JSON.stringify({ text: `${'\\"[{'.repeat(20_000)}\\` }))
  checkMsgpackShape(
    encode({ a: new Uint8Array(70_000), b: 'x'.repeat(300), c: [1.5, -7, 2 ** 40, null, true], d: new Date() }),
  )
})

test('the shape check refuses nesting and numbers no request needs', () => {
  for (const text of ['['.repeat(5000), '{"a":'.repeat(2000), '[],'.repeat(20_000), `"\\\\"${'['.repeat(5000)}`]) {
    assert.throws(() => checkJsonShape(text), { code: 'INVALID_ARGUMENT' })
  }
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat(), (value, cut) => {
      const bytes = encode(value)
      assert.throws(() => checkMsgpackShape(bytes.subarray(0, cut % bytes.length)), { code: 'INVALID_ARGUMENT' })
      assert.throws(() => checkMsgpackShape(Buffer.concat([bytes, Buffer.from([0xc0])])), { code: 'INVALID_ARGUMENT' })
    }),
  )
})

test('Accept chooses by quality and specificity, and falls back to the first offer', () => {
  const offers = ['a/raw', 'a/json'] as const
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, 'a/raw'], ['', 'a/raw'], ['*/*', 'a/raw'], ['a/json', 'a/json'], ['A/JSON; charset=x', 'a/json'], ['text/html', 'a/raw'],
    ['a/json;q=0', 'a/raw'], ['a/raw;q=0.1, a/json;q=0.2', 'a/json'], ['a/json;q=0.5, */*', 'a/raw'], ['a/*;q=0.2, a/json;q=0.1', 'a/raw'],
    ['*/*;q=0.1, a/json', 'a/json'], ['a/json;q=x', 'a/raw'], [',,;', 'a/raw'],
  ] // biome-ignore format: one list
  for (const [accept, type] of cases) assert.equal(preferredType(accept, offers), type, String(accept))
})

test('a failed assertion is answered, and then stops the process', async (t) => {
  const thrown: (() => void)[] = []
  let isHeld = true
  const clock: Clock = { ...realClock, soon: (run) => (isHeld ? void thrown.push(run) : realClock.soon(run)) }
  const h = await startHarness(t, { clock })
  h.router.before = () => {
    throw new AssertionFailure('1 is not 2')
  }
  await h.problem('/kv/a', {}, 500, 'INTERNAL')
  assert.equal(thrown.length, 1)
  assert.throws(() => thrown[0]?.(), AssertionFailure)
  // A gateway that closes lets what the system has accepted come in first.
  isHeld = false
})
