/** `flotilla completion`: what the shells themselves make of the scripts. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
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

/** What each shell offers for the last of `words`. */
const OFFERS: Readonly<Record<string, (words: readonly string[]) => Promise<string[]>>> = {
  bash: (words) =>
    inShell(
      'bash',
      ['--norc'],
      [
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
    return offered.map((line) => line.split(':')[0] ?? '').filter((word) => word.startsWith(begun))
  },
  fish: async (words) => {
    const offered = await inShell('fish', ['--no-config'], [`complete -C 'flotilla ${words.join(' ')}'`])
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

test('another shell is exit code 2, with a suggestion', async () => {
  const { exitCode, stdout, stderr } = await run(['completion', 'bahs'])
  assert.deepEqual([exitCode, stdout], [2, ''])
  assert.match(stderr, /Did you mean bash\?/)
})
