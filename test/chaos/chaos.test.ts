/** The short form of `npm run chaos`: once with a fixed seed, once with a fresh one, on real processes. What cannot be done here is printed as skipped. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { FAULTS } from '../../tools/chaos/faults.ts'
import { runChaos } from '../../tools/chaos/run.ts'
import { BROKER_KINDS } from '../../tools/cluster/broker-process.ts'

const SECONDS = 18
const FIXED_SEED = 20
const FRESH_SEED_MAX = 1_000_000

for (const { kind, skip } of BROKER_KINDS) {
  // Each broker has its turn: the real one with the fixed seed, the embedded one with a fresh seed.
  const seed = kind === 'nats-server' ? FIXED_SEED : randomInt(FRESH_SEED_MAX)
  test(`a few faults under load, seed ${seed} (${kind})`, { skip }, async () => {
    const broker = kind === 'nats-server' ? 'nats' : 'embedded'
    const failures = await runChaos({
      seed,
      seconds: SECONDS,
      stores: 3,
      shards: 4,
      clients: 9,
      broker: kind,
      faults: FAULTS,
      command: `npm run chaos -- --minutes ${SECONDS / 60} --seed ${seed} --clients 9 --broker ${broker}`,
      print: (line) => console.log(line),
    })
    assert.deepEqual(failures, [])
  })
}
