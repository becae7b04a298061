/** Archives: what the system's own tar reads from them. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { writeTar } from '../../src/server/tar.ts'

const hasTar = spawnSync('tar', ['--version']).status === 0

test('tar reads back names, contents of every length and times', { skip: hasTar ? false : 'no tar here' }, () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-tar-'))
  try {
    const lengths = [0, 1, 511, 512, 513, 100_000]
    const content = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, at) => (at * 7) % 256))
    const files = lengths.map((length) => ({ name: `folder/of-${length}`, content: content(length) }))
    files.push({ name: `${'x'.repeat(49)}/${'y'.repeat(49)}`, content: content(3) })
    const archive = path.join(directory, 'a.tar')
    writeFileSync(archive, writeTar(files, Date.UTC(2026, 0, 2, 3, 4, 5)))
    const listing = execFileSync('tar', ['-tvf', archive, '--utc', '--full-time'], { encoding: 'utf8' })
    assert.equal(listing.trim().split('\n').length, files.length)
    assert.match(listing, /-rw-r--r-- 0\/0 +513 2026-01-02 03:04:05 folder\/of-513\n/)
    execFileSync('tar', ['-xf', archive, '-C', directory])
    for (const { name, content } of files) assert.deepEqual(readFileSync(path.join(directory, name)), content)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('names that tar could not carry are refused', () => {
  for (const name of ['', 'a b', 'ä', 'x'.repeat(100), 'a\nb'])
    assert.throws(() => writeTar([{ name, content: new Uint8Array() }], 0))
})
