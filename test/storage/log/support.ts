import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { type Random, silentLogger } from '../../../src/base/index.ts'
import type { Entry, HardState } from '../../../src/raft/index.ts'
import {
  type FileSystem,
  type GroupLog,
  type LogStore,
  type LogStoreError,
  MemoryFiles,
  openSegmentLog,
} from '../../../src/storage/index.ts'

/** What the tests of the log share: entries, seeded randomness, clocks that run at once or on command, pictures of a log. */
export function seededRandom(seed: number): Random {
  let state = (seed ^ 0x9e37_79b9) >>> 0
  return {
    below(bound: number): number {
      state = (state + 0x6d2b_79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
    },
  }
}

export const promptClock = {
  soon: (run: () => void): void => queueMicrotask(run),
  after: (_delayMs: number, run: () => void): { cancel(): void } => {
    queueMicrotask(run)
    return { cancel() {} }
  },
}

/** Reports wait until `run` is called. */
export class ManualClock {
  #waiting: (() => void)[] = []

  readonly soon = (run: () => void): void => {
    this.#waiting.push(run)
  }

  readonly after = (_delayMs: number, run: () => void): { cancel(): void } => {
    this.#waiting.push(run)
    return { cancel() {} }
  }

  run(): void {
    const due = this.#waiting
    this.#waiting = []
    for (const run of due) run()
  }
}

export function memoryFiles(seed: number): MemoryFiles {
  return new MemoryFiles({ random: seededRandom(seed), clock: promptClock })
}

export function openLog(files: FileSystem, segmentBytes = 64 * 1024, cacheBytes = 1024 * 1024): LogStore {
  return openSegmentLog({ files, segmentBytes, cacheBytes, random: seededRandom(7), logger: silentLogger })
}

export function temporaryDirectory(context: Pick<TestContext, 'after'>): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'flotilla-log-'))
  context.after(() => fs.rmSync(directory, { recursive: true, force: true }))
  return directory
}

export function sync(log: LogStore): Promise<void> {
  return new Promise((resolve, reject) => {
    log.sync((error) => (error === undefined ? resolve() : reject(error)))
  })
}

export function syncOutcome(log: LogStore): Promise<LogStoreError | undefined> {
  return new Promise((resolve) => log.sync(resolve))
}

/** Entries `from` to `to`, each with data that says which it is. */
export function entriesOf(from: number, to: number, term = 1, dataBytes = 20): Entry[] {
  const entries: Entry[] = []
  for (let index = from; index <= to; index++) {
    const data = Buffer.alloc(dataBytes, `${index}/${term};`)
    entries.push({ index, term, type: index % 7 === 0 ? 'membership' : 'normal', data })
  }
  return entries
}

export function hardState(term: number, votedFor: number, commitIndex: number): HardState {
  return { term, votedFor, commitIndex }
}

export interface LogPicture {
  readonly replica: number
  readonly first: number
  readonly last: number
  readonly startTerm: number | string
  readonly bytes: number
  readonly hardState: HardState
  readonly entries: readonly string[]
}

export function describeEntry(entry: Entry): string {
  return `${entry.index}@${entry.term} ${entry.type} ${Buffer.from(entry.data).toString('latin1')}`
}

/** Everything a log says about itself, read through its public face. */
export function picture(log: GroupLog): LogPicture {
  const first = log.firstIndex()
  const last = log.lastIndex()
  const entries = first > last ? [] : log.entries(first, last + 1, Number.POSITIVE_INFINITY)
  assert(typeof entries !== 'string', `entries [${first}, ${last}] are ${String(entries)}`)
  for (const entry of entries) assert.equal(log.term(entry.index), entry.term)
  return {
    replica: log.replica,
    first,
    last,
    startTerm: log.term(first - 1),
    bytes: log.bytes,
    hardState: { ...log.hardState },
    entries: entries.map(describeEntry),
  }
}

export function pictures(log: LogStore): Record<string, LogPicture> {
  const all: Record<string, LogPicture> = {}
  for (const group of [...log.groups().keys()].sort((a, b) => a - b)) {
    const found = log.groups().get(group)
    assert(found !== undefined)
    all[group] = picture(found)
  }
  return all
}

export function damagedGroups(log: LogStore): number[] {
  return log
    .damaged()
    .map((damaged) => damaged.group)
    .sort((a, b) => a - b)
}

export function segmentFiles(files: FileSystem): string[] {
  return files
    .list('log')
    .sort()
    .map((name) => `log/${name}`)
}
