/** get, put, del and scan against a gateway that follows the contract: output forms, exit codes, bytes. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { type FakeGateway, startFakeGateway } from './fake-gateway.ts'
import { type Ran, type RunOptions, run } from './run.ts'

let gateway: FakeGateway

before(async () => {
  gateway = await startFakeGateway()
})
after(() => gateway.close())
beforeEach(() => {
  gateway.records.clear()
  gateway.asked.length = 0
  gateway.misbehaviour = undefined
})

function flotilla(words: readonly string[], options?: RunOptions): Promise<Ran> {
  return run(['-e', gateway.endpoint, ...words], options)
}

test('get in a pipe prints the bytes and nothing else', async () => {
  const value = Buffer.from([0, 255, 10, 13, 10])
  gateway.put('k', value)
  const { exitCode, bytes, stderr } = await flotilla(['get', 'k'])
  assert.deepEqual([exitCode, bytes, stderr], [0, value, ''])
})

test('get in every form', async () => {
  gateway.put('k', 'a,"b"\n')
  const revision = gateway.records.get('k')?.revision
  const json = await flotilla(['get', 'k', '-o', 'json'])
  assert.deepEqual(JSON.parse(json.stdout), { key: 'k', value: 'a,"b"\n', encoding: 'utf8', revision })
  const csv = await flotilla(['get', 'k', '-o', 'csv'])
  assert.equal(csv.stdout, `key,keyEncoding,value,encoding,revision\nk,utf8,"a,""b""\n",utf8,${revision}\n`)
  const ndjson = await flotilla(['get', 'k', '-o', 'ndjson'])
  assert.equal(ndjson.stdout, `${JSON.stringify({ key: 'k', value: 'a,"b"\n', encoding: 'utf8', revision })}\n`)
  const table = await flotilla(['get', 'k'], { isTerminal: true })
  assert.equal(table.stdout, `key       k\nvalue     a,"b"\\x0a\nrevision  ${revision}\n`)
  const raw = await flotilla(['get', 'k', '--output=raw'], { isTerminal: true })
  assert.equal(raw.stdout, 'a,"b"\n')
})

test('a missing key is exit code 3, with an empty standard output, a code, a sentence and the next command', async () => {
  const { exitCode, stdout, stderr } = await flotilla(['get', 'nothing'])
  assert.deepEqual([exitCode, stdout], [3, ''])
  assert.equal(stderr, 'error: KEY_NOT_FOUND: the key does not exist\n  try: flotilla scan\n')
})

test('what could move the cursor of a terminal is shown as escapes', async () => {
  gateway.put('k\u001b[2J', Buffer.from([0x1b, 0x5b, 0xff, 0x41]))
  const { stdout } = await flotilla(['scan'], { isTerminal: true })
  assert.match(stdout, /k\\x1b\[2J +\\x1b\[\\xffA +\d+/)
  assert.ok(!stdout.includes('\u001b'))
})

test('put stores text, standard input and nothing at all', async () => {
  const stored = await flotilla(['put', 'k', 'value'])
  assert.deepEqual(JSON.parse(stored.stdout), { key: 'k', revision: gateway.records.get('k')?.revision })
  assert.equal(gateway.records.get('k')?.value.toString(), 'value')
  const bytes = Buffer.from([0, 1, 255])
  assert.equal((await flotilla(['put', 'b', '-'], { stdin: bytes })).exitCode, 0)
  assert.deepEqual(gateway.records.get('b')?.value, bytes)
  assert.equal((await flotilla(['put', 'e', ''])).exitCode, 0)
  assert.equal(gateway.records.get('e')?.value.length, 0)
  const table = await flotilla(['put', 'k', 'v'], { isTerminal: true })
  assert.equal(table.stdout, `stored, revision ${gateway.records.get('k')?.revision}\n`)
  assert.equal((await flotilla(['put', 'k', 'v', '-o', 'raw'])).stdout, '')
})

test('put reads no more of standard input than a value can have', async () => {
  await flotilla(['put', 'k', '-'], { stdin: Buffer.alloc(3 * 1024 * 1024) })
  assert.equal(gateway.asked[0]?.body.length, 1024 * 1024 + 1)
})

test('conditions: exit code 4 when they do not hold', async () => {
  assert.equal((await flotilla(['put', 'k', '1', '--if-absent'])).exitCode, 0)
  const refused = await flotilla(['put', 'k', '2', '--if-absent'])
  assert.deepEqual([refused.exitCode, refused.stdout], [4, ''])
  assert.match(
    refused.stderr,
    /^error: PRECONDITION_FAILED: the key has revision \d+\n {2}hint: Read it again\.\n {2}try: /,
  )
  const revision = gateway.records.get('k')?.revision
  assert.equal((await flotilla(['put', 'k', '3', '--if-revision', String(revision)])).exitCode, 0)
  assert.equal((await flotilla(['put', 'k', '4', '--if-revision', String(revision)])).exitCode, 4)
  assert.equal(gateway.records.get('k')?.value.toString(), '3')
})

test('del says whether there was something, and a missing key is no error', async () => {
  gateway.put('k', 'v')
  assert.deepEqual(JSON.parse((await flotilla(['del', 'k'])).stdout), { key: 'k', deleted: 1 })
  const again = await flotilla(['del', 'k'])
  assert.deepEqual([again.exitCode, JSON.parse(again.stdout)], [0, { key: 'k', deleted: 0 }])
  assert.match((await flotilla(['del', 'k'], { isTerminal: true })).stdout, /^nothing to delete/)
})

test('del with a revision deletes nothing else', async () => {
  gateway.put('k', 'v')
  const revision = Number(gateway.records.get('k')?.revision)
  assert.equal((await flotilla(['del', 'k', '--if-revision', String(revision + 1)])).exitCode, 4)
  assert.equal(gateway.records.has('k'), true)
  assert.equal((await flotilla(['del', 'k', '--if-revision', 'new'])).exitCode, 2)
  assert.equal((await flotilla(['del', 'k', '--if-revision', String(revision)])).exitCode, 0)
  assert.equal(gateway.records.has('k'), false)
})

test('scan turns pages until the end, or until there are enough', async () => {
  for (const key of ['a', 'b', 'c', 'd', 'e']) gateway.put(key, key.toUpperCase())
  const all = JSON.parse((await flotilla(['scan'])).stdout) as { items: { key: string }[]; next: string | null }
  assert.deepEqual([all.items.map((item) => item.key), all.next], [['a', 'b', 'c', 'd', 'e'], null])
  const some = JSON.parse((await flotilla(['scan', '--limit', '3', '--reverse'])).stdout) as typeof all
  assert.deepEqual([some.items.map((item) => item.key), some.next], [['e', 'd', 'c'], '3'])
  const lines = (await flotilla(['scan', '--start', 'b', '--end', 'e', '-o', 'ndjson', '--keys-only'])).stdout
  assert.deepEqual(
    lines
      .trimEnd()
      .split('\n')
      .map((line) => Object.keys(JSON.parse(line) as object).join()),
    Array(3).fill('key,revision'),
  )
  const csv = (await flotilla(['scan', 'c', '-o', 'csv'])).stdout
  assert.match(csv, /^key,keyEncoding,value,encoding,revision\nc,utf8,C,utf8,\d+\n$/)
  const table = (await flotilla(['scan', '--limit', '1'], { isTerminal: true })).stdout
  assert.match(table, /^KEY {2}VALUE {2}REVISION\na {4}A +\d+\n$/)
})

test('an empty scan is empty in every form', async () => {
  assert.deepEqual(JSON.parse((await flotilla(['scan', 'x'])).stdout), { items: [], next: null })
  assert.equal((await flotilla(['scan', 'x', '-o', 'ndjson'])).stdout, '')
  assert.equal((await flotilla(['scan', 'x', '-o', 'csv', '--keys-only'])).stdout, 'key,keyEncoding,revision\n')
  assert.equal((await flotilla(['scan', 'x'], { isTerminal: true })).stdout, 'no keys\n')
})

test('words that look like options follow two dashes', async () => {
  assert.equal((await flotilla(['put', '--', '--wait', '-v'])).exitCode, 0)
  assert.equal(gateway.records.get('--wait')?.value.toString(), '-v')
})

test('global options may stand anywhere', async () => {
  gateway.put('k', 'v')
  const { stdout } = await run(['-o', 'ndjson', 'get', '-e', gateway.endpoint, 'k', '--timeout=2s'])
  assert.match(stdout, /"value":"v"/)
  const told = Number(gateway.asked[0]?.headers['flotilla-timeout-ms'])
  assert.ok(told > 0 && told <= 2000, `the gateway was told ${told} ms`)
})

test('the endpoint and the token may come from the environment, and flags beat it', async () => {
  gateway.put('k', 'v')
  const env = { FLOTILLA_ENDPOINT: gateway.endpoint, FLOTILLA_TOKEN: 'one' }
  assert.equal((await run(['get', 'k'], { env })).stdout, 'v')
  assert.equal((await run(['get', 'k', '--token', 'two'], { env })).stdout, 'v')
  assert.deepEqual(
    gateway.asked.map(({ headers }) => headers.authorization),
    ['Bearer one', 'Bearer two'],
  )
})

test('property: any key and value come back as they were put, as text and as base64', async () => {
  const text = fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }).filter((word) => !word.includes('\0'))
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(text, bytes, bytes, async (word, key, value) => {
      assert.equal((await flotilla(['put', '--', word, '-'], { stdin: value })).exitCode, 0)
      assert.deepEqual((await flotilla(['get', '--', word])).bytes, Buffer.from(value))
      const base64 = Buffer.from(key).toString('base64')
      assert.equal((await flotilla(['put', '--key-base64', base64, '-'], { stdin: value })).exitCode, 0)
      assert.deepEqual((await flotilla(['get', '--key-base64', base64])).bytes, Buffer.from(value))
      const url = Buffer.from(key).toString('base64url')
      assert.deepEqual((await flotilla(['get', '--key-base64', '--', url])).bytes, Buffer.from(value))
    }),
    { numRuns: 40 },
  )
})
