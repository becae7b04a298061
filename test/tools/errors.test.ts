/** What goes wrong: exit codes, words, and what never reaches standard output. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { type FakeGateway, sendJson, sendProblem, startFakeGateway } from './fake-gateway.ts'
import { type Ran, run } from './run.ts'

let gateway: FakeGateway
/** Where nobody listens: a port that was free a moment ago. */
let nowhere: string

before(async () => {
  gateway = await startFakeGateway()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  nowhere = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  await new Promise((resolve) => server.close(resolve))
})
after(() => gateway.close())
beforeEach(() => {
  gateway.asked.length = 0
  gateway.misbehaviour = undefined
})

function flotilla(...words: readonly string[]): Promise<Ran> {
  return run(['-e', gateway.endpoint, ...words])
}

async function refused(exitCode: number, expected: RegExp, ...words: readonly string[]): Promise<void> {
  const ran = await flotilla(...words)
  assert.equal(ran.exitCode, exitCode, `${words.join(' ')}: ${ran.stderr}`)
  assert.equal(ran.stdout, '', words.join(' '))
  assert.match(ran.stderr, expected, words.join(' '))
}

test('words that mean nothing are exit code 2, with what was probably meant', async () => {
  await refused(
    2,
    /^error: INVALID_ARGUMENT: unknown command 'gte' \(Did you mean get\?\)\n {2}try: flotilla --help\n$/,
    'gte',
    'k',
  )
  await refused(2, /unknown command 'lss' \(Did you mean ls\?\)\n {2}try: flotilla store --help/, 'store', 'lss')
  await refused(
    2,
    /unknown option '--timout' \(Did you mean --timeout\?\)\n {2}try: flotilla get --help/,
    'get',
    'k',
    '--timout',
    '2s',
  )
  await refused(2, /--output "jsn" is not one of table, json, .* \(Did you mean json\?\)/, 'get', 'k', '-o', 'jsn')
  await refused(2, /missing required argument 'value'\n {2}try: flotilla put --help/, 'put', 'k')
  await refused(2, /too many arguments/, 'get', 'k', 'l')
  await refused(2, /unknown option '--ttl'/, 'put', 'k', 'v', '--ttl', '5')
  assert.equal(gateway.asked.length, 0)
})

test('values that cannot be right are exit code 2 before anything is asked', async () => {
  await refused(2, /a key has at least one byte/, 'get', '')
  await refused(2, /"%%" is not base64/, 'get', '--key-base64', '%%')
  await refused(2, /--if-revision "x" is not a whole number/, 'put', 'k', 'v', '--if-revision', 'x')
  await refused(2, /--if-revision "9007199254740993" is not/, 'put', 'k', 'v', '--if-revision', '9007199254740993')
  await refused(2, /exclude each other/, 'put', 'k', 'v', '--if-revision', '1', '--if-absent')
  await refused(2, /--limit "0" is not/, 'scan', '--limit', '0')
  await refused(2, /--timeout "2" is not a duration/, 'get', 'k', '--timeout', '2')
  await refused(2, /the shard id "two" is not a whole number/, 'shard', 'show', 'two')
  await refused(2, /--wait "soon" is not a duration/, 'shard', 'transfer-leader', '2', 's1', '--wait=soon')
  await refused(2, /"ftp:\/\/h:1" is not supported/, 'get', 'k', '-e', 'ftp://h:1')
  await refused(2, /has a path/, 'get', 'k', '-e', 'http://h:1/kv')
  await refused(2, /is not an address/, 'get', 'k', '-e', 'http://h:99999')
  await refused(2, /is empty/, 'get', 'k', '-e', ',')
  assert.equal(gateway.asked.length, 0)
})

test('credentials in an endpoint are refused without being shown', async () => {
  const { exitCode, stderr } = await run(['get', 'k', '-e', 'http://user:hush@h:1'])
  assert.equal(exitCode, 2)
  assert.doesNotMatch(stderr, /hush/)
})

test('a group without a command prints its help to standard error', async () => {
  for (const words of [[], ['store'], ['shard'], ['config']]) {
    const { exitCode, stdout, stderr } = await flotilla(...words)
    assert.deepEqual([exitCode, stdout], [2, ''])
    assert.match(stderr, /^Usage: flotilla/)
  }
})

