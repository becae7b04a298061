/**
 * The house rules as a test: the layout of the program, the purity of its core, and what its documents promise to name. Each rule is first
 * shown a repository that breaks it, because a check that cannot fail proves nothing.
 */
import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SETTINGS } from '../src/server/config/settings.ts'
import { blankText } from './tidy/blank-text.ts'
import {
  brokenLinks,
  manifestTargets,
  registeredCommands,
  unnamedFolders,
  unnamedInReadme,
} from './tidy/document-rules.ts'
import {
  forbiddenArrows,
  foreignPackages,
  missingTargets,
  nodeInPureFolders,
  packageDeclarations,
  pastTheIndex,
} from './tidy/import-rules.ts'
import { type Repository, readRepository, repositoryOf } from './tidy/repository.ts'
import {
  fileNames,
  forbiddenTexts,
  forbiddenWords,
  LINES_MAX,
  longFiles,
  missingOpenings,
  staleExceptions,
  unreachableTests,
} from './tidy/text-rules.ts'

type Rule = (repository: Repository) => string[]

interface House {
  readonly rule: Rule
  readonly says: string
  /** Repositories of a file or two that break the rule, each on its own. */
  readonly broken: readonly Readonly<Record<string, string>>[]
  /** What comes close and is allowed. */
  readonly fine?: Readonly<Record<string, string>>
}

const NPM_COMMANDS = ['npm ci', 'npm start', 'npm test', 'npm run check', 'npm run bench', 'npm run format']
const readmeRule: Rule = (repository) =>
  unnamedInReadme(repository, {
    npmCommands: NPM_COMMANDS,
    commands: registeredCommands(repository),
    settings: [...SETTINGS.keys()],
  })

const PARAGRAPH = '/** A file of the house rules, made up to be judged by them. */\n'
const KV = 'src/machine/kv.ts'

