/** Who may use the gateway, as configuration says it: nothing is open to others by accident, and no secret stands in a file. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { type LoadResult, loadConfig } from '../../../src/server/config/index.ts'

const HASH = `sha256:${'ab'.repeat(32)}`
const OTHER = `sha256:${'cd'.repeat(32)}`

function load(text: string): LoadResult {
  const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-access-'))
  try {
    const file = path.join(directory, 'flotilla.yaml')
    writeFileSync(file, text)
    return loadConfig({ file, env: {} })
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function errorsOf(text: string): string {
  const loaded = load(text)
  assert.equal(loaded.ok, false, text)
  return loaded.ok ? '' : loaded.errors.join('\n')
}

test('a gateway that others can reach needs tokens, or the word that it shall be open', () => {
  for (const listen of ['0.0.0.0:8080', '"[::]:8080"', '10.0.0.1:8080', 'db.example:8080', '127.0.0.1.example:8080']) {
    assert.match(
      errorsOf(`gateway: { listen: ${listen} }`),
      /gateway\.listen on line 1 is .*where others can reach it, and gateway\.tokens is empty; .*flotilla token new.*gateway\.allowAnonymous/,
    )
    assert.equal(load(`gateway: { listen: ${listen}, allowAnonymous: true }`).ok, true)
    assert.equal(load(`gateway: { listen: ${listen}, tokens: [{ name: ops, hash: "${HASH}", role: admin }] }`).ok, true)
  }
  for (const listen of ['127.0.0.1:8080', '127.8.9.1:1', '"[::1]:8080"', 'localhost:8080']) {
    assert.equal(load(`gateway: { listen: ${listen} }`).ok, true, listen)
  }
})

test('pages of other origins are named exactly, or all of them where tokens are asked for', () => {
  const named = load('gateway: { cors: { origins: ["https://shop.example", "http://localhost:3000"] } }')
  assert.ok(named.ok)
  assert.deepEqual(named.config.gateway.cors.origins, ['https://shop.example', 'http://localhost:3000'])
  for (const origin of [
    'https://shop.example/',
    'shop.example',
    'null',
    'HTTPS://shop.example',
    'ftp://a',
    'http://a:80',
  ]) {
    assert.match(
      errorsOf(`gateway: { cors: { origins: [${JSON.stringify(origin)}] } }`),
      /gateway\.cors\.origins.*expected a list of origins/,
    )
  }
  assert.match(errorsOf('gateway: { cors: { origins: ["*"] } }'), /gateway\.cors\.origins .*gateway\.tokens is empty/)
  for (const open of [`tokens: [{ name: ops, hash: "${HASH}", role: admin }]`, 'allowAnonymous: true'])
    assert.equal(load(`gateway: { cors: { origins: ["*"] }, ${open} }`).ok, true)
})

test('tokens have names, hashes, roles and prefixes, and a list of secrets is refused with the cure', () => {
  const good = load(`
gateway:
  tokens:
    - { name: ops, hash: "${HASH}", role: admin }
    - { name: shop, hash: "${OTHER}", role: write, prefixes: [shop/, cart/] }`)
  assert.ok(good.ok)
  assert.deepEqual(good.config.gateway.tokens[1], {
    name: 'shop',
    hash: OTHER,
    role: 'write',
    prefixes: ['shop/', 'cart/'],
  })
  for (const tokens of [
    'hush-hush',
    '[hush-hush]',
    '[{ name: a, hash: hush-hush, role: read }]',
    `[{ name: a, hash: "${HASH.toUpperCase()}", role: read }]`,
    `[{ name: a, hash: "${HASH}" }]`,
    `[{ name: a, hash: "${HASH}", role: root }]`,
    `[{ name: "a\\nb", hash: "${HASH}", role: read }]`,
    `[{ name: a, hash: "${HASH}", role: read, prefixes: [] }]`,
    `[{ name: a, hash: "${HASH}", role: read, prefixes: [""] }]`,
    `[{ name: a, hash: "${HASH}", role: read, prefixes: [${'x'.repeat(4097)}] }]`,
  ]) {
    const errors = errorsOf(`gateway: { tokens: ${tokens} }`)
    assert.match(errors, /gateway\.tokens.* never the token itself; flotilla token new/)
    assert.doesNotMatch(errors, /hush-hush/)
  }
})

test('tokens that contradict each other are refused', () => {
  const entries: [string, RegExp][] = [
    [`{ name: a, hash: "${HASH}", role: read }, { name: a, hash: "${OTHER}", role: read }`, /names a twice/],
    [`{ name: a, hash: "${HASH}", role: read }, { name: b, hash: "${HASH}", role: write }`, /the hash of b twice/],
    [`{ name: a, hash: "${HASH}", role: admin, prefixes: [x] }`, /confines a to prefixes, but the role admin/],
  ]
  for (const [list, expected] of entries) assert.match(errorsOf(`gateway: { tokens: [${list}] }`), expected)
})

test('a broker that others can reach, or that nobody hosts, is worth a warning', () => {
  const warnings = (transport: string, founders = '[s1, s2, s3]'): string => {
    const loaded = load(`
cluster: { bootstrap: { stores: ${founders} } }
transport: { ${transport} }`)
    assert.ok(loaded.ok, transport)
    return loaded.warnings.join('\n')
  }
  const far = 'servers: ["nats://10.0.0.1:4222"]'
  assert.match(
    warnings(`${far}, embedded: auto`),
    /embedded.* is auto.* no store hosts a broker there; run a nats-server/,
  )
  assert.match(warnings(`${far}, embedded: true`), /without transport\.user or transport\.token; whoever reaches it/)
  assert.match(warnings(`${far}, embedded: true`), /is the broker of 3 stores: set it on this one only/)
  const secured = warnings(`${far}, embedded: true, user: a, password: b`)
  assert.doesNotMatch(secured, /whoever reaches it/)
  assert.match(secured, /the broker of 3 stores/)
  assert.equal(warnings(`${far}, embedded: true, token: a`, '[s1]'), '')
  // Credentials in the address are those of a client; the embedded broker asks for none.
  const inAddress = warnings('servers: ["nats://a:hush@10.0.0.1:4222"], embedded: true', '[s1]')
  assert.match(inAddress, /whoever reaches it/)
  assert.doesNotMatch(inAddress, /hush/)
  for (const fine of [`${far}, embedded: false`, 'servers: ["nats://127.0.0.1:4222"]', 'embedded: true'])
    assert.equal(warnings(fine), '', fine)
})

test('an address that means every interface is not one to tell others', () => {
  for (const listen of ['0.0.0.0:8080', '"[::]:8080"']) {
    const loaded = load(`gateway: { listen: ${listen}, allowAnonymous: true }`)
    assert.ok(loaded.ok)
    assert.match(loaded.warnings.join(), /gateway\.listen.* that is what the others are told; name the address/)
  }
})
