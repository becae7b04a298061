/**
 * Holds the core to recorded data: quorum arithmetic and membership changes byte for byte, message traces by protocol. The
 * data stays outside of the project; FLOTILLA_CONFORMANCE_DIR names its folder.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { ConfchangeHarness } from './harness/confchange-harness.ts'
import { type Directive, parseDataFile, withFinalLineFeed } from './harness/data-file.ts'
import { shownText } from './harness/format.ts'
import { InteractionHarness } from './harness/interaction.ts'
import { protocolText } from './harness/protocol-compare.ts'
import { runQuorumDirective } from './harness/quorum-harness.ts'
import { parseMessage } from './harness/transcript-parser.ts'

const DEFAULT_FOLDER = resolve(import.meta.dirname, '../../../shared/conformance')
const NAMED_FOLDER = process.env.FLOTILLA_CONFORMANCE_DIR
const PARENT_FOLDER = NAMED_FOLDER ?? DEFAULT_FOLDER
const HOW = 'set FLOTILLA_CONFORMANCE_DIR to the folder that holds quorum/, confchange/ and interaction/'
/** The data, or a folder with them in `data`. */
const folder = [PARENT_FOLDER, join(PARENT_FOLDER, 'data')].find((path) => existsSync(join(path, 'quorum')))

type Runner = (directive: Directive) => string
const exact = (text: string) => text

const SUITES: readonly { name: string; normalize: (text: string) => string; start: () => Runner }[] = [
  { name: 'quorum', normalize: exact, start: () => runQuorumDirective },
  {
    name: 'confchange',
    normalize: exact,
    start: () => {
      const harness = new ConfchangeHarness()
      return (directive) => harness.run(directive)
    },
  },
  {
    name: 'interaction',
    normalize: protocolText,
    start: () => {
      const harness = new InteractionHarness()
      return (directive) => harness.run(directive)
    },
  },
]

function filesOf(suiteFolder: string): readonly string[] {
  return readdirSync(suiteFolder)
    .filter((name) => name.endsWith('.txt'))
    .sort()
}

if (folder === undefined) {
  const skip = NAMED_FOLDER === undefined ? `no data: ${DEFAULT_FOLDER} holds none; ${HOW}` : false
  test('conformance data', { skip }, () => assert.fail(`no data in ${NAMED_FOLDER}; ${HOW}`))
} else {
  for (const suite of SUITES) {
    describe(suite.name, () => {
      const files = filesOf(join(folder, suite.name))
      test(`${suite.name} has data`, () => assert.ok(files.length > 0))
      for (const name of files) {
        test(`${suite.name}/${name}`, () => {
          const directives = parseDataFile(readFileSync(join(folder, suite.name, name), 'utf8'))
          assert.ok(directives.length > 0, 'the file holds no directive')
          const run = suite.start()
          for (const directive of directives) {
            const actual = suite.normalize(withFinalLineFeed(run(directive)))
            const expected = suite.normalize(directive.expected)
            assert.equal(actual, expected, `${name}:${directive.line}: ${directive.text}`)
          }
        })
      }
    })
  }

  test('every message of the traces is printed as it is written there', () => {
    let count = 0
    for (const name of filesOf(join(folder, 'interaction'))) {
      for (const directive of parseDataFile(readFileSync(join(folder, 'interaction', name), 'utf8'))) {
        const lines = directive.expected.split('\n').map((line) => line.replace(/^dropped: /, ''))
        for (let at = 0; at < lines.length; ) {
          const parsed = parseMessage(lines, at)
          if (parsed === undefined) {
            assert.ok(!/\w+->\w+ Msg/.test(lines[at] as string), `${name}:${directive.line}: unread: ${lines[at]}`)
            at += 1
            continue
          }
          const written = lines.slice(at, at + parsed.lines).join('\n')
          const indent = ' '.repeat(written.length - written.trimStart().length)
          assert.equal(shownText(parsed.message, indent), written, `${name}:${directive.line}`)
          count += 1
          at += parsed.lines
        }
      }
    }
    assert.ok(count > 0 || filesOf('interaction').length === 0, 'no message was found')
  })
}
