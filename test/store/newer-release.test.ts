/** What a store does with what only a newer release knows: it says so, and neither guesses nor spreads it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mapToPlain } from '../../shard-map/index.ts'
import { KvMachine, PlacementMachine, pack, type StateMachine } from '../../src/machine/index.ts'
import { createMachine } from '../../src/server/machines.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { TestCluster, WAIT_MS } from './cluster.ts'

const NEWER = Buffer.from([77, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3])

test('a command of a newer release ends the replicas that do not know it, and no other', async () => {
  await TestCluster.with({ shards: 2 }, async (cluster) => {
    const [hit, healthy] = cluster.store('s1').map.map.shards
    assert(hit !== undefined && healthy !== undefined)
    const leader = await cluster.leaderStore(hit.id)
    const old = ['s1', 's2', 's3'].find((id) => id !== leader) ?? ''
    await cluster.client.put(`${hit.start}a`, 'before')
    // A cluster in the middle of an upgrade: all stores but one know commands whose value begins with "new".
    const machine = cluster.replica(old, hit.id)?.machine as StateMachine
    const { unknown } = machine
    machine.unknown = (command) =>
      Buffer.from(command).includes('new value') ? 'a command of format 9 is unknown' : unknown?.call(machine, command)
    await cluster.client.put(`${hit.start}a`, 'new value')
    await poll(`${old} says what happened`, WAIT_MS, async () =>
      cluster.store(old).damaged.get(hit.id)?.includes('a command of format 9 is unknown'),
    )
    assert.deepEqual([...cluster.store(old).damaged.keys()], [hit.id])
    assert(cluster.replica(old, healthy.id) !== undefined)
    await cluster.client.put(`${hit.start}a`, 'after')
    assert.equal(Buffer.from((await cluster.client.get(`${hit.start}a`)) ?? []).toString(), 'after')
    // Upgraded, it goes on where it stopped.
    await cluster.restart(old)
    await poll(`${old} has caught up`, WAIT_MS, async () => {
      const [one, other] = [cluster.replica(old, hit.id), cluster.replica(leader, hit.id)]
      return one !== undefined && other !== undefined && one.appliedIndex >= other.appliedIndex
    })
    assert.deepEqual([...cluster.store(old).damaged.keys()], [])
  })
})

test('a leader takes no command that it does not know into its log', async () => {
  await TestCluster.with({ shards: 1 }, async (cluster) => {
    const [shard] = cluster.store('s1').map.map.shards
    assert(shard !== undefined)
    const leader = await cluster.leaderStore(shard.id)
    const reply = await cluster.ask(leader, {
      kind: 'write',
      shard: shard.id,
      rangeEpoch: shard.epoch.range,
      command: NEWER,
    })
    assert(reply.kind === 'error')
    assert.deepEqual([reply.error.code, reply.error.outcome], ['INVALID_ARGUMENT', 'none'])
    assert.match(reply.error.message, /format 77 .* upgrade this store/)
    for (const id of ['s1', 's2', 's3']) assert.equal(cluster.store(id).damaged.size, 0)
    await cluster.client.put('key', 'value')
  })
})

test('machines tell commands of other releases from garbage', () => {
  const kv = new KvMachine({ start: '', end: undefined, epoch: { range: 1 } })
  assert.match(kv.unknown(NEWER) ?? '', /format 77/)
  assert.match(kv.unknown(Buffer.from([1, 128, 0, 0, 0, 1, 0, 0])) ?? '', /flags 128/)
  assert.match(kv.unknown(Buffer.from([2, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])) ?? '', /flags 2/)
  for (const bytes of [[], [77], [1, 0, 0, 0, 0, 1, 9, 9]]) assert.equal(kv.unknown(Buffer.from(bytes)), undefined)
  const placement = new PlacementMachine()
  assert.match(placement.unknown(Buffer.from([2])) ?? '', /format 2 /)
  const command = (plain: unknown): Buffer => Buffer.concat([Buffer.from([1]), pack(plain)])
  assert.match(placement.unknown(command([99, 'x'])) ?? '', /kind 99 /)
  // What is new may also stand further inside: taken for garbage it would do nothing here, and something elsewhere.
  const step = [0, 7, 's2', null]
  const planned = (kind: number, owner: number, steps: unknown[]): unknown[] => {
    return [kind, 7, 1, 1, null, owner, 'a reason', [], steps, 0, []]
  }
  for (const [plain, what] of [
    [[0, [10, 's1']], /change kind 10 /],
    [[3, [planned(0, 0, [step]), planned(14, 0, [step])], 5], /operator kind 14 /],
    [[3, [planned(0, 9, [step])], 5], /scheduler 9 /],
    [[3, [planned(0, 0, [step, [16, 7]])], 5], /operator step 16 /],
    [[3, [[9, 's1', 'a reason', [[99, 's1']]]], 5], /operator step 99 /],
    [[3, [[11, 7, 'a reason', [[99, 's1']]]], 5], /operator step 99 /],
    [[5, 1, 0, 'a reason', [[16, 7]], 5], /operator step 16 /],
    [[6, 'balance-moods', null], /scheduler "balance-moods" /],
  ] as const) {
    const reason = placement.unknown(command(plain)) ?? ''
    assert.match(reason, what)
    assert.match(reason, /unknown to this release; upgrade this store$/)
  }
  const known = [3, [planned(0, 0, [step]), [9, 's1', 'a reason', [[9, 's1']]], [12, 7, 'a reason', []]], 5]
  for (const plain of [
    known,
    [1, 5],
    ['x'],
    'x',
    [0, 'garbage'],
    [],
    [3, 'x', 5],
    [3, ['x'], 5],
    [5, 1, 0, 'x', [[]], 5],
  ])
    assert.equal(placement.unknown(command(plain)), undefined)
})

test('a snapshot with a state of a newer release is refused by name, and its receiver goes on with what it has', async () => {
  await TestCluster.with({ shards: 2, raft: { compactEntries: 20 } }, async (cluster) => {
    const [hit, healthy] = cluster.store('s1').map.map.shards
    assert(hit !== undefined && healthy !== undefined)
    const leader = await cluster.leaderStore(hit.id)
    const old = ['s1', 's2', 's3'].find((id) => id !== leader) ?? ''
    const others = ['s1', 's2', 's3'].filter((id) => id !== old)
    const { events } = cluster.store(old).options
    const refusals: string[] = []
    const emit = events.emit.bind(events)
    events.emit = (event) => {
      if (event.type === 'snapshot_failed') refusals.push(`${event.group} ${event.data?.reason}`)
      emit(event)
    }
    try {
      cluster.hub.partition([old], others)
      // Whoever leads meanwhile saves its state as a newer release might.
      for (const id of others) {
        const machine = cluster.replica(id, hit.id)?.machine as StateMachine
        const { save } = machine
        machine.save = () => Buffer.concat([Buffer.from([9]), save.call(machine).subarray(1)])
      }
      for (let i = 0; i < 300; i++) await cluster.client.put(`${hit.start}${i % 9}`, String(i))
      for (const id of others) {
        await new Promise<void>((resolve) => {
          cluster.store(id).request({ kind: 'upkeep', compact: hit.id }, WAIT_MS, () => resolve())
        })
      }
      cluster.hub.heal()
      await poll(`${old} refuses the snapshot`, WAIT_MS, async () =>
        refusals.some((reason) => new RegExp(`^${hit.id} .* format 9 .* upgrade this store`).test(reason)),
      )
      // Nothing of what only the snapshot could bring.
      const applied = cluster.replica(old, hit.id)?.appliedIndex ?? Number.POSITIVE_INFINITY
      assert(applied < 100, `${old} has applied ${applied}`)
      assert.deepEqual([...cluster.store(old).damaged.keys()], [])
      await cluster.client.put(`${healthy.start}a`, 'goes on')
      await cluster.client.put(`${hit.start}a`, 'goes on')
      // As if it could read that now.
      for (const id of others) {
        const machine: Partial<StateMachine> =
          cluster.replica(id, hit.id)?.machine ?? assert.fail(`no replica on ${id}`)
        delete machine.save
      }
      await cluster.client.put(`${hit.start}a`, 'again')
      await poll(`${old} has caught up`, WAIT_MS, async () => {
        const [one, other] = [cluster.replica(old, hit.id), cluster.replica(leader, hit.id)]
        return one !== undefined && other !== undefined && one.appliedIndex >= other.appliedIndex
      })
    } finally {
      events.emit = emit
    }
  })
})

test('a saved state of a newer release is refused with the cure', () => {
  const shard = { id: 7, start: '', end: undefined, epoch: { membership: 1, range: 1 }, replicas: [] }
  const saved = Buffer.from(createMachine(shard, new Uint8Array()).save())
  saved[0] = 9
  assert.throws(() => createMachine(shard, saved), /saved state of shard 7 .* format 9 .* upgrade this store/)
  const driver = { ...shard, id: 1 }
  assert.throws(
    () => createMachine(driver, pack([9, null, 1, 1, [], []])),
    /saved state of the placement driver .* format 9; .* upgrade this store/,
  )
  // An operator of a kind that came later, and one whose way back has a step that did.
  const map = mapToPlain({ version: 0, placement: undefined, shards: [], stores: [] })
  const plan = (kind: number): unknown[] => [kind, 7, 1, 1, null, 0, 'a reason', [], [[0, 7, 's2', null]], 0, []]
  const record = (kind: number, step: number): unknown[] => {
    return [1, plan(kind), 0, 0, [[[step, 7, 's2', null], 1, 5, null]], [], [], 5, null, null]
  }
  for (const [saved, reason] of [
    [record(14, 0), /operator kind 14 is unknown to this release/],
    [record(0, 16), /operator step 16 is unknown to this release/],
    [[1], /the operators are damaged/],
  ] as const) {
    const state = pack([1, map, 2, 0, [], [2, [saved], [], []], []])
    assert.throws(() => createMachine(driver, state), reason)
  }
  assert.ok(createMachine(driver, pack([1, map, 2, 0, [], [2, [record(0, 0)], [], []], []])))
})
