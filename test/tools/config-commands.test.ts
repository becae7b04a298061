/** `flotilla config`: against a gateway with the real schema, and on files alone. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ConfigFace, startConfigFace } from '../gateway/config-face.ts'
import { type Ran, type RunOptions, run } from './run.ts'

const ON_TERMINAL = { isTerminal: true }

async function start(
  t: TestContext,
): Promise<ConfigFace & { flotilla(words: string, options?: RunOptions): Promise<Ran> }> {
  const face = await startConfigFace(t)
  const endpoint = `http://127.0.0.1:${face.h.gateway.port}`
  return { ...face, flotilla: (words, options) => run(['-e', endpoint, ...words.split(' ')], options) }
}

function files(t: TestContext, ...texts: readonly string[]): string[] {
  const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-config-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return texts.map((text, place) => {
    const file = path.join(directory, `${place}.yaml`)
    writeFileSync(file, text)
    return file
  })
}

test('show prints every setting, its default and its source where that is wished, and no secret', async (t) => {
  const { flotilla, show } = await start(t)
  assert.deepEqual(JSON.parse((await flotilla('config show')).stdout), await show())
  const plain = (await flotilla('config show', ON_TERMINAL)).stdout
  assert.match(plain, /^NAME +VALUE$/m)
  assert.match(plain, /^placement\.split\.bytes +96MiB$/m)
  assert.match(plain, /^transport\.token +<redacted>$/m)
  const full = (await flotilla('config show --effective --changed', ON_TERMINAL)).stdout
  assert.match(full, /^NAME +VALUE +DEFAULT +SOURCE +DYNAMIC$/m)
  assert.match(full, /^gateway\.limits\.inflight +7 +2000 +flag +yes$/m)
  assert.doesNotMatch(full, /placement/)
  const csv = (await flotilla('config show -o csv')).stdout
  assert.match(csv, /^name,value,default,source,dynamic,unit$/m)
  assert.match(csv, /^placement\.downAfter,300000,300000,default,true,ms$/m)
})

test('get prints one; an unknown one is not found, and the near one is named', async (t) => {
  const { flotilla } = await start(t)
  assert.equal((await flotilla('config get placement.downAfter', ON_TERMINAL)).stdout, '5m\n')
  assert.equal((await flotilla('config get placement.downAfter -o raw')).stdout, '300000\n')
  assert.equal(JSON.parse((await flotilla('config get gateway.limits.inflight')).stdout).source, 'flag')
  const lost = await flotilla('config get placement.downAftr')
  assert.deepEqual([lost.exitCode, lost.stdout], [3, ''])
  assert.match(lost.stderr, /did you mean placement\.downAfter\?/)
})

test('set changes one setting, takes values as a file does, and null gives it back', async (t) => {
  const { flotilla, show } = await start(t)
  const value = async (name: string) => (await show())[name]?.value
  const tried = await flotilla('config set placement.downAfter 10m --dry-run')
  assert.deepEqual([tried.exitCode, await value('placement.downAfter')], [0, 300_000])
  assert.equal(JSON.parse(tried.stdout)['placement.downAfter'].value, 600_000)
  const done = await flotilla('config set placement.downAfter 10m', ON_TERMINAL)
  assert.match(done.stdout, /^placement\.downAfter +10m +5m +cluster +yes$/m)
  assert.equal(await value('placement.downAfter'), 600_000)
  assert.equal((await flotilla('config set gateway.limits.valueBytes 4KiB')).exitCode, 0)
  assert.equal((await flotilla('config set observability.rpcLog.enabled false')).exitCode, 0)
  assert.deepEqual(
    [await value('gateway.limits.valueBytes'), await value('observability.rpcLog.enabled')],
    [4096, false],
  )
  assert.equal((await flotilla('config set placement.downAfter null')).exitCode, 0)
  assert.equal(await value('placement.downAfter'), 300_000)
  for (const words of ['raft.tickMs 20', 'placement.downAftr 5m', 'placement.downAfter soon', 'a..b 1']) {
    const refused = await flotilla(`config set ${words}`)
    assert.deepEqual([refused.exitCode, refused.stdout], [2, ''], words)
  }
  const history = JSON.parse((await flotilla('config history')).stdout)
  assert.equal(history.changes.length, 4)
  assert.match((await flotilla('config history', ON_TERMINAL)).stdout, /^ +1 .*placement\.downAfter: not set -> 10m$/m)
})

test('diff tells what is not at its default, and what a file would change', async (t) => {
  const { flotilla } = await start(t)
  const [old = '', fresh = ''] = files(t, 'raft: { tickMs: 20 }', 'placement: { downAfter: 1h }')
  const changed = JSON.parse((await flotilla('config diff')).stdout).differences
  assert.deepEqual(
    changed.map(({ name, from, to, source }: Record<string, unknown>) => [name, from, to, source]),
    [
      ['transport.token', null, '<redacted>', 'flag'],
      ['gateway.limits.inflight', 2000, 7, 'flag'],
    ],
  )
  const toFile = (await flotilla(`config diff ${old}`, ON_TERMINAL)).stdout
  assert.match(toFile, /^raft\.tickMs +50 +20 +default$/m)
  assert.match(toFile, /^gateway\.limits\.inflight +7 +2000 +flag$/m)
  const between = await run(['config', 'diff', old, fresh], ON_TERMINAL)
  assert.match(between.stdout, /^raft\.tickMs +20 +50 +file$/m)
  assert.match(between.stdout, /^placement\.downAfter +5m +1h +default$/m)
  assert.equal((await run(['config', 'diff', old, old], ON_TERMINAL)).stdout, 'no differences\n')
})

test('show -c asks no store: what one would be started with, and why', async (t) => {
  const [file = '', wrong = ''] = files(t, 'raft: { tickMs: 20 }\ntransport: { password: hunter2, user: u }', 'raft: 5')
  const env = { FLOTILLA_RAFT__ELECTION_TICKS: '20' }
  const shown = await run(['config', 'show', '--effective', '-c', file], { ...ON_TERMINAL, env })
  assert.match(shown.stdout, /^raft\.tickMs +20 +50 +file +no$/m)
  assert.match(shown.stdout, /^raft\.electionTicks +20 +10 +env +no$/m)
  assert.doesNotMatch(shown.stdout, /hunter2/)
  assert.equal((await run(['config', 'show', '-c', wrong])).exitCode, 2)
})
