/** The interactive shells: what lines mean, what completes them, and what they do in a pipe and in a terminal. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import fc from 'fast-check'
import { commandTree } from '../../tools/completion/index.ts'
import { completeLine } from '../../tools/shell/complete-line.ts'
import { CLUSTER_DIALECT, storeDialect, translate } from '../../tools/shell/dialect.ts'
import { readHistory, writeHistory } from '../../tools/shell/history-file.ts'
import { splitWords } from '../../tools/shell/split-words.ts'
import { type FakeGateway, sendJson, startFakeGateway } from './fake-gateway.ts'
import { type Ran, run } from './run.ts'

let gateway: FakeGateway
let folder: string

before(async () => {
  gateway = await startFakeGateway()
  gateway.misbehaviour = (asked, response) => {
    if (asked.url !== '/version') return false
    sendJson(response, 200, { name: 'flotilla', version: '0.1.0', store: 's1' })
    return true
  }
  folder = mkdtempSync(path.join(tmpdir(), 'flotilla-shell-'))
})
after(async () => {
  await gateway.close()
  rmSync(folder, { recursive: true })
})

function lines(shell: 'shell' | 'manager', ...script: readonly string[]): Promise<Ran> {
  return run(['-e', gateway.endpoint, shell], { stdin: script.join('\n') })
}

test('words are cut as shells cut them', () => {
  const split = (line: string): unknown => {
    const result = splitWords(line)
    return result.ok ? result.words : result.reason
  }
  assert.deepEqual(split(`  set 'a b'  "c \\"d" e\\ f ''`), ['set', 'a b', 'c "d', 'e f', ''])
  assert.deepEqual(split(`x'y'"z"`), ['xyz'])
  assert.equal(split(`get 'a`), `a ' is never closed`)
  assert.equal(split('get \\'), 'nothing follows the backslash at the end')
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
      const quoted = words.map((word) => `'${word.replaceAll("'", `'"'"'`)}'`).join(' ')
      assert.deepEqual(splitWords(quoted), { ok: true, words })
    }),
  )
})

test('phrases stand for commands, and everything else for itself', () => {
  const store = storeDialect('s1')
  assert.deepEqual(translate(store, ['set', 'k', 'v', '--if-absent']).words, ['put', 'k', 'v', '--if-absent'])
  assert.deepEqual(translate(store, ['all']).words, ['scan'])
  assert.deepEqual(translate(store, ['log', '2']).words, ['debug', 'log', '--store', 's1', '2'])
  assert.deepEqual(translate(store, ['shard', 'ls']).words, ['shard', 'ls'])
  const cluster = (...words: string[]): unknown => translate(CLUSTER_DIALECT, words)
  assert.deepEqual(cluster('cluster', 'status'), { words: ['status'], file: undefined })
  assert.deepEqual(cluster('node', 'status', 's2'), { words: ['store', 'show', 's2'], file: undefined })
  assert.deepEqual(cluster('node', 'register', 's9', 'h:1'), {
    words: ['store', 'register', 's9', 'h:1'],
    file: undefined,
  })
  assert.deepEqual(cluster('node', 'unregister', 's9'), { words: ['store', 'forget', 's9'], file: undefined })
  assert.deepEqual(cluster('events', 'filter', 'disk_full'), {
    words: ['events', '--type', 'disk_full'],
    file: undefined,
  })
  assert.deepEqual(cluster('events', 'export', 'e.csv'), {
    words: ['events', '--limit', '1000', '-o', 'csv'],
    file: 'e.csv',
  })
})

test('Tab completes phrases, commands, options and values', () => {
  const program = new Command('flotilla').option('-o, --output <format>', 'form')
  program.command('scan').option('--limit <n>', 'how many')
  program.command('shard').command('show')
  const complete = (line: string): unknown => completeLine(commandTree(program), CLUSTER_DIALECT, line)
  assert.deepEqual(complete('no'), [['node ', 'nodes '], 'no'])
  assert.deepEqual(complete('nodes l'), [['list '], 'l'])
  assert.deepEqual(complete('s'), [['scan ', 'shard '], 's'])
  assert.deepEqual(complete('shard '), [['show '], ''])
  assert.deepEqual(complete('scan --l'), [['--limit '], '--l'])
  assert.deepEqual(complete('scan x -o c'), [['csv '], 'c'])
  assert.deepEqual(complete('e'), [['events ', 'exit '], 'e'])
})

test('history is kept for its owner only, newest last in the file, without tokens', async () => {
  const file = path.join(folder, 'history')
  await writeHistory(file, ['newest', 'get k --token secret', 'oldest'])
  assert.equal(readFileSync(file, 'utf8'), 'oldest\nnewest\n')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(await readHistory(file), ['newest', 'oldest'])
  assert.deepEqual(await readHistory(path.join(folder, 'nothing')), [])
  assert.deepEqual(await readHistory(undefined), [])
})

test('a store shell in a pipe', async () => {
  const ran = await lines(
    'shell',
    '# a comment',
    `set 'a key' "its value"`,
    'get "a key"',
    'all a',
    'delete "a key"',
    '',
  )
  assert.deepEqual([ran.exitCode, ran.stderr], [0, ''])
  assert.match(ran.stdout, /"key": "a key",\n {2}"revision": \d+\n\}\nits value\{\n {2}"items"/)
  assert.equal(gateway.records.has('a key'), false)
  const status = await lines('shell', 'status')
  assert.equal((JSON.parse(status.stdout) as { id: string }).id, 's1')
})

test('a cluster shell in a pipe; what fails does not end it, and decides the exit code', async () => {
  const ran = await lines('manager', 'nodes list', 'node status s9', 'cluster status', 'exit', 'nodes list')
  assert.equal(ran.exitCode, 3)
  assert.match(ran.stderr, /^error: STORE_NOT_FOUND: /)
  assert.equal(ran.stdout.match(/"stores":/g)?.length, 2, 'the list and the status, and nothing after exit')
  const refused = await lines('manager', 'manager', `get 'x`, 'help')
  assert.equal(refused.exitCode, 2)
  assert.match(refused.stderr, /manager does not run inside a shell\n.*a ' is never closed/)
  assert.match(refused.stdout, /^health check +whether every store answers/m)
})

test('stores are registered and unregistered', async () => {
  const asked: string[] = []
  const before = gateway.misbehaviour
  gateway.misbehaviour = (request, response) => {
    if (!request.url.startsWith('/admin/nodes')) return false
    asked.push(`${request.method} ${request.url} ${request.body}`)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(request.method === 'DELETE' ? '{"store":"s9"}' : '{"id":"s9","labels":{},"lag":{},"load":{}}')
    return true
  }
  const options = ['node register s9 h:1 zone=z', 'node unregister s9 --dry-run']
  const ran = await lines('manager', ...options)
  assert.deepEqual([ran.exitCode, ran.stderr], [0, ''])
  assert.deepEqual(asked, [
    'POST /admin/nodes {"id":"s9","address":"h:1","labels":{"zone":"z"}}',
    'DELETE /admin/nodes/s9?dry_run=true ',
  ])
  gateway.misbehaviour = before
})

test('unknown words are refused with the word of the shell that was meant', async () => {
  const mistakes: readonly (readonly ['shell' | 'manager', string, RegExp])[] = [
    ['shell', 'sett a b', /unknown command 'sett' \(Did you mean set\?\)\n {2}try: help$/m],
    ['shell', 'stats', /unknown command 'stats' \(Did you mean status\?\)/],
    ['shell', 'xyzzy', /unknown command 'xyzzy'\n/],
    ['manager', 'nodes lst', /unknown command 'nodes lst' \(Did you mean nodes list\?\)/],
    ['manager', 'node regster s9 h:1', /\(Did you mean node register\?\)/],
    ['manager', 'healt check', /\(Did you mean health\?\)/],
    ['manager', 'nodes', /unknown command 'nodes'/],
  ]
  for (const [kind, line, expected] of mistakes) {
    const ran = await lines(kind, line)
    assert.deepEqual([ran.exitCode, ran.stdout], [2, ''], `${line}: ${ran.stderr}`)
    assert.match(ran.stderr, expected)
  }
})

test('options of the shell hold for its lines, and those of a line beat them', async () => {
  const options = ['-e', gateway.endpoint, '-o', 'ndjson', 'manager']
  const { stdout } = await run(options, { stdin: 'nodes list\nnodes list -o csv\n' })
  assert.match(stdout, /^\{"id":"s1".*\}\nid,address,/)
})

test('an export of events goes into its file', async () => {
  const file = path.join(folder, 'events.csv')
  gateway.misbehaviour = (asked, response) => {
    if (!asked.url.startsWith('/events')) return false
    response.writeHead(200, { 'content-type': 'text/csv' }).end('id,type\n1,disk_full\n')
    return true
  }
  const ran = await lines('manager', `events export ${file}`)
  assert.deepEqual([ran.exitCode, ran.stdout], [0, ''])
  assert.equal(readFileSync(file, 'utf8'), 'id,type\n1,disk_full\n')
})

const NO_TERMINAL =
  spawnSync('script', ['--version']).error === undefined ? false : 'script, which makes terminals, is not installed'

test('in a terminal: prompt, completion with Tab, Ctrl-C, history', { skip: NO_TERMINAL }, async () => {
  const program = fileURLToPath(new URL('../../tools/flotilla.ts', import.meta.url))
  const history = path.join(folder, 'terminal-history')
  writeFileSync(history, 'nodes list\n')
  const command = `${process.execPath} --import tsx ${program} -e ${gateway.endpoint} manager`
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    env: { ...process.env, FLOTILLA_HISTORY: history, TERM: 'xterm', NODE_NO_WARNINGS: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let screen = ''
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString('utf8')
  })
  const exited = once(child, 'exit')
  const shows = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(screen)) {
      assert.ok(child.exitCode === null, `${pattern} is not in ${JSON.stringify(screen)}`)
      await Promise.race([delay(20), exited])
    }
    screen = ''
  }
  await shows(/cluster> /)
  child.stdin.write('cluster stat\t')
  await shows(/status/)
  child.stdin.write('\r')
  await shows(/stores +1 of 1 up[\s\S]*cluster> /)
  // The line of the shell before.
  child.stdin.write('never mind\u0003')
  child.stdin.write('\u001b[A\u001b[A\r')
  await shows(/127\.0\.0\.1:8080 +up[\s\S]*cluster> /)
  child.stdin.write('exit\r')
  await exited
  assert.match(readFileSync(history, 'utf8'), /^cluster status/m)
})
