/** `flotilla bench`: the words reach the benchmark untouched, its output and exit code come back, and completion knows its options. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { poll } from '../../tools/cluster/poll.ts'
import { BENCH_COMMANDS } from '../../tools/commands/bench-options.ts'
import { likeFlotilla, startFakeServer } from '../bench/fake-servers.ts'
import { run } from './run.ts'

const PROGRAM = fileURLToPath(new URL('../../tools/flotilla.ts', import.meta.url))
const SHORT = ['--duration', '200ms', '--warm-up', '0s', '--connections', '2', '--keys', '10']
const WAIT_MS = 30_000

test('help is that of the benchmark, under the name that was typed', async () => {
  const top = await run(['bench', '--help'])
  assert.deepEqual([top.exitCode, top.stderr], [0, ''])
  assert.match(top.stdout, /^Usage: flotilla bench \[options\] \[command\]/)
  assert.match(top.stdout, /^ {2}flotilla bench compare +Flotilla, etcd and JetStream side by side/m)
  assert.doesNotMatch(top.stdout, /npm run/)
  assert.match((await run(['bench', 'run', '--help'])).stdout, /^Usage: flotilla bench run \[options\]/)
  const none = await run(['bench'])
  assert.deepEqual([none.exitCode, none.stdout], [2, top.stdout])
  assert.match((await run(['help', 'bench'])).stdout, /^ {2}compare .*ratios$/ms)
})

test('the options that completion offers are those that the benchmark takes', async () => {
  const help = await run(['bench', '--help'])
  const named = [...(help.stdout.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z]+) \[/gm)].map(([, name]) => name)
  assert.deepEqual(
    named.filter((name) => name !== 'help'),
    BENCH_COMMANDS.map(({ name }) => name),
  )
  for (const { name, options } of BENCH_COMMANDS) {
    const { stdout } = await run(['bench', name, '--help'])
    const taken = [...stdout.matchAll(/^ {2}((?:-\w, )?--[a-z-]+(?: <[a-z-]+>)?)/gm)].map(([, flags]) => flags)
    assert.deepEqual(
      taken.filter((flags) => flags !== '-h, --help').sort(),
      options.map(([flags]) => flags).sort(),
      name,
    )
  }
  const script = (await run(['completion', 'bash'])).stdout
  assert.match(script, /'bench run'\) words='' options='[^']*--leaders/)
  // Its own -e, and no option of the other commands.
  assert.doesNotMatch(/'bench run'\) .*/.exec(script)?.[0] ?? '', /--output|--endpoint\b(?!s)/)
})

test('a load runs, with the endpoint from wherever other commands take it', async (t) => {
  const server = await startFakeServer(likeFlotilla)
  t.after(() => server.close())
  const endpoint = `http://127.0.0.1:${server.port}`
  const ways = [
    { words: ['bench', 'run', ...SHORT, '-e', endpoint], env: {} },
    { words: ['-e', endpoint, 'bench', 'run', ...SHORT], env: {} },
    { words: ['bench', 'run', ...SHORT], env: { FLOTILLA_ENDPOINT: endpoint } },
  ]
  for (const { words, env } of ways) {
    const ran = await run(words, { env })
    assert.deepEqual([ran.exitCode, ran.stderr], [0, ''], words.join(' '))
    assert.ok(ran.stdout.includes(String(server.port)), ran.stdout)
  }
})

test('mistakes are exit code 2 with one sentence, and what cannot be reached is 1', async () => {
  for (const words of [['sprint'], ['run', '--frobnicate'], ['compare', '--systems', 'redis'], ['run', '-o', 'json']]) {
    const ran = await run(['bench', ...words])
    assert.deepEqual([ran.exitCode, ran.stdout], [2, ''], words.join(' '))
    assert.match(ran.stderr, /^error: /)
  }
  const global = await run(['-o', 'json', 'bench', 'run'])
  assert.deepEqual([global.exitCode, global.stdout], [2, ''])
  assert.match(global.stderr, /^error: INVALID_ARGUMENT: --output before bench means nothing/)
  const nobody = await run(['bench', 'run', ...SHORT, '-e', '127.0.0.1:1'])
  assert.equal(nobody.exitCode, 1)
  assert.match(nobody.stderr, /ECONNREFUSED/)
})

for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGKILL', null],
] as const) {
  test(`${signal} ends the benchmark too`, async (t) => {
    const server = await startFakeServer(likeFlotilla)
    t.after(() => server.close())
    const words = ['bench', 'run', '-e', `127.0.0.1:${server.port}`, '--duration', '5m']
    const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const bench = await benchOf(child)
    const ended = once(child, 'exit')
    child.kill(signal)
    assert.equal((await ended)[0], exitCode)
    await poll('the benchmark ends', WAIT_MS, () => !isAlive(bench))
  })
}

/** The process that measures, once it has begun: it holds the other end of the pipe. */
async function benchOf(child: ChildProcess): Promise<number> {
  await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')
  const { readFileSync } = await import('node:fs')
  const [first = ''] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').slice(-1)
  return Number(first)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // There is no such process.
    return false
  }
}
