import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { type LogStore, NodeFiles } from '../../../src/storage/index.ts'
import { describeEntry, entriesOf, openLog, temporaryDirectory } from './support.ts'

/** Real processes on real files: what a killed process had acknowledged is there. */
const APPENDER = fileURLToPath(new URL('./appending-process.ts', import.meta.url))

interface Acknowledged {
  readonly last: number
  readonly commitIndex: number
}

class Appender {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  #output = ''
  #errors = ''
  #turns = 0

  constructor(directory: string, segments: 'collect' | 'keep') {
    this.#child = spawn(process.execPath, ['--import', 'tsx', APPENDER, directory, segments], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#exited = new Promise((resolve) => this.#child.on('close', () => resolve()))
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString()
      this.#turns = this.#output.split('\n\n').length - 1
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString()
    })
  }

  async untilTurns(turns: number): Promise<void> {
    for (let waits = 0; this.#turns < turns; waits++) {
      const { exitCode, signalCode } = this.#child
      assert(
        exitCode === null && signalCode === null,
        `the appender stopped (${exitCode ?? signalCode}): ${this.#errors}`,
      )
      assert(waits < 30_000, `the appender hangs after ${this.#turns} turns`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  acknowledged(): Map<number, Acknowledged> {
    const found = new Map<number, Acknowledged>()
    // The last line may be cut off by the kill; only whole turns count.
    for (const line of this.#output.slice(0, this.#output.lastIndexOf('\n\n') + 1).split('\n')) {
      const [group, last, commitIndex] = line.split(' ').map(Number)
      if (group && last !== undefined && commitIndex !== undefined) found.set(group, { last, commitIndex })
    }
    return found
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}

function checkHolds(log: LogStore, acknowledged: ReadonlyMap<number, Acknowledged>): void {
  assert.deepEqual(log.damaged(), [])
  for (const [group, { last, commitIndex }] of acknowledged) {
    const one = log.groups().get(group)
    assert(one !== undefined, `group ${group} is gone`)
    assert(one.lastIndex() >= last, `group ${group} ends at ${one.lastIndex()}, acknowledged were ${last}`)
    assert(one.hardState.commitIndex >= commitIndex)
    const entries = one.entries(one.firstIndex(), one.lastIndex() + 1, Number.POSITIVE_INFINITY)
    assert(typeof entries !== 'string')
    const expected = entriesOf(one.firstIndex(), one.lastIndex(), 1, 100).map(describeEntry)
    assert.deepEqual(entries.map(describeEntry), expected)
  }
}

test('what a killed process acknowledged is there, time after time', async (context) => {
  const directory = temporaryDirectory(context)
  for (const turns of [1, 40, 150]) {
    const appender = new Appender(directory, 'collect')
    await appender.untilTurns(turns)
    await appender.kill()
    const acknowledged = appender.acknowledged()
    assert.equal(acknowledged.size, 5)
    const log = openLog(new NodeFiles(directory))
    checkHolds(log, acknowledged)
    await log.close()
  }
})

test('a copy of the newest segment taken in the middle of writing holds what was acknowledged before', async (context) => {
  const directory = temporaryDirectory(context)
  const appender = new Appender(directory, 'keep')
  try {
    for (let copies = 1; copies <= 5; copies++) {
      await appender.untilTurns(copies * 3)
      const acknowledged = appender.acknowledged()
      const copy = temporaryDirectory(context)
      // Files are copied from old to new, so the copy is what a crash might leave. Not with copyFileSync: it spins for ever
      // when its source is cut meanwhile, as happens to the unused room of a segment that is full.
      fs.mkdirSync(path.join(copy, 'log'))
      for (const name of fs.readdirSync(path.join(directory, 'log')).sort()) {
        fs.writeFileSync(path.join(copy, 'log', name), fs.readFileSync(path.join(directory, 'log', name)))
      }
      const log = openLog(new NodeFiles(copy))
      checkHolds(log, acknowledged)
      await log.close()
    }
  } finally {
    await appender.kill()
  }
})
