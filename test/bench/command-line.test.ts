/** The benchmark as its users start it: help, usage errors, a short run against small servers, a short comparison of the peers. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ChildProcesses, EtcdSystem, JetStreamSystem } from '../../bench/systems/index.ts'
import { forgetfulFlotilla, likeEtcd, likeFlotilla, startFakeServer } from './fake-servers.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'bench', 'main.ts')
const directory = mkdtempSync(join(tmpdir(), 'flotilla-bench-test-'))
after(() => rmSync(directory, { recursive: true, force: true }))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function bench(...words: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', MAIN, ...words], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

test('--help explains both commands, and each command its flags', async () => {
  const top = await bench('--help')
  assert.equal(top.code, 0)
  for (const word of ['run', 'compare', 'Examples:', 'Exit codes']) assert.ok(top.stdout.includes(word), word)
  const run = await bench('run', '--help')
  for (const word of ['--target', '--rate', '--distribution', 'zipfian', '--json'])
    assert.ok(run.stdout.includes(word), word)
  const compare = await bench('compare', '--help')
  for (const word of ['--rounds', '--systems', '--enforce']) assert.ok(compare.stdout.includes(word), word)
})

test('what cannot be is exit code 2 with one sentence, on stderr', async () => {
  for (const words of [
    ['run', '--duration', 'soon'],
    ['run', '--frobnicate'],
    ['sprint'],
    ['compare', '--systems', 'redis'],
  ]) {
    const ended = await bench(...words)
    assert.equal(ended.code, 2, words.join(' '))
    assert.equal(ended.stdout, '')
    assert.match(ended.stderr, /^error: .+\n/)
  }
})

test('a cluster that is not there is exit code 1 and says so', async () => {
  const server = await startFakeServer(likeFlotilla)
  await server.close()
  const ended = await bench('run', '-e', `127.0.0.1:${server.port}`)
  assert.equal(ended.code, 1)
  assert.match(ended.stderr, /ECONNREFUSED/)
  assert.doesNotMatch(ended.stderr, /\n\s+at /)
})

test('a second of load on a Flotilla-like server: figures, fsyncs, JSON', async () => {
  const server = await startFakeServer(likeFlotilla)
  const file = join(directory, 'run.json')
  const words = ['run', '-e', `127.0.0.1:${server.port}`, '-w', 'mix', '-c', '8', '-d', '1s', '--warm-up', '100ms']
  const ended = await bench(...words, '-k', '100', '--json', file, '--token', 'secret-token')
  assert.equal(ended.code, 0, ended.stderr)
  assert.match(ended.stdout, /operations\/s/)
  assert.match(ended.stdout, /operations per fsync/)
  assert.match(ended.stdout, /every value read was right/)
  const text = readFileSync(file, 'utf8')
  assert.ok(!text.includes('secret-token'))
  const report = JSON.parse(text)
  assert.ok(report.load.operations > 0 && report.load.errorCount === 0 && report.load.absent === 0)
  assert.equal(report.load.perSecond.length, 1)
  assert.equal(server.store.size, 100)
  await server.close()
})

test('the same load on an etcd-like server, open loop', async () => {
  const server = await startFakeServer(likeEtcd)
  const words = ['run', '-t', 'etcd-http', '-e', `127.0.0.1:${server.port}`, '-w', 'get', '-r', '100', '-d', '500ms']
  const ended = await bench(...words, '--warm-up', '0s', '-k', '20', '--distribution', 'zipfian')
  assert.equal(ended.code, 0, ended.stderr)
  assert.match(ended.stdout, /open loop at 100 operations\/s/)
  assert.match(ended.stdout, /every value read was right/)
  await server.close()
})

test('a server that acknowledges writes and forgets them is found out: exit code 1', async () => {
  const server = await startFakeServer(forgetfulFlotilla())
  const words = ['run', '-e', `127.0.0.1:${server.port}`, '-w', 'mix', '-d', '500ms', '--warm-up', '0s', '-k', '10']
  const ended = await bench(...words)
  assert.equal(ended.code, 1)
  assert.match(ended.stdout, /VIOLATIONS: .*\d+ (stale|lost)/)
  await server.close()
})

const installed = new ChildProcesses()
const missingPeers = [new EtcdSystem(installed), new JetStreamSystem(installed)]
  .map((system) => system.missing())
  .filter((reason) => reason !== undefined)
installed.close()

test('a comparison starts, measures and removes its peers', { skip: missingPeers.join('; ') || false }, async () => {
  const file = join(directory, 'compare.json')
  const words = [
    'compare',
    '--systems',
    'etcd,jetstream',
    '--rounds',
    '1',
    '-d',
    '300ms',
    '--warm-up',
    '100ms',
    '--run-in',
    '100ms',
    '-k',
    '100',
  ]
  const ended = await bench(
    ...words,
    '--workloads',
    'http-mix,native-put,native-get',
    '--dir',
    directory,
    '--json',
    file,
  )
  assert.equal(ended.code, 0, ended.stderr + ended.stdout)
  const report = JSON.parse(readFileSync(file, 'utf8'))
  const measured = report.samples.map(
    (sample: { system: string; workload: string }) => `${sample.system} ${sample.workload}`,
  )
  assert.deepEqual(measured, ['etcd http-mix', 'jetstream native-put', 'jetstream native-get'])
  for (const row of report.medians) assert.ok(row.operationsPerSecond > 0 && row.errors === 0, JSON.stringify(row))
  assert.equal(report.machine.node, process.version)
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.startsWith('flotilla-bench-')),
    [],
  )
})

test('an interrupted comparison ends its children and removes their data', {
  skip: missingPeers.join('; ') || false,
}, async () => {
  const words = ['compare', '--systems', 'etcd', '--rounds', '1', '--dir', directory]
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => resolve(code))
  })
  let output = ''
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      // The first figure: three members are up and serving.
      if (output.includes('ops/s')) resolve()
    })
  })
  const members = membersOf(directory)
  assert.equal(members.length, 3)
  child.kill('SIGINT')
  assert.equal(await exited, 130)
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.startsWith('flotilla-bench-')),
    [],
  )
  while (members.some((pid) => isRunning(pid))) await new Promise((resolve) => setTimeout(resolve, 10))
})

/** Processes whose command line names `path` as their data directory. */
function membersOf(path: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      const line = readProcess(name, 'cmdline')
      return line.includes(path) && line.includes('--data-dir')
    })
    .map(Number)
}

/** A killed child stays a zombie until its new parent has reaped it; that is not running. */
function isRunning(pid: number): boolean {
  const stat = readProcess(String(pid), 'stat')
  return stat !== '' && !stat.includes(') Z ')
}

function readProcess(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // It ended between being listed and being read.
    return ''
  }
}
