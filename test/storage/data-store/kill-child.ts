/**
 * A process that `kill.test.ts` kills in the middle of its work. It writes rounds of four groups and flushes without pause, or installs one of two
 * snapshots over and over, and prints what was durable when a promise resolved.
 */
import { type DataEngine, openDataStore } from '../../../src/storage/index.ts'
import { testClock } from './clock.ts'

export const GROUPS = [1, 2, 3, 4]
export const KEYS_PER_GROUP = 30
/** Rounds a history key lives before it is deleted. */
export const HISTORY_ROUNDS = 20
export const INSTALLED_RECORDS = 4000

async function main(engine: DataEngine, work: string): Promise<void> {
  const store = await openDataStore({
    engine,
    overlayBytes: 1 << 24,
    clock: testClock,
    onFatal: (error) => {
      throw error
    },
  })
  if (work === 'install') {
    for (let round = 0; ; round++) {
      const letter = round % 2 === 0 ? 'A' : 'B'
      const exporter = 100 + (round % 2)
      // Exported as one group and installed as the same, over the range that the other one filled before.
      const prefix = `x${letter}`
      for (let i = 0; i < INSTALLED_RECORDS; i++) store.put(exporter, `${prefix}${i}`, Buffer.from(letter))
      store.setState(exporter, Buffer.from(letter))
      const snapshot = store.exportSnapshot(exporter, { start: prefix, end: `${prefix}~` })
      const receiving = store.importSnapshot(exporter)
      for (let chunk = await snapshot.next(); chunk !== undefined; chunk = await snapshot.next())
        await receiving.write(chunk)
      await receiving.finish()
      await receiving.install({ start: 'x', end: 'y' }, Buffer.from(letter))
      await store.destroyGroup(exporter === 100 ? 101 : 100, { start: 'y', end: 'z' })
      console.log(`installed ${letter}`)
    }
  }
  let round = Number(Buffer.from(store.state(1) ?? '0').toString())
  for (;;) {
    round++
    const value = Buffer.from(`${round} ${'v'.repeat(200)}`)
    for (const group of GROUPS) {
      for (let i = 0; i < KEYS_PER_GROUP; i++) store.put(group, `${group}-key-${i}`, value)
      store.put(group, `${group}-round-${round}`, value)
      store.delete(group, `${group}-round-${round - HISTORY_ROUNDS}`)
      store.setState(group, Buffer.from(String(round)))
    }
    const durable = round
    await Promise.race([store.flush().then(() => console.log(`durable ${durable}`)), new Promise(setImmediate)])
  }
}

const [engine, work] = process.argv.slice(2)
if (engine !== undefined && work !== undefined) await main(JSON.parse(engine), work)
