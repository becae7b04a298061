import process from 'node:process'
import { silentLogger } from '../../../src/base/index.ts'
import { NodeFiles, openSegmentLog } from '../../../src/storage/index.ts'
import { entriesOf, hardState, seededRandom } from './support.ts'

/**
 * A process that appends until it is killed and prints, after each sync, what was acknowledged: one line per group,
 * `group lastIndex commitIndex`. With `keep` it removes no segments. Run by process.test.ts.
 */
const [directory, segments] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: appending-process <directory> [keep]')
const log = openSegmentLog({
  files: new NodeFiles(directory),
  segmentBytes: 64 * 1024,
  random: seededRandom(process.pid),
  logger: silentLogger,
})
if (log.damaged().length > 0) throw new Error(`damaged: ${JSON.stringify(log.damaged())}`)
for (let group = 1; group <= 5; group++) if (!log.groups().has(group)) log.create(group, group, { index: 0, term: 0 })

let turns = 0
function turn(): void {
  turns++
  for (const [group, one] of log.groups()) {
    if ((turns + group) % 2 === 0) continue
    const next = one.lastIndex() + 1
    one.append(entriesOf(next, next + (turns % 20), 1, 100), hardState(1, group, next - 1))
    if (one.lastIndex() - one.firstIndex() > 300) one.compact(one.lastIndex() - 100)
  }
  if (turns % 8 === 0 && segments !== 'keep') log.collectGarbage()
  const acknowledged = [...log.groups()].map(
    ([group, one]) => `${group} ${one.lastIndex()} ${one.hardState.commitIndex}\n`,
  )
  log.sync((error) => {
    if (error !== undefined) throw error
    process.stdout.write(`${acknowledged.join('')}\n`)
    turn()
  })
}
turn()
