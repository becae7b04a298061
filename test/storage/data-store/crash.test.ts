/**
 * Crashes of the memory engine at every durable write: flushes, installs, destructions. The disk is cut off after each possible number of commits, and the
 * store that opens next must find each group at a state of its own. Real processes are killed in `kill.test.ts`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DataStore, DataStoreError, MemoryDisk, openDataStore } from '../../../src/storage/index.ts'
import { testClock } from './clock.ts'
import { bytes, openStore, text, withCode } from './support.ts'

const ALL = { start: '', end: undefined }

/** Commits happen until the allowance is used up; what comes later waits for the crash. */
class CutDisk {
  allowance = Number.POSITIVE_INFINITY
  commits = 0
  readonly disk = new MemoryDisk({
    schedule: (commit) => {
      if (this.commits >= this.allowance) return
      this.commits++
      commit()
    },
  })

  /** Lets `commits` more happen. */
  cutAfter(commits: number): void {
    this.commits = 0
    this.allowance = commits
  }

  async crashAndOpen(): Promise<DataStore> {
    this.disk.crash()
    this.cutAfter(Number.POSITIVE_INFINITY)
    return await openStore({ kind: 'memory', disk: this.disk })
  }
}

async function settle(turns = 50): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise(setImmediate)
}

async function dump(store: DataStore): Promise<string> {
  const page = await store.scan({ ...ALL, reverse: false, itemsMax: 10_000, bytesMax: 1 << 24, keysOnly: false })
  return page.items.map(({ key, value }) => `${key}=${text(value)}`).join(' ')
}

async function snapshotOf(records: Record<string, string>): Promise<Uint8Array[]> {
  const store = await openStore({ kind: 'memory', disk: new MemoryDisk() })
  for (const [key, value] of Object.entries(records)) store.put(7, key, bytes(value))
  store.setState(7, bytes('exported'))
  const snapshot = store.exportSnapshot(7, ALL)
  const chunks: Uint8Array[] = []
  for (let chunk = await snapshot.next(); chunk !== undefined; chunk = await snapshot.next()) chunks.push(chunk)
  await store.close()
  return chunks
}

test('a crash before, during or after a flush leaves each group at a state of its own', async () => {
  for (let cut = 0; cut <= 4; cut++) {
    const cutDisk = new CutDisk()
    const store = await openStore({ kind: 'memory', disk: cutDisk.disk })
    cutDisk.cutAfter(cut)
    for (let round = 1; round <= 4; round++) {
      for (const group of [7, 9]) {
        for (let i = 0; i < 3000; i += 1000) store.put(group, `${group}-${i}`, bytes(String(round)))
        store.setState(group, bytes(String(round)))
        store.put(group, `${group}-0`, bytes('uncovered'))
      }
      await Promise.race([store.flush(), settle()])
    }
    const after = await cutDisk.crashAndOpen()
    for (const group of [7, 9]) {
      assert.equal(text(after.state(group)), cut === 0 ? undefined : String(cut))
    }
    const value = String(cut)
    const expected = cut === 0 ? '' : [7, 9].flatMap((g) => [0, 1000, 2000].map((i) => `${g}-${i}=${value}`)).join(' ')
    assert.equal(await dump(after), expected)
    await after.close()
  }
})

test('a crash at each step of an install leaves the old state or the new one, never a mixture', async () => {
  const records: Record<string, string> = {}
  for (let i = 10_000; i < 14_000; i++) records[`k${i}`] = 'new'
  const chunks = await snapshotOf(records)
  const installed = Object.entries(records)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
  const seen = new Set<string | undefined>()
  let complete = false
  for (let cut = 0; !complete; cut++) {
    assert.ok(cut < 100, 'an install ends')
    const cutDisk = new CutDisk()
    const store = await openStore({ kind: 'memory', disk: cutDisk.disk })
    for (let i = 12_500; i < 16_000; i++) store.put(7, `k${i}`, bytes('old'))
    store.setState(7, bytes('old'))
    store.put(9, 'a', bytes('stays'))
    store.setState(9, bytes('nine'))
    await store.flush()
    const old = await dump(store)
    store.put(7, 'k0', bytes('unflushed'))
    store.setState(7, bytes('unflushed'))
    const receiving = store.importSnapshot(7)
    for (const chunk of chunks) await receiving.write(chunk)
    cutDisk.cutAfter(cut)
    const installing = (async () => {
      await receiving.finish()
      await receiving.install({ start: 'k', end: 'l' }, bytes('new'))
      complete = true
    })()
    await Promise.race([installing, settle(200)])
    // A crash in the middle of redoing it must not matter either.
    for (const redoCut of [1, 2, 5, undefined]) {
      cutDisk.disk.crash()
      cutDisk.cutAfter(redoCut ?? Number.POSITIVE_INFINITY)
      const opening = openStore({ kind: 'memory', disk: cutDisk.disk })
      if (redoCut !== undefined) {
        await Promise.race([opening, settle(100)])
        continue
      }
      const after = await opening
      const state = text(after.state(7))
      seen.add(state)
      assert.equal(await dump(after), state === 'new' ? `a=stays ${installed}` : old)
      assert.ok(state === 'new' || state === 'old', `state ${state}`)
      assert.equal(text(after.state(9)), 'nine')
      assert.deepEqual([...cutDisk.disk.files.keys()], [])
      await after.close()
    }
  }
  assert.deepEqual([...seen].sort(), ['new', 'old'])
})