test('each code of the gateway has its exit code', async () => {
  const cases: [number, string, 'none' | 'unknown', number][] = [
    [400, 'INVALID_ARGUMENT', 'none', 2],
    [401, 'UNAUTHENTICATED', 'none', 1],
    [404, 'KEY_NOT_FOUND', 'none', 3],
    [404, 'STORE_NOT_FOUND', 'none', 3],
    [404, 'ROUTE_NOT_FOUND', 'none', 1],
    [409, 'OPERATOR_CONFLICT', 'none', 1],
    [412, 'PRECONDITION_FAILED', 'none', 4],
    [413, 'VALUE_TOO_LARGE', 'none', 1],
    [429, 'OVERLOADED', 'none', 5],
    [500, 'INTERNAL', 'none', 1],
    [500, 'INTERNAL', 'unknown', 6],
    [503, 'NO_LEADER', 'none', 5],
    [503, 'QUORUM_LOST', 'unknown', 6],
    [504, 'TIMEOUT', 'none', 5],
    [504, 'TIMEOUT', 'unknown', 6],
    [507, 'DISK_FULL', 'none', 1],
  ]
  for (const [status, code, outcome, exitCode] of cases) {
    gateway.misbehaviour = (_asked, response) => {
      sendProblem(response, status, code, 'the sentence', { outcome })
      return true
    }
    await refused(exitCode, new RegExp(`^error: ${code}: the sentence.*\\n {2}try: flotilla|FLOTILLA`), 'put', 'k', 'v')
  }
})

test('the next command fits what was asked', async () => {
  const problem = (status: number, code: string, more: object = {}): void => {
    gateway.misbehaviour = (_asked, response) => {
      sendProblem(response, status, code, 'no', more)
      return true
    }
  }
  problem(400, 'INVALID_ARGUMENT')
  await refused(2, /no\n {2}try: flotilla shard move --help\n$/, 'shard', 'move', '2', 's1', 's9')
  problem(409, 'OPERATOR_CONFLICT')
  await refused(1, /try: flotilla operator ls\n$/, 'shard', 'split', '2')
  problem(404, 'SCHEDULER_NOT_FOUND')
  await refused(3, /try: flotilla scheduler ls\n$/, 'scheduler', 'resume', 'splitt')
  problem(504, 'TIMEOUT', { outcome: 'unknown' })
  await refused(6, /it is not known whether that was done\n {2}try: flotilla operator ls\n$/, 'shard', 'split', '2')
  await refused(6, /it is not known whether the write happened\n {2}try: flotilla get KEY/, 'put', 'k', 'v')
})

test('what is only tried has no unknown outcome', async () => {
  gateway.misbehaviour = (_asked, response) => {
    response.destroy()
    return true
  }
  await refused(5, /^error: UNAVAILABLE: /, 'shard', 'split', '2', '--dry-run')
  await refused(6, /try: flotilla operator ls\n$/, 'shard', 'split', '2')
  await refused(6, /try: flotilla config history\n$/, 'config', 'set', 'placement.downAfter', '1m')
})

test('what a gateway says cannot speak to the terminal', async () => {
  gateway.misbehaviour = (_asked, response) => {
    sendProblem(response, 500, 'X\u001b[2J', 'bad\u001b]0;title\u0007', { hint: '\u001b[31m' })
    return true
  }
  const { stderr } = await flotilla('get', 'k')
  assert.ok(!stderr.includes('\u001b') && !stderr.includes('\u0007'), JSON.stringify(stderr))
})

test('an answer that is no gateway’s is said to be that', async () => {
  gateway.misbehaviour = (_asked, response) => {
    response.writeHead(502, { 'content-type': 'text/html' }).end('<html>')
    return true
  }
  await refused(1, /status 502 and is probably no Flotilla gateway/, 'get', 'k')
  gateway.misbehaviour = (_asked, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('<html>')
    return true
  }
  await refused(1, /the answer is not JSON/, 'status')
})

test('nobody there: exit code 5 and what to do', async () => {
  const { exitCode, stdout, stderr } = await run(['get', 'k', '-e', nowhere])
  assert.deepEqual([exitCode, stdout], [5, ''])
  assert.match(stderr, /^error: UNAVAILABLE: no gateway answers at http:\/\/127\.0\.0\.1:\d+ \(connection refused\)\n/)
  assert.match(stderr, /try: flotilla demo/)
})

