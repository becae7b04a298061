/** `flotilla explain`: every error code, and the decisions of the placement driver. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ERROR_TABLE } from '../../src/protocol/index.ts'
import { type FakeGateway, sendJson, startFakeGateway } from './fake-gateway.ts'
import { run } from './run.ts'

let gateway: FakeGateway

before(async () => {
  gateway = await startFakeGateway()
})
after(() => gateway.close())

test('every error code has a meaning and a cure, in every form', async () => {
  for (const [code, meaning] of Object.entries(ERROR_TABLE)) {
    const json = await run(['explain', code])
    assert.deepEqual([json.exitCode, JSON.parse(json.stdout)], [0, { code, ...meaning }])
    const table = (await run(['explain', code], { isTerminal: true })).stdout
    for (const part of [code, meaning.title, meaning.explanation, meaning.cure, String(meaning.httpStatus)])
      assert.ok(table.includes(part), `${code}: ${part} is not shown`)
    assert.match((await run(['explain', code, '-o', 'csv'])).stdout, new RegExp(`\n${code},`))
  }
})

test('codes are understood as people type them', async () => {
  assert.match((await run(['explain', 'quorum-lost', '-o', 'raw'])).stdout, /^QUORUM_LOST: /)
})

test('a code that does not exist is exit code 2, with a suggestion', async () => {
  const { exitCode, stdout, stderr } = await run(['explain', 'QUORUM_LOTS'])
  assert.deepEqual([exitCode, stdout], [2, ''])
  assert.match(stderr, /Did you mean QUORUM_LOST\?/)
})

test('what the commands that a cure names are called, they are called here too', async () => {
  const { stdout: help } = await run(['--help'])
  for (const [code, { cure, explanation }] of Object.entries(ERROR_TABLE)) {
    for (const [, word = ''] of `${cure} ${explanation}`.matchAll(/`flotilla ([a-z-]+)/g)) {
      if (PLANNED.includes(word)) continue
      assert.match(help, new RegExp(`^ {2}${word}\\b`, 'm'), `${code} names ${word}`)
    }
  }
})
/** Named by cures, and part of this program as soon as the routes that they need are. */
const PLANNED = ['operator', 'scheduler', 'hot', 'debug']

test('a number is a shard, another word a store', async () => {
  const decisions = [
    { ts: '2026-01-01T00:00:00.000Z', scheduler: 'split', action: null, reason: 'small enough', numbers: { bytes: 5 } },
  ]
  gateway.misbehaviour = (asked, response) => {
    const subject = asked.url.split('?')[1] ?? ''
    sendJson(response, 200, { subject, decisions: subject === 'store=s2' ? [] : decisions })
    return true
  }
  const shard = await run(['-e', gateway.endpoint, 'explain', '7'])
  assert.deepEqual(JSON.parse(shard.stdout), { subject: 'shard=7', decisions })
  assert.equal(gateway.asked.at(-1)?.url, '/admin/explain?shard=7')
  const table = await run(['-e', gateway.endpoint, 'explain', '7'], { isTerminal: true })
  assert.match(table.stdout, /^2026-\S+ +split +- +small enough/m)
  const store = await run(['-e', gateway.endpoint, 'explain', 's2'], { isTerminal: true })
  assert.match(store.stdout, /decided nothing about store s2/)
})