const HOUSE: readonly House[] = [
  {
    rule: forbiddenArrows,
    says: 'imports follow the import table',
    broken: [
      { 'src/raft/a.ts': "import { LIMITS } from '../storage/index.ts'\n" },
      { 'src/raft/a.ts': "import type { Shard } from '../../shard-map/index.ts'\n" },
      { 'src/storage/a.ts': "import { RaftNode } from '../raft/index.ts'\n" },
      { 'src/gateway/a.ts': "import {\n  one,\n  two,\n} from '../store/index.ts'\n" },
      { 'src/store/a.ts': "export { x } from '../gateway/index.ts'\n" },
      { 'src/base/a.ts': "const x = await import('../server/index.ts')\n" },
      { 'src/server/a.ts': "import { run } from '../../bench/index.ts'\n" },
      { 'src/novel/a.ts': "import { LIMITS } from '../base/index.ts'\n" },
    ],
    fine: {
      'src/storage/a.ts': "import type { Entry } from '../raft/index.ts'\n// import { x } from '../gateway/index.ts'\n",
      'src/server/a.ts': "import { x } from '../gateway/index.ts'\nimport { y } from './b.ts'\n",
      'test/a.ts': "import { x } from '../src/raft/quorum.ts'\n",
    },
  },
  {
    rule: pastTheIndex,
    says: 'other folders are imported through their index',
    broken: [{ 'src/raft/a.ts': "import { assert } from '../base/assert.ts'\n" }],
    fine: { 'src/raft/a.ts': "import { assert } from '../base/index.ts'\nimport { b } from './inner/b.ts'\n" },
  },
  {
    rule: missingTargets,
    says: 'imports name files that exist',
    broken: [{ 'src/raft/a.ts': "import { b } from './b.ts'\n" }, { 'src/raft/a.ts': "import { b } from './b.js'\n" }],
    fine: { 'src/raft/a.ts': "import { b } from './b.ts'\n", 'src/raft/b.ts': '' },
  },
  {
    rule: foreignPackages,
    says: 'each npm package has its owning folders',
    broken: [
      { 'src/store/a.ts': "import { connect } from 'nats'\n" },
      { 'src/base/a.ts': "import pad from 'left-pad'\n" },
      { 'src/store/a.ts': "import type { Hono } from 'hono/tiny'\n" },
    ],
    fine: { 'src/transport/a.ts': "import { connect } from 'nats'\n", 'test/a.ts': "import fc from 'fast-check'\n" },
  },
  {
    rule: nodeInPureFolders,
    says: 'folders without a world of their own import no node module',
    broken: [
      { 'shard-map/a.ts': "import { inspect } from 'node:util'\n" },
      { 'src/protocol/a.ts': "import { Buffer } from 'node:buffer'\n" },
      { 'src/router/a.ts': "import 'node:net'\n" },
    ],
    fine: { 'src/gateway/a.ts': "import http from 'node:http'\n" },
  },
  {
    rule: packageDeclarations,
    says: 'what is imported is declared, and what is declared is imported',
    broken: [
      { 'package.json': '{}', 'src/transport/a.ts': "import { connect } from 'nats'\n" },
      { 'package.json': '{"dependencies": {"nats": "1"}}' },
      { 'package.json': '{"devDependencies": {"nats": "1"}}', 'src/a.ts': "import { connect } from 'nats'\n" },
    ],
    fine: { 'package.json': '{"dependencies": {"@a/b": "1"}}', 'src/a.ts': "import { connect } from '@a/b/c'\n" },
  },
  {
    rule: forbiddenWords,
    says: 'code says nothing that its folder must not say',
    broken: [
      { [KV]: 'const x = Date.now()\n' },
      { [KV]: 'const x = Math.random()\n' },
      { [KV]: 'async function x() {}\n' },
      { 'shard-map/a.ts': 'setTimeout(run, 1)\n' },
      { 'src/raft/a.ts': 'console.log(1)\n' },
      { 'src/raft/a.ts': 'const home = process.env\n' },
      { 'src/store/a.ts': 'const now = performance.now()\n' },
      { 'src/store/a.ts': 'const timer = setInterval(run, 5)\n' },
      { 'src/store/a.ts': 'const id = randomUUID()\n' },
      { 'src/a.ts': 'export default 1\n' },
      { 'src/a.ts': "export * from './b.ts'\n" },
      { 'src/a.ts': 'export enum Role {}\n' },
      { 'test/a.test.ts': 'it.only(name, run)\n' },
      { 'test/a.test.ts': 'it(name, { skip: true }, run)\n' },
      { 'src/a.ts': 'const x = y as any\n' },
      { 'src/a.ts': 'function x(y: any) {}\n' },
      { 'src/a.ts': 'const x: Map<string, any> = y\n' },
      { 'src/a.ts': 'class X {\n  private hidden = 1\n}\n' },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source of a template
      { [KV]: 'const x = `${Date.now()}`\n' },
    ],
    fine: {
      [KV]: "// Date.now() and await\nconst x = 'async' /* Math.random() */\nconst y = `console`\nconst z = /Date/.test(x)\n",
      'src/server/a.ts': 'const now = performance.now()\n',
      'src/store/a.ts': 'const many = anyOf(company)\n',
    },
  },
  {
    rule: staleExceptions,
    says: 'every exception from a rule is needed',
    broken: [{ 'src/server/system.ts': '' }],
  },
  {
    rule: forbiddenTexts,
    says: 'no leftovers and no machine paths anywhere',
    broken: [
      { 'src/a.ts': '// TODO later\n' },
      { 'README.md': 'cd /home/somebody/flotilla\n' },
      { 'bench/a.ts': '// @ts-ignore\n' },
    ],
    fine: { 'README.md': 'see ./data and /tmp\n' },
  },
  {
    rule: missingOpenings,
    says: 'every file opens with a paragraph that says what it is',
    broken: [
      { 'src/a.ts': 'export const x = 1\n' },
      {
        'src/a.ts':
          "import { y } from './y.ts'\nexport const x = 1\n/** A paragraph that comes too late to be one. */\n",
      },
      { 'src/a.ts': '/** Short. */\n' },
    ],
    fine: {
      'src/a.ts': PARAGRAPH,
      'src/b.ts': `#!/usr/bin/env node\nimport fs from 'node:fs'\nimport type {\n  X,\n} from './x.ts'\n\n${PARAGRAPH}`,
    },
  },
  {
    rule: longFiles,
    says: `no file has more than ${LINES_MAX} lines`,
    broken: [{ 'src/a.ts': 'x\n'.repeat(LINES_MAX + 1) }],
    fine: { 'src/a.ts': 'x\n'.repeat(LINES_MAX) },
  },
  {
    rule: fileNames,
    says: 'file names are kebab-case',
    broken: [{ 'src/raft/RaftNode.ts': '' }, { 'src/raft/raft_node.ts': '' }],
    fine: { 'src/raft/raft-node.ts': '', 'test/a-b.test.ts': '' },
  },
  {
    rule: unreachableTests,
    says: 'everything under test is a test or serves one',
    broken: [{ 'test/forgotten.ts': '' }],
    fine: { 'test/a.test.ts': "import './helper.ts'\n", 'test/helper.ts': '' },
  },
  {
    rule: manifestTargets,
    says: 'the manifest names files that exist',
    broken: [
      { 'package.json': '{"exports": {".": {"default": "./dist/src/index.js"}}}' },
      { 'package.json': '{"bin": {"flotilla": "dist/tools/flotilla.js"}}' },
      { 'package.json': '{"scripts": {"test": "node tools/run.mjs"}}' },
    ],
    fine: { 'package.json': '{"exports": {".": "./dist/src/index.js", "./p": "./package.json"}}', 'src/index.ts': '' },
  },
  {
    rule: unnamedFolders,
    says: 'ARCHITECTURE.md names every folder',
    broken: [{ 'ARCHITECTURE.md': '`src/` `src/raftery/`', 'src/raft/a.ts': '' }],
    fine: { 'ARCHITECTURE.md': '`src/` `src/raft/`', 'src/raft/a.ts': '' },
  },
  {
    rule: brokenLinks,
    says: 'documents point to files that exist',
    broken: [{ 'README.md': '[x](LICENSE.md)' }, { 'ARCHITECTURE.md': 'see `src/raft/gone.ts`' }],
    fine: { 'README.md': '[x](ARCHITECTURE.md) [y](https://example.org) [z](#words)', 'ARCHITECTURE.md': '' },
  },
  {
    rule: readmeRule,
    says: 'README.md names every command and every setting',
    broken: [
      { 'README.md': '' },
      {
        'README.md': [...NPM_COMMANDS, ...[...SETTINGS.keys()].map((name) => `\`${name}\``)].join(' '),
        'tools/a.ts': "program.command('scuttle')",
      },
    ],
  },
]

