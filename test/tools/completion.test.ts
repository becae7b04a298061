/** `flotilla completion`: what the shells themselves make of the scripts. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { startHarness } from '../gateway/harness.ts'
import { run } from './run.ts'

function absence(shell: string): string | false {
  const { error } = spawnSync(shell, ['-c', 'exit 0'])
  return error === undefined ? false : `${shell} is not installed`
}

/** What a shell prints that first loads the completion script and then runs `lines`. */
async function inShell(
  shell: string,
  flags: readonly string[],
  lines: readonly string[],
  before = '',
): Promise<string[]> {
  const { exitCode, stdout } = await run(['completion', shell])
  assert.equal(exitCode, 0)
  const folder = mkdtempSync(path.join(tmpdir(), 'flotilla-completion-'))
  try {
    const file = path.join(folder, 'program')
    writeFileSync(file, [before, stdout, ...lines, ''].join('\n'))
    const ended = spawnSync(shell, [...flags, file], { encoding: 'utf8' })
    assert.deepEqual([ended.status, ended.stderr], [0, ''])
    return ended.stdout.split('\n').filter((line) => line !== '')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Stands for the program, which is asked for names: says what it was asked, as one of them. */
const STUB: Readonly<Record<string, string>> = {
  bash: 'flotilla() { printf "%s\\n" s1 s2 "asked-$3-$7"; }',
  zsh: 'flotilla() { print -rl -- s1 s2 "asked-$3-$7" }',
  fish: 'function flotilla; printf "%s\\n" s1 s2 asked-$argv[3]-$argv[7]; end',
}

/** What each shell offers for the last of `words`. */
const OFFERS: Readonly<Record<string, (words: readonly string[]) => Promise<string[]>>> = {
  bash: (words) =>
    inShell(
      'bash',
      ['--norc'],
      [
        STUB.bash ?? '',
        // As bash has it, which takes an address for several words.
        `COMP_LINE='flotilla ${words.join(' ')}'`,
        `COMP_WORDS=(flotilla ${words.map((word) => `'${word}'`).join(' ')})`,
        `COMP_CWORD=${words.length}`,
        '_flotilla',
        `printf '%s\\n' "${'$'}{COMPREPLY[@]}"`,
      ],
    ),
  // Completion itself needs a terminal; its two functions that take the words are replaced.
  zsh: async (words) => {
    const offered = await inShell(
      'zsh',
      ['-f'],
      [
        STUB.zsh ?? '',
        `_describe() { print -rl -- "${'$'}{(P@)@[-1]}" }`,
        'compadd() { shift; print -rl -- "$@" }',
        '_files() { print -r -- "<files>" }',
        `words=(flotilla ${words.map((word) => `'${word}'`).join(' ')})`,
        `CURRENT=${words.length + 1}`,
        '_flotilla',
      ],
      // As compinit has it, which does its work only in a terminal.
      'compdef() { : }',
    )
    const begun = words.at(-1) ?? ''
    return offered
      .map((line) => (line.split(/(?<!\\):/)[0] ?? '').replaceAll('\\:', ':'))
      .filter((word) => word.startsWith(begun))
  },
  fish: async (words) => {
    const offered = await inShell(
      'fish',
      ['--no-config'],
      [STUB.fish ?? '', `complete -C 'flotilla ${words.join(' ')}'`],
    )
    return offered.map((line) => line.split('\t')[0] ?? '')
  },
}

for (const [shell, offers] of Object.entries(OFFERS)) {
  const skip = absence(shell)
  test(`${shell} completes commands, words below them, options and their values`, { skip }, async () => {
    assert.deepEqual((await offers(['sca'])).sort(), ['scan'])
    assert.deepEqual((await offers(['shard', 'l'])).sort(), ['lookup', 'ls'])
    assert.deepEqual((await offers(['--endpoint', 'shard', 'sca'])).sort(), ['scan'])
    assert.deepEqual((await offers(['-e', 'http://x', '-o', 'json', 'config', 'v'])).sort(), ['validate'])
    assert.deepEqual((await offers(['get', 'x', '-o', 'j'])).sort(), ['json'])
    assert.deepEqual((await offers(['put', '--if-'])).sort(), ['--if-absent', '--if-revision'])
    assert.deepEqual((await offers(['completion', ''])).sort(), ['bash', 'fish', 'zsh'])
    assert.deepEqual((await offers(['debug', 'profile', 'h'])).sort(), ['heap'])
  })

  test(`${shell} asks the cluster for the names of stores, shards and settings, where one belongs`, {
    skip,
  }, async () => {
    assert.deepEqual((await offers(['store', 'show', 's'])).sort(), ['s1', 's2'])
    assert.deepEqual((await offers(['shard', 'move', '7', 's1', 's'])).sort(), ['s1', 's2'])
    assert.deepEqual(await offers(['store', 'drain', 'asked']), ['asked-store-raw'])
    assert.deepEqual(await offers(['shard', 'move', 'asked']), ['asked-shard-raw'])
    assert.deepEqual(await offers(['config', 'set', '-o', 'json', 'asked']), ['asked-setting-raw'])
    assert.deepEqual(await offers(['-e', 'http://x', 'explain', 'asked']), ['asked-subject-http://x'])
    for (const words of [
      ['shard', 'split', '7', 's'],
      ['store', 'register', 's'],
      ['config', 'set', 'x', 's'],
    ])
      assert.deepEqual(
        (await offers(words)).filter((word) => /^s[12]$/.test(word)),
        [],
        words.join(' '),
      )
  })
}

test('every command of the program is in every script', async () => {
  const { stdout: help } = await run(['--help'])
  const names = [...(help.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z][a-z-]+)/gm)].map(([, name = '']) => name)
  assert.ok(names.length > 10, `only ${names.length} commands`)
  for (const shell of Object.keys(OFFERS)) {
    const { stdout } = await run(['completion', shell])
    for (const name of names.filter((word) => word !== 'help' && word !== 'flotilla')) {
      assert.match(stdout, new RegExp(`\\b${name}\\b`), `${shell} does not know ${name}`)
    }
  }
})

