/** `flotilla init`: files that the schema takes, that are never overwritten by accident, and that hold a secret only where one was given. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { loadConfig } from '../../src/server/config/index.ts'
import { run } from './run.ts'

const HASH = `sha256:${'5f'.repeat(32)}`
const ON_TERMINAL = { isTerminal: true }

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'flotilla-init-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

function configOf(file: string) {
  const loaded = loadConfig({ file, env: {} })
  assert(loaded.ok, loaded.ok ? '' : loaded.errors.join('\n'))
  return loaded.config
}

test('without flags: one store that founds its cluster alone, a valid file with comments, and the next command', async (t) => {
  const file = path.join(folderOf(t), 'flotilla.yaml')
  const ran = await run(['init', file], ON_TERMINAL)
  assert.deepEqual([ran.exitCode, ran.stderr], [0, ''])
  assert.ok(ran.stdout.endsWith(`Next:\n  flotilla start -c ${file}\n`), ran.stdout)
  const { cluster, store, transport, gateway } = configOf(file)
  assert.deepEqual(cluster, { id: 'dev', bootstrap: { stores: ['s1'], replicas: 1, shards: 8 } })
  assert.deepEqual(store, { id: 's1', dir: './data/s1', labels: {} })
  assert.deepEqual([transport.servers, transport.embedded], [['nats://127.0.0.1:4222'], 'auto'])
  assert.equal(gateway.listen.text, '127.0.0.1:8080')
  const validated = await run(['config', 'validate', file])
  assert.deepEqual(JSON.parse(validated.stdout), { file, ok: true, warnings: [] })
  const text = readFileSync(file, 'utf8')
  for (const line of [/^# .*flotilla config validate/m, /^ +# Copies of every key/m, /^# Where clients go/m])
    assert.match(text, line)
  assert.equal(statSync(file).mode & 0o077 & ~process.umask(), 0o044 & ~process.umask())
})

test('flags become settings, -c names the file, and --set has the last word', async (t) => {
  const file = path.join(folderOf(t), 'other name.yaml')
  const words =
    `--id s2 --cluster shop --bootstrap s1,s2,s3 --replicas 3 --shards 16 --nats nats://10.0.0.1,nats://10.0.0.2 --embedded false
    --listen 10.0.0.9:80 --token-hash ${HASH} --label host=b --label zone=a,b --dir /var/lib/x --set raft.tickMs=20 --set placement.downAfter=90s
    --set cluster.bootstrap.shards=32 --set store.labels.rack=7`.split(/\s+/)
  const ran = await run(['init', '-c', file, ...words])
  assert.equal(ran.exitCode, 0, ran.stderr)
  const answer = JSON.parse(ran.stdout)
  assert.deepEqual(
    [answer.file, answer.written, answer.secret, answer.store, answer.address, answer.next],
    [file, true, true, 's2', '10.0.0.9:80', `flotilla start -c '${file}'`],
  )
  assert.equal(answer.others.length, 2)
  assert.match(answer.others[0], /^flotilla init '.*' --id s1 --cluster shop .* --listen HOST:PORT$/)
  const { cluster, store, transport, gateway, raft, placement } = configOf(file)
  assert.deepEqual(cluster, { id: 'shop', bootstrap: { stores: ['s1', 's2', 's3'], replicas: 3, shards: 32 } })
  assert.deepEqual(store, { id: 's2', dir: '/var/lib/x', labels: { host: 'b', zone: 'a,b', rack: '7' } })
  assert.deepEqual([transport.servers, transport.embedded], [['nats://10.0.0.1', 'nats://10.0.0.2'], false])
  assert.deepEqual(gateway.tokens, [{ name: 'admin', role: 'admin', hash: HASH }])
  assert.deepEqual([raft.tickMs, placement.downAfter], [20, 90_000])
  // Tokens without TLS are worth a word.
  assert.match(ran.stderr, /^warning: --token-hash: .*unencrypted/)
})

test('a file that is there stays as it is, unless --force says otherwise', async (t) => {
  const folder = folderOf(t)
  const file = path.join(folder, 'flotilla.yaml')
  writeFileSync(file, 'mine')
  const refused = await run(['init', file])
  assert.deepEqual([refused.exitCode, refused.stdout, readFileSync(file, 'utf8')], [1, '', 'mine'])
  assert.match(refused.stderr, /^error: INVALID_ARGUMENT: .* exists and was left as it is\n {2}try: /)
  const link = path.join(folder, 'link.yaml')
  symlinkSync(file, link)
  assert.equal((await run(['init', link])).exitCode, 1)
  assert.equal((await run(['init', link, '--force', '--id', 's9'])).exitCode, 0)
  assert.equal(configOf(file).store.id, 's9')
  assert.deepEqual((await run(['init', file, '--force'])).stderr, '')
  assert.equal(configOf(link).store.id, 's1')
})

test('a file with secrets belongs to its owner alone, also where it replaces one that all could read', async (t) => {
  const folder = folderOf(t)
  const secrets = [
    ['--nats', 'nats://u:p@127.0.0.1'],
    ['--set', 'transport.user=u', '--set', 'transport.password=p'],
    ['--set', 'transport.token=t'],
    ['--token-hash', HASH],
  ]
  for (const [place, words] of secrets.entries()) {
    const file = path.join(folder, `${place}.yaml`)
    if (place % 2 === 0) {
      writeFileSync(file, '')
      chmodSync(file, 0o644)
    }
    const ran = await run(['init', file, '--force', '--bootstrap', 's1,s2', ...words], ON_TERMINAL)
    assert.equal(ran.exitCode, 0, ran.stderr)
    assert.match(ran.stdout, /readable by its owner only/)
    assert.doesNotMatch(ran.stdout + ran.stderr, /u:p@/)
    assert.equal(statSync(file).mode & 0o777, 0o600, words.join(' '))
  }
})

test('a dry run writes nothing and shows the file', async (t) => {
  const file = path.join(folderOf(t), 'flotilla.yaml')
  const shown = await run(['init', file, '--dry-run', '-o', 'raw'])
  assert.equal(existsSync(file), false)
  const answer = JSON.parse((await run(['init', file, '--dry-run'])).stdout)
  assert.deepEqual([answer.written, answer.content], [false, shown.stdout])
  assert.equal((await run(['init', file, '-o', 'raw'])).stdout, `${file}\n`)
  assert.equal(readFileSync(file, 'utf8'), shown.stdout)
})

test('what cannot be is refused in the words of the flags, and nothing is written', async (t) => {
  const folder = folderOf(t)
  const file = path.join(folder, 'flotilla.yaml')
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['--id a/b', /^ {2}--id: store\.id is "a\/b"; expected/m],
    ['--replicas 3', /^ {2}--replicas: cluster\.bootstrap\.replicas is 3, but /m],
    ['--shards many', /^ {2}--shards: .*expected a whole number/m],
    ['--embedded perhaps', /^ {2}--embedded: .*expected one of auto, true, false/m],
    ['--nats http://x', /^ {2}--nats: /m],
    ['--listen 0.0.0.0:8080', /^ {2}--listen: .*expected tokens/m],
    ['--token-hash secret', /^ {2}--token-hash: /m],
    ['--label host', /--label "host" is not name=value/],
    ['--set raft.tickMs', /--set "raft\.tickMs" is not key=value/],
    ['--set raft.tikMs=5', /--set raft\.tikMs: unknown setting .* did you mean raft\.tickMs\?/],
    ['-c elsewhere.yaml', /two files are named/],
    ['--forse', /unknown option/],
  ]
  for (const [words, complaint] of wrong) {
    const ran = await run(['init', file, ...words.split(' ')])
    assert.deepEqual([ran.exitCode, ran.stdout, existsSync(file)], [2, '', false], words)
    assert.match(ran.stderr, complaint)
    assert.match(ran.stderr, /^ {2}try: flotilla init --help$/m, words)
  }
  const lost = await run(['init', path.join(folder, 'no', 'flotilla.yaml')])
  assert.equal(lost.exitCode, 1)
  assert.match(lost.stderr, /there is no directory .*\n {2}try: mkdir -p /)
  mkdirSync(file)
  for (const force of [[], ['--force']]) assert.equal((await run(['init', file, ...force])).exitCode, 1)
})

test('whatever the names, a file that is written says what was asked for', async (t) => {
  const file = path.join(folderOf(t), 'flotilla.yaml')
  const id = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,12}$/),
    fc.constantFrom('1', '1e3', 'null', 'true', '0x1f', 'on', '-'.padStart(2, '0')),
  )
  const text = fc.string({ maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(id, text, text, fc.integer({ min: 0, max: 65_535 }), async (store, label, password, port) => {
      const words = ['--id', store, '--label', `a=${label}`, '--listen', `127.0.0.1:${port}`]
      const secret = ['--set', 'transport.user=u', '--set', `transport.password=${password}`]
      const ran = await run(['init', file, '--force', '--bootstrap', `${store},${store}z`, ...words, ...secret])
      const isAsked = password !== ''
      assert.equal(ran.exitCode, isAsked ? 0 : 2, ran.stderr)
      if (!isAsked) return
      const config = configOf(file)
      assert.deepEqual(
        [config.store.id, config.store.labels, config.transport.password, config.gateway.listen.port],
        [store, { a: label }, password, port],
      )
    }),
    { numRuns: 100 },
  )
})
