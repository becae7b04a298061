import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { AssertionFailure } from '../../../src/base/index.ts'
import { type LogStore, LogStoreError } from '../../../src/storage/index.ts'
import { describeEntry, entriesOf, hardState, picture, pictures, sync, syncOutcome } from './support.ts'

/**
 * What every LogStore promises, run on every adapter. An adapter that forgets everything when it is closed says so in
 * `volatileBecause`, and the tests of reopening are skipped with that reason.
 */
export interface LogStoreAdapter {
  readonly name: string
  readonly volatileBecause?: string
  /** Prepares a place and returns how to open it, again and again, with small segments and a cache of `cacheBytes`. */
  prepare(context: TestContext, cacheBytes: number): () => LogStore
}

export function logStoreConformance(adapter: LogStoreAdapter): void {
  const { name } = adapter
  const durable = adapter.volatileBecause === undefined ? {} : { skip: adapter.volatileBecause }

  for (const cacheBytes of [0, 1024 * 1024]) {
    const label = `${name}, cache ${cacheBytes}`

    test(`${label}: a new store is empty and clean`, async (context) => {
      const log = adapter.prepare(context, cacheBytes)()
      assert.equal(log.groups().size, 0)
      assert.deepEqual(log.damaged(), [])
      assert.equal(log.dirty, false)
      await log.close()
    })

    test(`${label}: a new log starts behind its start`, async (context) => {
      const log = adapter.prepare(context, cacheBytes)()
      const group = log.create(3, 30, { index: 10, term: 4 })
      assert.equal(log.dirty, true)
      assert.equal(log.groups().get(3), group)
      assert.deepEqual(picture(group), {
        replica: 30,
        first: 11,
        last: 10,
        startTerm: 4,
        bytes: 0,
        hardState: hardState(0, 0, 0),
        entries: [],
      })
      assert.equal(group.term(9), 'compacted')
      assert.equal(group.term(11), 'unavailable')
      assert.equal(group.snapshot(), undefined)
      const membership = { voters: [1], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false }
      group.describeSnapshotsWith(() => ({ index: 10, term: 4, membership }))
      assert.deepEqual(group.snapshot(), { index: 10, term: 4, membership })
      await sync(log)
      assert.equal(log.dirty, false)
      await log.close()
    })

    test(`${label}: what is appended is there at once, and after a sync`, async (context) => {
      const log = adapter.prepare(context, cacheBytes)()
      const group = log.create(1, 1, { index: 0, term: 0 })
      const entries = entriesOf(1, 50)
      group.append(entries.slice(0, 20), hardState(1, 1, 5))
      group.append(entries.slice(20), undefined)
      const expected = entries.map(describeEntry)
      assert.deepEqual(picture(group).entries, expected)
      await sync(log)
      assert.deepEqual(picture(group).entries, expected)
      assert.equal(group.bytes, 50 * 20)
      assert.deepEqual(group.hardState, hardState(1, 1, 5))
      assert.equal(log.stats().entriesAppended, 50)
      await log.close()
    })

    test(`${label}: entries are cut to bytesMax, but never to none`, async (context) => {
      const log = adapter.prepare(context, cacheBytes)()
      const group = log.create(1, 1, { index: 0, term: 0 })
      group.append(entriesOf(1, 10, 1, 100), undefined)
      for (let round = 0; round < 2; round++) {
        const indexes = (low: number, high: number, bytesMax: number): number[] | string => {
          const found = group.entries(low, high, bytesMax)
          return typeof found === 'string' ? found : found.map((entry) => entry.index)
        }
        assert.deepEqual(indexes(3, 8, 0), [3])
        assert.deepEqual(indexes(3, 8, 199), [3])
        assert.deepEqual(indexes(3, 8, 200), [3, 4])
        assert.deepEqual(indexes(3, 8, 10_000), [3, 4, 5, 6, 7])
        assert.deepEqual(indexes(3, 3, 10_000), [])
        assert.deepEqual(indexes(0, 3, 10_000), 'compacted')
        assert.deepEqual(indexes(9, 12, 10_000), 'unavailable')
        assert.deepEqual(indexes(11, 11, 10_000), [])
        await sync(log)
      }
      await log.close()
    })

    test(`${label}: an append over stored entries cuts them`, async (context) => {
      const log = adapter.prepare(context, cacheBytes)()
      const group = log.create(1, 1, { index: 0, term: 0 })
      group.append(entriesOf(1, 10, 1), undefined)
      await sync(log)
      group.append(entriesOf(6, 7, 2), hardState(2, 0, 3))
      assert.equal(group.lastIndex(), 7)
      await sync(log)
      group.append(entriesOf(7, 9, 3, 5), undefined)
      const expected = [...entriesOf(1, 5, 1), ...entriesOf(6, 6, 2), ...entriesOf(7, 9, 3, 5)]
      assert.deepEqual(picture(group).entries, expected.map(describeEntry))
      assert.equal(group.bytes, 6 * 20 + 3 * 5)
      await sync(log)
      group.append(entriesOf(1, 1, 4), undefined)
      assert.deepEqual(picture(group).entries, entriesOf(1, 1, 4).map(describeEntry))
      await log.close()
    })

    test(`${label}: compaction forgets entries and keeps the term before the first`, async (context) => {
      const log = adapter.prepare(context, cacheBytes)()
      const group = log.create(1, 1, { index: 0, term: 0 })
      group.append([...entriesOf(1, 4, 1), ...entriesOf(5, 9, 2)], hardState(2, 1, 9))
      await sync(log)
      group.compact(6)
      assert.equal(group.firstIndex(), 7)
      assert.equal(group.term(6), 2)
      assert.equal(group.term(5), 'compacted')
      assert.equal(group.entries(6, 8, 1000), 'compacted')
      assert.deepEqual(picture(group).entries, entriesOf(7, 9, 2).map(describeEntry))
      assert.equal(group.bytes, 60)
      group.compact(9)
      assert.equal(group.lastIndex(), 9)
      assert.equal(group.bytes, 0)
      group.append(entriesOf(10, 11, 3), undefined)
      await sync(log)
      assert.deepEqual(picture(group).entries, entriesOf(10, 11, 3).map(describeEntry))
      await log.close()
    })

    test(`${label}: a reset forgets all entries and keeps the hard state`, async (context) => {
      const log = adapter.prepare(context, cacheBytes)()
      const group = log.create(1, 1, { index: 0, term: 0 })
      group.append(entriesOf(1, 9, 1), hardState(5, 2, 9))
      group.reset(100, 5)
      assert.equal(group.lastIndex(), 100)
      assert.equal(group.term(100), 5)
      assert.equal(group.bytes, 0)
      assert.deepEqual(group.hardState, hardState(5, 2, 9))
      group.append(entriesOf(101, 103, 5), undefined)
      await sync(log)
      assert.deepEqual(picture(group).entries, entriesOf(101, 103, 5).map(describeEntry))
      await log.close()
    })

    test(`${label}: an entry may be empty or large`, async (context) => {
      const log = adapter.prepare(context, cacheBytes)()
      const group = log.create(1, 1, { index: 0, term: 0 })
      const sizes = [0, 1, 4 * 1024 * 1024, 300 * 1024, 0]
      group.append(
        sizes.map((bytes, i) => ({
          index: i + 1,
          term: 1,
          type: 'membership-v1',
          data: new Uint8Array(bytes).fill(i),
        })),
        undefined,
      )
      await sync(log)
      const found = group.entries(1, 6, Number.POSITIVE_INFINITY)
      assert(typeof found !== 'string')
      assert.deepEqual(
        found.map((entry) => [entry.type, entry.data.length, entry.data[0]]),
        sizes.map((bytes, i) => ['membership-v1', bytes, bytes === 0 ? undefined : i]),
      )
      await log.close()
    })

    test(`${label}: what is buffered while a sync runs belongs to the next`, async (context) => {
      const log = adapter.prepare(context, cacheBytes)()
      const group = log.create(1, 1, { index: 0, term: 0 })
      let returned = false
      const first = new Promise<void>((resolve) => {
        log.sync(() => {
          assert.equal(returned, true, 'the report came before sync returned')
          resolve()
        })
        returned = true
      })
      group.append(entriesOf(1, 2), undefined)
      assert.equal(log.dirty, true)
      await first
      assert.equal(log.dirty, true)
      await sync(log)
      assert.equal(log.dirty, false)
      await sync(log)
      await log.close()
    })

    test(`${label}: programmer errors are assertions`, async (context) => {
      const log = adapter.prepare(context, cacheBytes)()
      const group = log.create(1, 1, { index: 5, term: 1 })
      group.append(entriesOf(6, 8), undefined)
      const refused = (run: () => void): void => assert.throws(run, AssertionFailure)
      refused(() => group.append(entriesOf(5, 6), undefined))
      refused(() => group.append(entriesOf(10, 10), undefined))
      refused(() => group.append([...entriesOf(9, 9), ...entriesOf(11, 11)], undefined))
      refused(() => group.compact(5))
      refused(() => group.compact(9))
      refused(() => log.create(1, 2, { index: 0, term: 0 }))
      refused(() => log.create(-1, 2, { index: 0, term: 0 }))
      refused(() => log.destroy(2))
      const running = sync(log)
      refused(() => log.sync(() => {}))
      await running
      log.destroy(1)
      refused(() => group.append(entriesOf(9, 9), undefined))
      await log.close()
    })

    test(`${label}: after close, writes fail with CLOSED`, async (context) => {
      const log = adapter.prepare(context, cacheBytes)()
      const group = log.create(1, 1, { index: 0, term: 0 })
      await Promise.all([log.close(), log.close()])
      const isClosed = (error: unknown): boolean => error instanceof LogStoreError && error.code === 'CLOSED'
      assert.throws(() => group.append(entriesOf(1, 1), undefined), isClosed)
      assert.throws(() => log.create(2, 1, { index: 0, term: 0 }), isClosed)
      assert.equal((await syncOutcome(log))?.code, 'CLOSED')
    })

    test(`${label}: many groups share the log and come back after reopening`, durable, async (context) => {
      const open = adapter.prepare(context, cacheBytes)
      let log = open()
      for (let group = 1; group <= 20; group++) log.create(group, group * 10, { index: group, term: 1 })
      for (let round = 0; round < 30; round++) {
        for (const [group, one] of log.groups()) {
          if ((round + group) % 3 !== 0) continue
          const next = one.lastIndex() + 1
          one.append(entriesOf(next, next + (group % 4), round + 1, group * 7), hardState(round + 1, group, next - 1))
          if (round % 10 === 9) one.compact(next)
          if (group % 5 === 0 && round % 8 === 7)
            one.append(entriesOf(one.lastIndex(), one.lastIndex(), round + 2), undefined)
        }
        await sync(log)
        log.collectGarbage()
      }
      log.destroy(7)
      log.groups().get(9)?.reset(1000, 50)
      await sync(log)
      const before = pictures(log)
      assert.equal(Object.keys(before).length, 19)
      await log.close()

      log = open()
      assert.deepEqual(log.damaged(), [])
      assert.deepEqual(pictures(log), before)
      const again = log.create(7, 71, { index: 0, term: 0 })
      again.append(entriesOf(1, 3), undefined)
      for (const one of log.groups().values()) {
        const next = one.lastIndex() + 1
        one.append(entriesOf(next, next, 99), undefined)
      }
      await sync(log)
      const after = pictures(log)
      await log.close()
      log = open()
      assert.deepEqual(pictures(log), after)
      await log.close()
    })

    test(`${label}: close writes what was buffered`, durable, async (context) => {
      const open = adapter.prepare(context, cacheBytes)
      let log = open()
      log.create(1, 1, { index: 0, term: 0 })
      await sync(log)
      log.groups().get(1)?.append(entriesOf(1, 5), undefined)
      const before = pictures(log)
      await log.close()
      log = open()
      assert.deepEqual(pictures(log), before)
      await log.close()
    })
  }
}
