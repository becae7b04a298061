/** Whom a store asks for the placement driver: its own replica's leader, unless that one has said that it does not lead. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLACEMENT_SHARD } from '../../shard-map/index.ts'
import { encodeReply, type Reply } from '../../src/protocol/index.ts'
import { HeartbeatSender } from '../../src/store/heartbeat-sender.ts'
import type { Store } from '../../src/store/store.ts'
import { VirtualClock } from '../transport/clocks.ts'

const ANSWER: Reply = {
  kind: 'store-heartbeat',
  answer: { resend: false, map: undefined, leaders: {}, config: undefined, snapshotBytesPerSecond: undefined },
}

/** A store whose replica of group 1 believes in `s2`, while `leader` leads; everybody else names it. */
function believing(): { clock: VirtualClock; asked: string[]; lead: (store: string) => void; sender: HeartbeatSender } {
  const clock = new VirtualClock()
  const asked: string[] = []
  let leader = 'j1'
  const refusal = (): Reply => ({
    kind: 'error',
    error: { code: 'NOT_LEADER', message: '', outcome: 'none', retryable: true, shard: PLACEMENT_SHARD, leader },
  })
  const store = {
    id: 's1',
    uptimeSeconds: 1,
    damaged: new Map(),
    snapshots: { sending: 0, receiving: 0 },
    settings: { config: { version: 0, settings: {} } },
    fence: { ask: () => {} },
    map: { map: { version: 1, placement: undefined }, learnLeader: () => {}, learnLeaders: () => {} },
    replicas: new Map([[PLACEMENT_SHARD, { group: PLACEMENT_SHARD, bytes: 0, isLeader: false, leaderStore: 's2' }]]),
    options: {
      clock,
      info: { id: 's1', address: 's1:7000', labels: {}, incarnation: 'i', version: '0.1.0', state: 'up' },
      placementShard: { replicas: [{ store: 's1' }, { store: 's2' }] },
      transport: {
        flush: () => {},
        request: (to: string, _body: Uint8Array, _timeoutMs: number, done: (answer: Uint8Array) => void) => {
          asked.push(to)
          done(encodeReply(to === leader ? ANSWER : refusal()))
        },
      },
    },
  } as unknown as Store
  const lead = (next: string): void => {
    leader = next
  }
  return { clock, asked, lead, sender: new HeartbeatSender(store) }
}

test('a store whose replica believes in somebody who does not lead asks whom that one names, and stays with it', () => {
  const { clock, asked, sender } = believing()
  sender.start()
  for (let i = 0; i < 50; i++) clock.advance(100)
  sender.stop()
  assert.deepEqual(asked.slice(0, 2), ['s2', 'j1'])
  assert.equal(asked.slice(1).filter((to) => to !== 'j1').length, 0, asked.join())
  assert.ok(sender.unansweredMs <= 1_000)
})

test('when that one leads again, it is asked again', () => {
  const { clock, asked, lead, sender } = believing()
  sender.start()
  for (let i = 0; i < 20; i++) clock.advance(100)
  lead('s2')
  for (let i = 0; i < 30; i++) clock.advance(100)
  sender.stop()
  assert.equal(asked.at(-1), 's2')
  assert.ok(sender.unansweredMs <= 1_000)
})