test('bash finds its place behind an address, which it takes for several words', {
  skip: absence('bash'),
}, async () => {
  const words = ['-e', 'http', ':', '//127.0.0.1', ':', '9480', 'store', 'show', 'asked']
  const lines = [
    STUB.bash ?? '',
    `COMP_LINE='flotilla -e http://127.0.0.1:9480 store show asked'`,
    `COMP_WORDS=(flotilla ${words.join(' ')})`,
    `COMP_CWORD=${words.length}`,
    '_flotilla',
    `printf '%s\\n' "${'$'}{COMPREPLY[@]}"`,
  ]
  assert.deepEqual(await inShell('bash', ['--norc'], lines), ['asked-store-http://127.0.0.1:9480'])
})

test('names are those of the cluster; error codes have theirs without one', async (t) => {
  const h = await startHarness(t)
  const names = async (kind: string, port = h.gateway.port): Promise<[number, string[]]> => {
    const words = ['-e', `http://127.0.0.1:${port}`, 'completion', 'names', kind, '-o', 'raw']
    const { exitCode, stdout } = await run(words)
    return [exitCode, stdout.split('\n').filter((name) => name !== '')]
  }
  assert.deepEqual(await names('store'), [0, (await h.ask('/admin/stores')).json().stores.map(idOf)])
  assert.deepEqual(await names('shard'), [0, (await h.ask('/admin/shards')).json().shards.map(idOf)])
  const [exitCode, subjects] = await names('subject')
  assert.equal(exitCode, 0)
  assert.ok(subjects.includes('QUORUM_LOST') && subjects.includes('s1'), subjects.join())
  await h.gateway.close()
  assert.equal((await names('store'))[0], 5)
  assert.ok((await names('subject'))[1].includes('QUORUM_LOST'))
  assert.equal((await names('ships'))[0], 2)
})

function idOf({ id }: { readonly id: string | number }): string {
  return String(id)
}

test('another shell is exit code 2, with a suggestion', async () => {
  const { exitCode, stdout, stderr } = await run(['completion', 'bahs'])
  assert.deepEqual([exitCode, stdout], [2, ''])
  assert.match(stderr, /Did you mean bash\?/)
})
