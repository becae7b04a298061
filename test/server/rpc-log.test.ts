/** What a cluster of real parts writes into its RPC logs: votes, appends with entries, heartbeats, all of them answered. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { silentEvents, silentLogger } from '../../src/base/index.ts'
import { type Call, RpcLog } from '../../src/observe/index.ts'
import { type Node, openNode } from '../../src/server/node.ts'
import { systemClock, systemRandom } from '../../src/server/system.ts'
import { RAFT_SETTINGS_DEFAULT } from '../../src/store/index.ts'
import { createMemoryHub, openMemoryTransport } from '../../src/transport/index.ts'

test('three stores log what they send, and find it again after a restart', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'flotilla-rpc-'))
  const alive = setInterval(() => {}, 1_000)
  const hub = createMemoryHub({ clock: systemClock })
  const stores = ['s1', 's2', 's3']
  const logs: { readonly store: string; readonly log: RpcLog }[] = []
  const open = (id: string): Promise<Node> =>
    openNode({
      id,
      address: '',
      labels: {},
      dir: undefined,
      engine: 'memory',
      segmentBytes: 1 << 20,
      overlayBytes: 1 << 20,
      bootstrap: { stores, replicas: 3, shards: 2 },
      raft: RAFT_SETTINGS_DEFAULT,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      events: silentEvents,
      openRpcLog: async () => {
        const log = await RpcLog.open({ store: id, clock: systemClock, directory: path.join(dir, id), maxRows: 5_000 })
        logs.push({ store: id, log })
        return log.recorder
      },
      openTransport: async (incarnation) =>
        openMemoryTransport(hub, {
          clusterId: 'rpc',
          address: id,
          incarnation,
          clock: systemClock,
          random: systemRandom,
        }),
    })
  const nodes = await Promise.all(stores.map(open))
  try {
    while (nodes.some((node) => node.notReady().length > 0)) await new Promise((resolve) => setTimeout(resolve, 20))
    const [node] = nodes
    for (let i = 0; i < 50; i++) await node?.router.put(`k${i}`, new Uint8Array([i]), { kind: 'none' }, {})
    await new Promise((resolve) => setTimeout(resolve, 300))
    const calls: Call[] = (await Promise.all(logs.map(({ log }) => log.query({ heartbeats: true }, 1000)))).flat()
    const plain = calls.filter((call) => !call.heartbeat)
    assert.ok(plain.some((call) => call.type === 'RequestVote' && call.error === null))
    const appends = plain.filter((call) => call.type === 'AppendEntries' && call.entries > 0 && call.error === null)
    assert.ok(appends.reduce((total, call) => total + call.entries, 0) >= 100, 'each put went to two followers')
    for (const call of appends) {
      assert.ok(call.bytes > 48 && call.from !== call.to && stores.includes(call.to) && stores.includes(call.from))
      assert.ok(call.latencyMs !== null && call.latencyMs >= 0 && call.latencyMs < 10_000)
    }
    assert.ok(calls.some((call) => call.heartbeat && call.latencyMs !== null && call.entries === 0))
    assert.ok(plain.every((call) => call.entries > 0 || call.type !== 'AppendEntries' || !call.heartbeat))
    assert.deepEqual(
      logs.map(({ log }) => log.dropped),
      [0, 0, 0],
    )
  } finally {
    await Promise.all(nodes.map((node) => node.close()))
    clearInterval(alive)
  }
  const before = new Map<string, number>()
  for (const { store, log } of logs) {
    await log.close()
    before.set(store, log.rows)
  }
  // A store that never stood for election and leads nothing has sent nothing but heartbeats, if that.
  assert.ok([...before.values()].some((rows) => rows > 0))
  for (const store of stores) {
    const log = await RpcLog.open({ store, clock: systemClock, directory: path.join(dir, store), maxRows: 5_000 })
    assert.equal(log.rows, before.get(store), store)
    assert.equal((await log.query({}, 5_000)).length, log.rows, store)
    await log.close()
  }
  rmSync(dir, { recursive: true, force: true })
})