const repository = readRepository(path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..'))

describe('the house rules can fail', () => {
  for (const { rule, says, broken, fine } of HOUSE) {
    it(says, () => {
      for (const texts of broken)
        assert.notDeepEqual(rule(repositoryOf(texts)), [], `nothing said of ${JSON.stringify(texts)}`)
      if (fine !== undefined) assert.deepEqual(rule(repositoryOf(fine)), [])
    })
  }

  it('look at a repository that was really read', () => {
    assert.ok(repository.sources.length > 300, `${repository.sources.length} sources`)
    for (const name of ['src/raft/core.ts', 'shard-map/key.ts', 'README.md', 'package.json']) {
      assert.ok(repository.texts.has(name), name)
    }
  })

  it('tell code from comments, strings, templates and regular expressions', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source of a template
    const source = "a /* b */ 'c' `d ${e + `f${g}`} h` / i // j\nk = /l'/ + \"m\"\n"
    assert.equal(blankText(source).code.replaceAll(/\s+/g, ' '), 'a e + g / i k = + ')
    assert.match(blankText(source).withStrings, /a {9}'c'.*\nk = {6}\+ "m"\n/)
  })
})

describe('the house rules hold', () => {
  for (const { rule, says } of HOUSE) {
    it(says, () => {
      const problems = rule(repository)
      assert.equal(problems.length, 0, `${problems.length} problems:\n  ${problems.join('\n  ')}`)
    })
  }
})
