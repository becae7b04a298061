/** What a failing seed prints: a bug is planted in a copy of the sources, and its finder must be able to begin with nothing but the output. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MUTANTS, Workshop } from '../../tools/mutants/index.ts'

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const PLANTED = 'any revision satisfies a condition'
const WORDS = ['--seed', '1', '--ticks', '200', '--faults', 'none']

interface Run {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(directory: string, words: readonly string[]): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'tools/sim/main.ts', ...words], {
    cwd: directory,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

test('a failing seed prints seed, commit, what is wrong, the shortest trace and the command that replays it', async () => {
  const mutant = MUTANTS.find(({ id }) => id === PLANTED)
  assert(mutant !== undefined)
  const workshop = new Workshop(ROOT)
  try {
    await workshop.with(mutant, async () => {
      const { status, stdout, stderr } = run(workshop.directory, WORDS)
      assert.equal(status, 1, stdout + stderr)
      assert.match(stderr, /^FAILURE of seed 1 at \d+\.\d+ virtual ms, commit \S+$/m)
      const [, key] = /^key "(\S+)" is not linearizable: \d+ of its \d+ operations have no order/m.exec(stderr) ?? []
      assert(key !== undefined, stderr)
      // The trace: of the time and the key of the counterexample, and nothing else.
      const heading = /^from [\d.]+ to [\d.]+ ms, without those about others than group (\d+) and key (\S+):$/m.exec(
        stderr,
      )
      assert.equal(heading?.[2], key)
      const trace = stderr.split('\n').filter((line) => /^ +\d+\.\d{3} ms {2}/.test(line))
      assert(trace.length > 0 && trace.length <= 60, `${trace.length} lines`)
      assert(
        trace.some((line) => line.includes(`put ${key}`) && line.includes('done')),
        trace.join('\n'),
      )
      for (const line of trace) {
        const [, group] = /: group (\d+) /.exec(line) ?? []
        assert(group === undefined || group === heading?.[1], line)
      }
      const replay = /^replay: npm run sim -- (.+)$/m.exec(stderr)?.[1]
      assert.equal(replay, WORDS.join(' '))
      const again = run(workshop.directory, replay?.split(' ') ?? [])
      assert.equal(again.stderr, stderr, 'the replay is another run')

      // Among many seeds the same is printed.
      const first = run(workshop.directory, [
        '--from',
        '1',
        '--count',
        '2',
        '--jobs',
        '1',
        '--first',
        ...WORDS.slice(2),
      ])
      assert.match(first.stdout, /^1 seeds, .* 1 failed$/m)
      assert(first.stderr.includes(stderr.trim()), first.stderr)
      assert.match(first.stdout, /^failed seeds: 1$/m)
    })
  } finally {
    workshop.close()
  }
})

test('a seed that does not end, or ends its process, has failed and is named, and the campaign goes on', async () => {
  const places = {
    id: 'hang',
    area: 'machine',
    file: 'src/testing/simulate.ts',
    before: '  const { seed, ticks = TICKS_DEFAULT, onLine } = options\n',
    breaks: 'the simulator itself',
  } as const
  const harm = "if (seed === 1) for (;;);\n  if (seed === 2) process.kill(process.pid, 'SIGKILL')\n"
  const workshop = new Workshop(ROOT)
  try {
    await workshop.with({ ...places, after: `${places.before}  ${harm}` }, async () => {
      const words = ['--from', '1', '--count', '3', '--jobs', '1', '--seed-seconds', '8', '--ticks', '20']
      const { status, stdout, stderr } = run(workshop.directory, words)
      assert.equal(status, 1)
      assert.match(
        stderr,
        /FAILURE of seed 1: it did not end within 8 s, commit \S+\nreplay: npm run sim -- --seed 1 --ticks 20/,
      )
      assert.match(stderr, /FAILURE of seed 2: its process ended with SIGKILL/)
      assert.match(stdout, /^3 seeds, .* 2 failed$/m)
    })
  } finally {
    workshop.close()
  }
})
