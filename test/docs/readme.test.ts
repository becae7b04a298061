/**
 * README.md does what it says: its programs are run and must print what their comments promise, its configurations are loaded, its defaults are
 * those of the schema, and its curl and flotilla commands are run word for word against a cluster (only addresses are replaced). Needs the build.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type Broker, startBroker } from '../../src/broker/index.ts'
import { loadConfig } from '../../src/server/config/index.ts'
import { SETTINGS } from '../../src/server/config/settings.ts'
import { type RunningNode, startNode } from '../../src/server/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { freePort } from '../../tools/cluster/ports.ts'
import { codeBlocks, namedRows, promisedOutput } from './markdown.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8')
const PROGRAM = path.join(ROOT, 'dist/tools/flotilla.js')
const STORES = ['s1', 's2', 's3']
const READY_MS_MAX = 60_000
const run = promisify(execFile)

const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-readme-'))
const nodes: RunningNode[] = []
let broker: Broker | undefined
let addresses: Readonly<Record<string, string>> = {}

/** Three stores in this process, over a broker: what `npm start` runs, on free ports. */
before(async () => {
  assert.ok(existsSync(PROGRAM), 'the build is missing: npm run build')
  // A project of its own, whatever lies in the directories above.
  writeFileSync(path.join(directory, 'package.json'), '{ "private": true }')
  mkdirSync(path.join(directory, 'node_modules'))
  symlinkSync(ROOT, path.join(directory, 'node_modules', 'flotilla'))
  broker = await startBroker({ host: '127.0.0.1', port: 0 })
  const ports = [await freePort(), await freePort(), await freePort()]
  const configs = STORES.map((id, index) =>
    configOf({
      'store.id': id,
      'store.dir': path.join(directory, id),
      'transport.servers': broker?.url ?? '',
      'transport.embedded': 'false',
      'gateway.listen': `127.0.0.1:${ports[index]}`,
      'observability.log.level': 'error',
    }),
  )
  nodes.push(...(await Promise.all(configs.map((config) => startNode(config)))))
  await poll('every store can serve', READY_MS_MAX, () => nodes.every((node) => node.notReady().length === 0))
  addresses = {
    '127.0.0.1:8080': `127.0.0.1:${ports[0]}`,
    '127.0.0.1:8081': `127.0.0.1:${ports[1]}`,
    '127.0.0.1:8082': `127.0.0.1:${ports[2]}`,
    'nats://127.0.0.1:4222': broker.url,
  }
})

after(async () => {
  await Promise.all(nodes.map((node) => node.stop()))
  await broker?.stop()
  rmSync(directory, { recursive: true, force: true })
})

function configOf(flags: Readonly<Record<string, string>>) {
  const loaded = loadConfig({ flags, env: {} })
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.errors.join('\n'))
  return loaded.config
}

function withAddresses(text: string): string {
  return Object.entries(addresses).reduce((result, [ours, theirs]) => result.replaceAll(ours, theirs), text)
}

/** Lines of shell blocks that begin with one program. */
function commandsOf(program: string): string[] {
  return codeBlocks(README, 'sh')
    .flatMap((block) => block.split('\n'))
    .filter((line) => line.startsWith(`${program} `))
}

describe('the programs of the README', () => {
  const scripts = codeBlocks(README, 'js')

  it('are there', () => assert.ok(scripts.length >= 3, `${scripts.length} programs`))

  for (const script of scripts) {
    const name = /^\/\/ (\S+\.mjs)$/m.exec(script)?.[1] ?? 'unnamed'
    it(`${name} prints what it promises`, async () => {
      const file = path.join(directory, name)
      writeFileSync(file, withAddresses(script))
      const { stdout, stderr } = await run(process.execPath, [file], { cwd: directory, timeout: 60_000 })
      const promised = promisedOutput(script)
      assert.ok(promised.length > 0, 'it promises nothing')
      assert.equal(stderr, '')
      assert.deepEqual(stdout.trimEnd().split('\n'), promised)
    })
  }
})

describe('the configurations of the README', () => {
  for (const [index, text] of codeBlocks(README, 'yaml').entries()) {
    it(`number ${index + 1} loads without a warning`, () => {
      const file = path.join(directory, `readme-${index}.yaml`)
      writeFileSync(file, text)
      const loaded = loadConfig({ file, env: {} })
      assert.ok(loaded.ok, loaded.ok ? '' : loaded.errors.join('\n'))
      assert.deepEqual([...loaded.warnings], [])
    })
  }

  it('show every setting with its default', () => {
    const rows = namedRows(README)
    for (const setting of SETTINGS.values()) {
      const [shown = ''] = rows.get(setting.name) ?? []
      if (setting.default === undefined) {
        assert.doesNotMatch(shown, /^`[^`]*`$/, `${setting.name} has no default of its own`)
        continue
      }
      const printed = setting.leaf.print === undefined ? setting.default : setting.leaf.print(setting.default)
      assert.equal(shown, `\`${asYaml(printed)}\``, setting.name)
    }
  })
})

function asYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`
  return typeof value === 'string' ? value : JSON.stringify(value)
}

describe('the commands of the README', () => {
  it('over HTTP are answered as it says', async (context) => {
    const hasCurl = await run('curl', ['--version']).then(
      () => true,
      () => false,
    )
    if (!hasCurl) {
      context.skip('there is no curl on this machine')
      return
    }
    const commands = commandsOf('curl')
    assert.ok(commands.length >= 15, `${commands.length} commands`)
    for (const command of commands) {
      const { stdout } = await run('sh', ['-c', `${withAddresses(command)} -sS -o /dev/null -w '%{http_code}'`], {
        cwd: ROOT,
      })
      const isRefused = /If-None-Match|If-Match/.test(command)
      assert.match(stdout, isRefused ? /^412$/ : /^20[0-4]$/, `${command} answers ${stdout}`)
    }
  })

  it('of the command line succeed', async () => {
    const env = { ...process.env, FLOTILLA_ENDPOINT: withAddresses('http://127.0.0.1:8080') }
    const commands = commandsOf('flotilla').filter((command) => !command.includes('/etc/'))
    assert.ok(commands.length >= 6, `${commands.length} commands`)
    for (const command of commands) {
      const words = command.replace(/^flotilla/, `"${process.execPath}" "${PROGRAM}"`)
      await assert.doesNotReject(run('sh', ['-c', words], { cwd: ROOT, env }), command)
    }
  })
})
