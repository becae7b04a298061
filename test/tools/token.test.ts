/** `flotilla token`: what it prints can be configured, and nothing weak is hashed. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { run } from './run.ts'

test('token new prints a token that nobody can guess, and its hash; token hash finds the same', async () => {
  const made = JSON.parse((await run(['token', 'new'])).stdout) as { token: string; hash: string }
  assert.match(made.token, /^flotilla_[A-Za-z0-9_-]{43}$/)
  assert.equal(made.hash, `sha256:${createHash('sha256').update(made.token).digest('hex')}`)
  const other = JSON.parse((await run(['token', 'new'])).stdout) as { token: string }
  assert.notEqual(other.token, made.token)
  for (const end of ['', '\n', '\r\n']) {
    const hashed = await run(['token', 'hash'], { stdin: made.token + end })
    assert.deepEqual([hashed.exitCode, JSON.parse(hashed.stdout)], [0, { hash: made.hash }])
  }
  assert.equal((await run(['token', 'hash', '-o', 'raw'], { stdin: made.token })).stdout, `${made.hash}\n`)
  assert.match(
    (await run(['token', 'new'], { isTerminal: true })).stdout,
    /^token {2}flotilla_\S+\nhash {3}sha256:\S+\n$/,
  )
})

test('token hash refuses what could be guessed or is no token, without showing it', async () => {
  for (const stdin of [
    '',
    'hush',
    'hush-hush-hush-hush-hu',
    `${'hush'.repeat(6)} x`,
    `ü${'hush'.repeat(6)}`,
    'h'.repeat(5000),
  ]) {
    const { exitCode, stdout, stderr } = await run(['token', 'hash'], { stdin })
    assert.deepEqual([exitCode, stdout], [2, ''])
    assert.match(stderr, /flotilla token new/)
    assert.doesNotMatch(stderr, /hush/)
  }
})