for (const tombstone of [undefined, bytes('here lies seven')]) {
  const what = tombstone === undefined ? 'gone' : 'a tombstone'
  test(`a crash at each step of a destruction leaves the group whole or ${what}`, () => crashDestroying(tombstone))
}

async function crashDestroying(tombstone: Uint8Array | undefined): Promise<void> {
  const seen = new Set<boolean>()
  let complete = false
  for (let cut = 0; !complete; cut++) {
    assert.ok(cut < 100, 'a destruction ends')
    const cutDisk = new CutDisk()
    const store = await openStore({ kind: 'memory', disk: cutDisk.disk })
    for (let i = 0; i < 3000; i++) store.put(7, `k${i}`, bytes('1'))
    store.setState(7, bytes('seven'))
    store.put(9, 'x', bytes('stays'))
    store.setState(9, bytes('nine'))
    await store.flush()
    const whole = await dump(store)
    cutDisk.cutAfter(cut)
    const destroying = store.destroyGroup(7, { start: 'k', end: 'l' }, tombstone).then(() => {
      complete = true
    })
    await Promise.race([destroying, settle(200)])
    const after = await cutDisk.crashAndOpen()
    const state = text(after.state(7))
    const alive = state === 'seven'
    assert.equal(state, alive ? 'seven' : text(tombstone))
    assert.equal(text(after.durableState(7)), state)
    seen.add(alive)
    assert.equal(await dump(after), alive ? whole : 'x=stays')
    assert.equal(text(after.state(9)), 'nine')
    await after.close()
  }
  assert.deepEqual([...seen].sort(), [false, true])
}

test('an install that cannot be redone costs its group, not the store, and can be repaired', async () => {
  for (const repair of ['install', 'destroy'] as const) {
    const chunks = await snapshotOf({ a: 'new', b: 'new' })
    const cutDisk = new CutDisk()
    const store = await openStore({ kind: 'memory', disk: cutDisk.disk })
    store.put(7, 'a', bytes('old'))
    store.setState(7, bytes('old'))
    store.put(9, 'x', bytes('stays'))
    store.setState(9, bytes('nine'))
    await store.flush()
    const receiving = store.importSnapshot(7)
    for (const chunk of chunks) await receiving.write(chunk)
    await receiving.finish()
    cutDisk.cutAfter(2)
    void receiving.install({ start: '', end: 'm' }, bytes('new'))
    await settle()
    const [file] = [...cutDisk.disk.files.values()]
    assert.ok(file !== undefined)
    file.bytes = Buffer.from(file.bytes)
    file.bytes[60] = (file.bytes[60] ?? 0) ^ 1

    for (let opening = 0; opening < 2; opening++) {
      const damaged = await cutDisk.crashAndOpen()
      assert.deepEqual(
        damaged.damaged().map(({ group }) => group),
        [7],
      )
      assert.match(damaged.damaged()[0]?.reason ?? '', /damaged/)
      assert.equal(damaged.state(7), undefined)
      assert.deepEqual([...damaged.groups()], [9])
      assert.equal(text((await damaged.getMany(['x']))[0]), 'stays')
      assert.throws(() => damaged.setState(7, bytes('x')), /group 7 is damaged/)
      if (opening === 0) continue
      if (repair === 'destroy') {
        await damaged.destroyGroup(7, { start: '', end: 'm' })
      } else {
        const again = damaged.importSnapshot(7)
        for (const chunk of chunks) await again.write(chunk)
        await again.finish()
        await again.install({ start: '', end: 'm' }, bytes('repaired'))
      }
      assert.deepEqual(damaged.damaged(), [])
    }
    const after = await cutDisk.crashAndOpen()
    assert.deepEqual(after.damaged(), [])
    assert.equal(await dump(after), repair === 'destroy' ? 'x=stays' : 'a=new b=new x=stays')
    assert.equal(text(after.state(7)), repair === 'destroy' ? undefined : 'repaired')
    assert.deepEqual([...cutDisk.disk.files.keys()], [])
    await after.close()
  }
})

test('a failed flush is fatal, reported once, and never retried', async () => {
  for (const code of ['DISK_FULL', 'IO_ERROR'] as const) {
    let failing = false
    let asked = 0
    const disk = new MemoryDisk({
      fault: () => {
        if (!failing) return undefined
        asked++
        return new DataStoreError(code, 'the disk said no')
      },
    })
    const fatal: DataStoreError[] = []
    const store = await openDataStore({
      engine: { kind: 'memory', disk },
      overlayBytes: 1 << 20,
      clock: testClock,
      onFatal: (error) => fatal.push(error),
    })
    store.put(7, 'a', bytes('1'))
    store.setState(7, bytes('one'))
    await store.flush()
    failing = true
    store.put(7, 'a', bytes('2'))
    store.setState(7, bytes('two'))
    const first = store.flush()
    store.setState(7, bytes('three'))
    const queued = store.flush()
    await assert.rejects(first, withCode(code))
    await assert.rejects(queued, withCode(code))
    failing = false
    await assert.rejects(store.flush(), withCode(code))
    await assert.rejects(store.destroyGroup(7, ALL), withCode(code))
    await assert.rejects(store.exportSnapshot(7, ALL).next(), withCode(code))
    assert.deepEqual(
      fatal.map((error) => error.code),
      [code],
    )
    assert.equal(asked, 1)
    assert.equal(text(store.durableState(7)), 'one')
    assert.equal(text(store.peek('a')), '2')
    await store.close()
    const after = await openStore({ kind: 'memory', disk })
    assert.equal(await dump(after), 'a=1')
    await after.close()
  }
})
