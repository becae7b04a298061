import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { AssertionFailure } from '../../../src/base/index.ts'
import { type File, type FileSystem, MemoryFiles, NodeFiles } from '../../../src/storage/index.ts'
import { ManualClock, memoryFiles, seededRandom, temporaryDirectory } from './support.ts'

/** What the FileSystem port promises, on both adapters; then what the one in memory can lose. */
const adapters: { readonly name: string; readonly make: (context: TestContext) => FileSystem }[] = [
  { name: 'node files', make: (context) => new NodeFiles(temporaryDirectory(context)) },
  { name: 'memory files', make: () => memoryFiles(1) },
]

function append(file: File, ...texts: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    file.appendAndSync(
      texts.map((text) => Buffer.from(text)),
      (error) => (error === undefined ? resolve() : reject(error)),
    )
  })
}

function textOf(file: File, offset = 0, length = 1000): string {
  return Buffer.from(file.readSync(offset, length)).toString()
}

for (const { name, make } of adapters) {
  test(`${name}: appends, reads and reopens`, async (context) => {
    const files = make(context)
    files.makeDirectory('d')
    assert.deepEqual(files.list('d'), [])
    const file = files.open('d/a', 'append')
    await append(file, 'one ', 'two ')
    await append(file, 'three')
    assert.equal(file.size, 13)
    assert.equal(textOf(file), 'one two three')
    assert.equal(textOf(file, 4, 3), 'two')
    assert.equal(textOf(file, 10, 100), 'ree')
    assert.equal(textOf(file, 50, 1), '')
    file.close()
    const again = files.open('d/a', 'append')
    await append(again, '!')
    assert.equal(textOf(again), 'one two three!')
    again.close()
    const reader = files.open('d/a', 'read')
    assert.equal(reader.size, 14)
    reader.close()
  })

  test(`${name}: reports an append later, and takes one at a time`, async (context) => {
    const files = make(context)
    files.makeDirectory('d')
    const file = files.open('d/a', 'append')
    let returned = false
    const first = new Promise<void>((resolve) => {
      file.appendAndSync([Buffer.from('x')], () => {
        assert(returned)
        resolve()
      })
    })
    returned = true
    assert.throws(() => file.appendAndSync([], () => {}), AssertionFailure)
    await first
    await append(file, 'y')
    assert.equal(textOf(file), 'xy')
    file.close()
  })

  test(`${name}: truncates, renames, removes, lists`, async (context) => {
    const files = make(context)
    files.makeDirectory('d')
    const file = files.open('d/a', 'append')
    await append(file, '0123456789')
    file.close()
    files.truncate('d/a', 4)
    files.truncate('d/a', 400)
    files.rename('d/a', 'd/b')
    files.syncDirectory('d')
    const moved = files.open('d/b', 'read')
    assert.equal(textOf(moved), '0123')
    moved.close()
    assert.deepEqual(files.list('d'), ['b'])
    files.remove('d/b')
    files.syncDirectory('d')
    assert.deepEqual(files.list('d'), [])
    const isMissing = (error: NodeJS.ErrnoException): boolean => error.code === 'ENOENT'
    assert.throws(() => files.remove('d/b'), isMissing)
    assert.throws(() => files.open('d/b', 'read'), isMissing)
  })
}

test('memory files: a crash keeps what was synced and loses the rest sector by sector', async () => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 200; seed++) {
    const clock = new ManualClock()
    const files = new MemoryFiles({ random: seededRandom(seed), clock, sectorBytes: 4 })
    const file = files.open('d/a', 'append')
    files.syncDirectory('d')
    let reports = 0
    file.appendAndSync([Buffer.from('durable!')], () => reports++)
    clock.run()
    file.appendAndSync([Buffer.from('aaaabbbb')], () => reports++)
    files.crash()
    clock.run()
    assert.equal(reports, 1, 'a crashed process got a report')
    assert.throws(() => file.readSync(0, 1), AssertionFailure)
    const left = Buffer.from(files.read('d/a')).toString('latin1')
    assert.match(left, /^durable!(a{0,4}|\0{0,4}|(aaaa|\0{4})(b{0,4}|\0{0,4}))\0*$/)
    outcomes.add(left)
  }
  assert(outcomes.size > 10, `${outcomes.size} outcomes`)
  for (const outcome of ['durable!', 'durable!aaaabbbb', 'durable!\0\0\0\0bbbb']) assert(outcomes.has(outcome))
})

test('memory files: names are durable once their directory is synced', () => {
  const created = new Set<boolean>()
  for (let seed = 0; seed < 50; seed++) {
    const files = memoryFiles(seed)
    files.open('d/kept', 'append')
    files.syncDirectory('d')
    files.open('d/new', 'append')
    files.crash()
    assert(files.list('d').includes('kept'))
    created.add(files.list('d').includes('new'))
  }
  assert.equal(created.size, 2)
})