test('an endpoint that refuses is passed over for the next, reads and writes alike', async () => {
  const endpoints = `${nowhere},${gateway.endpoint}`
  assert.equal((await run(['put', 'k', 'v', '-e', endpoints])).exitCode, 0)
  assert.equal((await run(['get', 'k', '-e', endpoints])).stdout, 'v')
  const nobody = await run(['get', 'k', '-e', `${nowhere},${nowhere}`])
  assert.equal(nobody.exitCode, 5)
})

test('a connection that breaks: reads go on elsewhere, writes have an unknown outcome', async () => {
  const other = await startFakeGateway()
  try {
    other.put('k', 'from the other')
    gateway.misbehaviour = (_asked, response) => {
      response.destroy()
      return true
    }
    const endpoints = `${gateway.endpoint},${other.endpoint}`
    assert.equal((await run(['get', 'k', '-e', endpoints])).stdout, 'from the other')
    const written = await run(['put', 'k', 'v', '-e', endpoints])
    assert.equal(written.exitCode, 6)
    assert.match(written.stderr, /it is not known whether the write happened/)
    assert.equal(other.asked.filter(({ method }) => method === 'PUT').length, 0)
  } finally {
    await other.close()
  }
})

test('an answer that stops half-way is no answer', async () => {
  gateway.misbehaviour = (_asked, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': '100' })
    response.write('half')
    setImmediate(() => response.destroy())
    return true
  }
  await refused(5, /UNAVAILABLE/, 'get', 'k')
})

test('no answer in time: exit code 5 for a read, 6 for a write', async () => {
  gateway.misbehaviour = () => true
  await refused(5, /^error: TIMEOUT: .* did not answer in time/, 'get', 'k', '--timeout', '100ms')
  await refused(6, /^error: TIMEOUT: .* not known whether the write happened/, 'put', 'k', 'v', '--timeout', '100ms')
})

test('a scan that fails on a later page leaves standard output of a document empty', async () => {
  let pages = 0
  gateway.misbehaviour = (_asked, response) => {
    if (pages++ === 0)
      sendJson(response, 200, { items: [{ key: 'a', value: '', encoding: 'utf8', revision: 1 }], next: '1' })
    else sendProblem(response, 503, 'NO_LEADER', 'shard 3 has no leader')
    return true
  }
  await refused(5, /NO_LEADER/, 'scan')
})

test('help is standard output and exit code 0, for every command, with examples, and names nothing that is not there', async () => {
  const top = await run(['--help'])
  assert.equal(top.exitCode, 0)
  const commands =
    'demo start get put del scan export import shell manager status top ping latency store shard explain events check debug config completion version'.split(
      ' ',
    )
  for (const command of commands) assert.match(top.stdout, new RegExp(`^ {2}${command} `, 'm'))
  for (const absent of ['watch', 'split', '--ttl', '--yes']) {
    assert.doesNotMatch(top.stdout, new RegExp(`^ {2}${absent} `, 'm'))
  }
  const leaves = [
    'demo',
    'start',
    'get',
    'put',
    'del',
    'scan',
    'status',
    'export',
    'import',
    'shell',
    'manager',
    'top',
    'ping',
    'latency',
    'explain',
    'events',
    'check ranges',
    'check consistency',
    'check linearizable',
    'check perf',
    'debug log',
    'debug profile',
    'debug bundle',
    'completion',
    'version',
    'store ls',
    'store show',
    'shard ls',
  ]
  for (const words of [...leaves, 'shard show', 'shard lookup', 'shard transfer-leader', 'config validate']) {
    for (const form of [[...words.split(' '), '--help'], ['help', ...words.split(' ')].slice(0, 2)]) {
      const { exitCode, stdout, stderr } = await run(form)
      assert.deepEqual([exitCode, stderr], [0, ''], form.join(' '))
      if (form.at(-1) === '--help') assert.match(stdout, new RegExp(`^Usage: flotilla ${words}[^]*\nExamples:\n`))
    }
  }
})

test('help fits a narrow terminal, and no word of it is torn', async () => {
  const words = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()
  for (const command of [[], ['export'], ['demo'], ['shard', 'move'], ['debug', 'profile']]) {
    const { stdout: wide } = await run([...command, '--help'])
    for (const columns of [44, 60]) {
      const { stdout } = await run([...command, '--help'], { isTerminal: true, columns })
      for (const line of stdout.split('\n')) {
        // One word alone may be longer than that, such as an address.
        assert.ok(line.length <= columns || !line.trim().includes(' '), `${JSON.stringify(line)} on ${columns} columns`)
      }
      assert.equal(words(stdout), words(wide), command.join(' '))
    }
  }
})
