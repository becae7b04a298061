/** The parts of the demo that need no cluster: its log files, and which lines of a log people see. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { LogFile } from '../../tools/demo/log-file.ts'
import { portRefusal } from '../../tools/demo/ports.ts'
import { noticeable, styleOf } from '../../tools/demo/welcome.ts'

test('a log file goes on where it ended, and a full one makes room for the next', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-log-'))
  try {
    const file = path.join(directory, 'flotilla.log')
    const fail = (error: Error): void => assert.fail(error)
    const first = new LogFile(file, fail, 100)
    first.write('one\n')
    await first.close()
    const second = new LogFile(file, fail, 100)
    second.write(`${'x'.repeat(120)}\n`)
    second.write('two\n')
    await second.close()
    assert.equal(readFileSync(file, 'utf8'), 'two\n')
    for (const text of ['y'.repeat(100), 'three\n', 'four\n']) {
      const next = new LogFile(file, fail, 100)
      next.write(text)
      await next.close()
    }
    assert.equal(readFileSync(file, 'utf8'), 'three\nfour\n')
    assert.equal(readFileSync(`${file}.1`, 'utf8'), `two\n${'y'.repeat(100)}`)
    assert.deepEqual(readdirSync(directory).sort(), ['flotilla.log', 'flotilla.log.1'])
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('people see warnings and errors of a store, and nothing else', () => {
  assert.equal(noticeable('{"level":30,"time":"t","store":"s1","msg":"fine"}'), undefined)
  assert.equal(noticeable('{"level":40,"time":"t","store":"s1","group":3,"msg":"slow"}'), 'warning: slow group=3')
  assert.equal(noticeable('{"level":50,"time":"t","store":"s1","msg":"bad"}'), 'error: bad')
  assert.equal(noticeable('{"level":40'), undefined)
  assert.equal(noticeable('error: UNAVAILABLE: taken'), 'error: UNAVAILABLE: taken')
  assert.equal(noticeable('  try: something'), undefined)
})

test('a port that is taken is noticed', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  assert.equal(await portRefusal(port), 'EADDRINUSE')
  await new Promise((resolve) => server.close(resolve))
  assert.equal(await portRefusal(port), undefined)
})

test('colours only where they are wanted', () => {
  assert.equal(styleOf(false).bold('x'), 'x')
  assert.equal(styleOf(true).bold('x'), '\u001b[1mx\u001b[0m')
})
