/** `flotilla top`: what fits on the screen, lines in a pipe, and the terminal it leaves behind. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { screen } from '../../tools/commands/top.ts'
import { type FakeGateway, SHARDS, STATUS, STORES, startFakeGateway } from './fake-gateway.ts'
import { run } from './run.ts'

const PROGRAM = fileURLToPath(new URL('../../tools/flotilla.ts', import.meta.url))
const NO_TERMINAL =
  spawnSync('script', ['--version']).error === undefined ? false : 'script, which makes terminals, is not installed'

let gateway: FakeGateway

before(async () => {
  gateway = await startFakeGateway()
})
after(() => gateway.close())

test('in a pipe: a line of JSON for each look', async () => {
  const once = await run(['-e', gateway.endpoint, 'top'])
  assert.deepEqual([once.exitCode, once.stderr], [0, ''])
  const { status, stores } = JSON.parse(once.stdout) as Record<string, unknown>
  assert.deepEqual([status, stores], [STATUS, STORES])
  const three = await run(['-e', gateway.endpoint, 'top', '-n', '3', '--interval', '1ms'])
  assert.equal(three.stdout.trimEnd().split('\n').length, 3)
  assert.ok(!three.stdout.includes('\u001b'))
})

test('the screen holds what fits, with the heaviest shards first', async () => {
  const look = { ts: '2026-01-01T00:00:00.000Z', status: STATUS, stores: STORES, shards: SHARDS }
  const page = screen(look, 40)
  assert.match(page, /^2026-01-01T00:00:00.000Z {2}healthy: /)
  assert.match(page, /^s1 +up +3 +2 +3\.0 MiB +10 +2\.4 +2h$/m)
  assert.match(page, /^ +1 +s1 +5 +2\.0 KiB +1\.5 +0\.0 +\(placement\)$/m)
  assert.equal(screen(look, 5).split('\n').length, 4)
  const sorted = await run(['-e', gateway.endpoint, 'top', '--sort', 'wirtes'])
  assert.equal(sorted.exitCode, 2)
  assert.match(sorted.stderr, /Did you mean writes\?/)
})

for (const [name, key] of [
  ['q', 'q'],
  ['Ctrl-C', '\u0003'],
] as const) {
  test(`in a terminal, ${name} leaves it as it was`, { skip: NO_TERMINAL }, async () => {
    const command = `${process.execPath} --import tsx ${PROGRAM} -e ${gateway.endpoint} top --interval 20ms`
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    let shown = ''
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString('utf8')
    })
    while (shown.split('\u001b[H').length < 4) {
      assert.equal(child.exitCode, null, shown)
      await Promise.race([delay(10), exited])
    }
    child.stdin.write(key)
    assert.deepEqual(await exited, [0, null])
    assert.ok(shown.includes('\u001b[?1049h\u001b[?25l') && shown.trimEnd().endsWith('\u001b[?25h\u001b[?1049l'))
    assert.match(shown, /healthy: every store answers/)
  })
}
