/** Which replicas ask whether they still belong to their groups, and what they do about the answer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shard } from '../../shard-map/index.ts'
import { decodeRequest, encodeReply } from '../../src/protocol/index.ts'
import { Census, type CensusOptions } from '../../src/store/census.ts'
import type { Replica } from '../../src/store/replica.ts'
import { bootstrapped } from '../shard-map/arbitraries.ts'
import { VirtualClock } from '../transport/clocks.ts'

const MAP = bootstrapped(3, 2)
const [LEFT] = MAP.shards as unknown as [Shard]

test('a learner that believes in its leader asks all the same once its shard is on no map, and goes when that was merged away', () => {
  const clock = new VirtualClock()
  const group = 77
  const replica = {
    group,
    id: 900,
    shard: { ...LEFT, id: group },
    isLeader: false,
    isInitialised: true,
    // It neither campaigns nor finds out that nobody leads it any more.
    leaderlessSinceMs: undefined,
    bornMs: clock.nowMs(),
  } as unknown as Replica
  const asked: string[] = []
  const buried: number[] = []
  let mapped: readonly Shard[] = [...MAP.shards, replica.shard]
  const census = new Census({
    clock,
    storeId: 's9',
    replicas: new Map([[group, replica]]),
    damaged: new Map(),
    map: () => ({ ...MAP, shards: mapped }),
    leaderOf: () => undefined,
    transport: {
      request: (to: string, body: Uint8Array, _: number, answered: (reply: Uint8Array) => void) => {
        const request = decodeRequest(body)
        assert(request.ok && request.value.kind === 'read-shard' && request.value.shard === group)
        asked.push(to)
        answered(encodeReply({ kind: 'merged', into: LEFT.id }))
      },
      flush: () => {},
    },
    burials: { isRunning: () => false, buryMerged: (_: Replica, into: number) => buried.push(into) },
  } as unknown as CensusOptions)
  clock.advance(60_000)
  census.look()
  assert.deepEqual(asked, [], 'on the map as it is here, it asks nobody')
  mapped = MAP.shards
  census.look()
  assert.equal(asked.length, 1)
  assert.deepEqual(buried, [LEFT.id])
})

test('a shard that was just split off may not be on the map yet', () => {
  const clock = new VirtualClock()
  const replica = { group: 77, shard: { ...LEFT, id: 77 }, isLeader: false, isInitialised: true, bornMs: clock.nowMs() }
  const census = new Census({
    clock,
    storeId: 's9',
    replicas: new Map([[77, replica]]),
    damaged: new Map(),
    map: () => MAP,
    leaderOf: () => undefined,
    transport: { request: () => assert.fail('it asked'), flush: () => {} },
  } as unknown as CensusOptions)
  clock.advance(2_000)
  census.look()
})
