/** Each fault of the simulated disk really happens, and what was reported durable survives everything but damage. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { File } from '../../src/storage/index.ts'
import { SimulatedDisk } from '../../src/testing/disk.ts'
import { FaultCounts } from '../../src/testing/fault-counts.ts'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { SimulatedProcess } from '../../src/testing/simulated-process.ts'
import { Timeline } from '../../src/testing/timeline.ts'

class Machine {
  readonly timeline = new Timeline({
    afterEvent() {},
    onError(_owner, error) {
      throw error
    },
  })
  readonly counts = new FaultCounts()
  readonly disk: SimulatedDisk
  #processes = 0

  constructor(seed: number) {
    this.disk = new SimulatedDisk(new SeededRandom(seed, 'disk'), this.counts)
  }

  boot(): { process: SimulatedProcess; file: File } {
    const number = ++this.#processes
    const random = new SeededRandom(number, 'process')
    const settings = { driftPerMillion: 0, wallOffsetMs: 0 }
    const process = new SimulatedProcess(`p${number}`, number, this.timeline, random, settings, () => {})
    const files = this.disk.attach(process)
    const file = files.open('log/1', 'append')
    files.syncDirectory('log')
    return { process, file }
  }

  run(): void {
    while (this.timeline.step()) {
      // Files report by events, not by promises.
    }
  }
}

const sector = (fill: number, bytes = 2_000): Uint8Array => new Uint8Array(bytes).fill(fill)

function append(machine: Machine, file: File, bytes: Uint8Array): string | undefined | 'pending' {
  let result: string | undefined | 'pending' = 'pending'
  file.appendAndSync([bytes], (error) => {
    result = error?.code
  })
  machine.run()
  return result
}

test('a write takes time, and is durable when it is reported', () => {
  for (let seed = 0; seed < 50; seed++) {
    const machine = new Machine(seed)
    const { process, file } = machine.boot()
    assert.equal(append(machine, file, sector(1)), undefined)
    assert(machine.timeline.nowUs > 0, 'a sync took no time')
    process.die()
    machine.disk.losePower()
    const again = machine.boot()
    assert.deepEqual(Buffer.from(again.file.readSync(0, 2_000)), Buffer.from(sector(1)))
  }
})

test('a power loss drops, keeps, tears and zeroes what was not reported', () => {
  const fates = new Set<string>()
  for (let seed = 0; seed < 200; seed++) {
    const machine = new Machine(seed)
    const { process, file } = machine.boot()
    file.appendAndSync([sector(7)], () => assert.fail('a write was reported after the power was lost'))
    process.die()
    machine.disk.losePower()
    const { file: after } = machine.boot()
    const bytes = after.readSync(0, 2_000)
    const kept = bytes.filter((byte) => byte === 7).length
    if (after.size === 0) fates.add('lost')
    else if (kept === 2_000) fates.add('kept')
    else if (bytes.subarray(0, kept).every((byte) => byte === 7)) fates.add(kept === 0 ? 'zeroes' : 'torn')
    else fates.add('holes')
  }
  assert.deepEqual([...fates].sort(), ['holes', 'kept', 'lost', 'torn', 'zeroes'])
})

test('a killed process loses its report, but the machine keeps the bytes until the power goes', () => {
  const machine = new Machine(1)
  const { process, file } = machine.boot()
  file.appendAndSync([sector(3)], () => assert.fail('a dead process got a report'))
  process.die()
  machine.disk.kill()
  machine.run()
  assert.equal(machine.boot().file.size, 2_000)
})

test('disks break: writes, syncs and reads fail, and fill up', () => {
  for (const [operation, error] of [
    ['write', 'EIO'],
    ['write', 'ENOSPC'],
    ['sync', 'EIO'],
  ] as const) {
    const machine = new Machine(2)
    const { file } = machine.boot()
    machine.disk.breakLog(operation, error)
    assert.equal(append(machine, file, sector(1)), error)
    assert.equal(machine.disk.errorsGiven, 1)
  }
  const machine = new Machine(3)
  const { file } = machine.boot()
  machine.disk.fill(2_500)
  assert.equal(append(machine, file, sector(1)), undefined)
  assert.equal(append(machine, file, sector(1)), 'ENOSPC')
  machine.disk.breakLog('read', 'EIO')
  assert.throws(() => file.readSync(0, 1), { code: 'EIO' })
})

test('bits flip and sectors land in the wrong place', () => {
  for (const damage of ['flipBit', 'misdirectWrite'] as const) {
    const machine = new Machine(4)
    const { file } = machine.boot()
    assert.equal(machine.disk[damage](), false, 'there is nothing to damage yet')
    const bytes = Uint8Array.from({ length: 8_192 }, (_, at) => (at >> 9) + 1)
    append(machine, file, bytes)
    const before = machine.disk.fingerprint()
    let changed = false
    for (let attempt = 0; attempt < 20 && !changed; attempt++) {
      machine.disk[damage]()
      changed = machine.disk.fingerprint() !== before
    }
    assert(changed && machine.disk.isDamaged, `${damage} changed nothing`)
  }
})

test('the data engine: what was reported survives, of the rest a prefix does', async () => {
  const fates = new Set<number>()
  for (let seed = 0; seed < 60; seed++) {
    const machine = new Machine(seed)
    const { process } = machine.boot()
    const { data } = machine.disk
    const write = (key: string): Promise<void> => data.write(new Map([[key, sector(1, 4)]]), data.crashes)
    const first = write('k0')
    machine.run()
    await first
    for (const key of ['k1', 'k2', 'k3']) void write(key)
    process.die()
    machine.disk.losePower()
    const left = ['k0', 'k1', 'k2', 'k3'].map((key) => machine.disk.data.table.get(key) !== undefined)
    assert.equal(left[0], true, 'a reported write was lost')
    const count = left.filter((isThere) => isThere).length
    assert.deepEqual(
      left,
      [0, 1, 2, 3].map((position) => position < count),
      'a later write survived without an earlier one',
    )
    fates.add(count)
  }
  assert.deepEqual([...fates].sort(), [1, 2, 3, 4])
})

test('a wiped disk is empty and another one', () => {
  const machine = new Machine(5)
  const { process, file } = machine.boot()
  append(machine, file, sector(1))
  const { incarnation } = machine.disk
  process.die()
  machine.disk.losePower()
  machine.disk.wipe()
  assert.notEqual(machine.disk.incarnation, incarnation)
  assert.equal(machine.boot().file.size, 0)
})

test('what breaks while no process uses the disk is known to the next one as a fault', () => {
  const breaks: readonly ((disk: SimulatedDisk) => void)[] = [
    (disk) => disk.breakData('ENOSPC'),
    (disk) => disk.breakLog('write', 'EIO'),
    (disk) => disk.fill(0),
  ]
  for (const breakIt of breaks) {
    const machine = new Machine(1)
    machine.boot()
    machine.disk.kill()
    breakIt(machine.disk)
    machine.boot()
    assert.equal(machine.disk.errorsGiven, 1)
    machine.disk.kill()
    machine.disk.heal()
    machine.boot()
    assert.equal(machine.disk.errorsGiven, 0)
  }
})
