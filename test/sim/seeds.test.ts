/** Whole clusters from seeds: some that are always the same, and two that never were. A failure prints how to replay it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAULT_FAMILIES, simulate } from '../../src/testing/index.ts'

const TICKS = 600

async function play(seed: number, options: Omit<Parameters<typeof simulate>[0], 'seed'> = {}): Promise<number> {
  const result = await simulate({ seed, ticks: TICKS, ...options })
  const { failure, trace, operations } = result
  assert(
    result.ok,
    `seed ${seed} at ${failure?.timeMs} ms: ${failure?.message}\n${trace.slice(-40).join('\n')}\nreplay: npm run sim -- --seed ${seed} --ticks ${options.ticks ?? TICKS}`,
  )
  return operations.done
}

/** For seeds that are always the same: a fresh one may be a cluster of one store on a disk that breaks all the time. */
async function playBusy(seed: number, options: Parameters<typeof play>[1] = {}): Promise<void> {
  const done = await play(seed, options)
  assert(done > 100, `only ${done} operations were done: such a run proves little`)
}

test('a cluster without faults', async () => {
  await playBusy(1, { faults: [], ticks: 200 })
})

test('a cluster with every fault there is', async () => {
  await playBusy(2, { faults: FAULT_FAMILIES })
})

for (let seed = 100; seed < 112; seed++) test(`seed ${seed}`, () => playBusy(seed))

for (const name of ['a fresh seed', 'another fresh seed']) {
  test(name, async () => {
    const seed = Math.floor(Math.random() * 2 ** 32)
    console.log(`${name}: ${seed}`)
    await play(seed)
  })
}
