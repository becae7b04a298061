/**
 * Real processes killed with SIGKILL in the middle of writes, flushes and installs, and copies of their directory taken while they were stopped: whatever is
 * found afterwards must be a state that each group really had, and not older than what the process was told is durable.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { DataEngine, DataStore } from '../../../src/storage/index.ts'
import { GROUPS, HISTORY_ROUNDS, INSTALLED_RECORDS, KEYS_PER_GROUP } from './kill-child.ts'
import { engines, openStore, temporaryDirectory, text } from './support.ts'

const CHILD = fileURLToPath(new URL('./kill-child.ts', import.meta.url))

class Victim {
  readonly child: ChildProcess
  #output = ''

  constructor(engine: DataEngine, work: string) {
    const args = ['--import', 'tsx', CHILD, JSON.stringify(engine), work]
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.child.stdout?.on('data', (data: Buffer) => {
      this.#output += data.toString()
    })
  }

  /** The last word of the last whole line. */
  get said(): string | undefined {
    return this.#output.slice(0, this.#output.lastIndexOf('\n')).split('\n').at(-1)?.split(' ').at(-1)
  }

  /** Waits until it has said so many lines, then a little longer. */
  async until(lines: number, delayMs: number): Promise<void> {
    while (this.#output.split('\n').length <= lines) {
      assert.equal(this.child.exitCode, null, 'the child works until it is killed')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await new Promise((resolve) => setTimeout(resolve, delayMs))
  }

  async stop(): Promise<void> {
    this.child.kill('SIGSTOP')
    const status = `/proc/${this.child.pid}/stat`
    while (!/\) T/.test(readFileSync(status, 'utf8'))) await new Promise((resolve) => setTimeout(resolve, 1))
  }

  async kill(): Promise<void> {
    const closed = once(this.child, 'close')
    this.child.kill('SIGKILL')
    await closed
  }
}

async function checkRounds(store: DataStore, durable: number): Promise<void> {
  const rounds: number[] = []
  for (const group of GROUPS) {
    const round = Number(text(store.state(group)))
    rounds.push(round)
    assert.ok(round >= durable, `group ${group} is at ${round}, and ${durable} was durable`)
    const keys = Array.from({ length: KEYS_PER_GROUP }, (_, i) => `${group}-key-${i}`)
    const values = await store.getMany(keys)
    for (const value of values) assert.equal(text(value)?.split(' ')[0], String(round))
    const history = await store.scan({
      start: `${group}-round-`,
      end: `${group}-round-~`,
      reverse: false,
      itemsMax: 1000,
      bytesMax: 1 << 24,
      keysOnly: false,
    })
    const found = history.items.map(({ key }) => Number(key.split('-')[2])).sort((a, b) => a - b)
    const first = Math.max(1, round - HISTORY_ROUNDS + 1)
    assert.deepEqual(
      found,
      Array.from({ length: round - first + 1 }, (_, i) => first + i),
    )
  }
}

for (const engine of engines) {
  if (engine.name === 'memory') continue
  const skip = engine.missing ?? false

  test(`kill -9 in the middle of flushes leaves a state each group had (${engine.name})`, { skip }, async () => {
    const where = engine.place()
    for (let life = 0; life < 4; life++) {
      const victim = new Victim(where, 'flush')
      try {
        await victim.until(5 + life * 7, life * 3)
      } finally {
        await victim.kill()
      }
      const store = await openStore(where)
      await checkRounds(store, Number(victim.said))
      await store.close()
    }
  })

  test(`a copy of the directory taken in the middle of writes is consistent (${engine.name})`, { skip }, async () => {
    const where = engine.place()
    assert.ok(where.kind !== 'memory')
    const victim = new Victim(where, 'flush')
    try {
      for (let copy = 0; copy < 3; copy++) {
        await victim.until(10 * (copy + 1), copy * 7)
        await victim.stop()
        const durable = Number(victim.said)
        const directory = path.join(temporaryDirectory(), 'copy')
        cpSync(where.directory, directory, { recursive: true })
        victim.child.kill('SIGCONT')
        const store = await openStore({ ...where, directory })
        await checkRounds(store, durable)
        await store.close()
      }
    } finally {
      await victim.kill()
    }
  })

  test(`kill -9 in the middle of installs leaves one snapshot or the other (${engine.name})`, { skip }, async () => {
    const where = engine.place()
    const letters = new Set<string>()
    for (let life = 0; life < 4; life++) {
      const victim = new Victim(where, 'install')
      try {
        await victim.until(2 + life, life * 23)
      } finally {
        await victim.kill()
      }
      const store = await openStore(where)
      assert.deepEqual(store.damaged(), [])
      const page = await store.scan({
        start: 'x',
        end: 'y',
        reverse: false,
        itemsMax: 100_000,
        bytesMax: 1 << 26,
        keysOnly: false,
      })
      const found = new Map<string, number>()
      for (const { key, value } of page.items) {
        assert.equal(text(value), key[1])
        found.set(key[1] ?? '', (found.get(key[1] ?? '') ?? 0) + 1)
        letters.add(key[1] ?? '')
      }
      // An install leaves one letter; after that the other group may have written its own records, all of them or none.
      for (const [letter, count] of found) assert.equal(count, INSTALLED_RECORDS, `records of ${letter}`)
      assert.ok(found.size === 1 || found.size === 2)
      await store.close()
    }
    assert.ok(letters.size > 0)
  })
}
