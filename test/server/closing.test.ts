/** A node lets go of everything it holds, also when its disk fails at the end, and however often it is told to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentEvents, silentLogger } from '../../src/base/index.ts'
import { composeNode, type Node } from '../../src/server/index.ts'
import { systemClock, systemRandom } from '../../src/server/system.ts'
import { DataStoreError, MemoryDisk, MemoryLog } from '../../src/storage/index.ts'
import { RAFT_SETTINGS_DEFAULT } from '../../src/store/index.ts'
import { createMemoryHub, openMemoryTransport } from '../../src/transport/index.ts'
import { poll } from '../../tools/cluster/poll.ts'

interface Held {
  readonly node: Node
  readonly disk: { isFull: boolean }
  readonly released: () => number
}

async function openAlone(): Promise<Held> {
  const state = { isFull: false }
  let releases = 0
  const hub = createMemoryHub({ clock: systemClock })
  const fault = () => (state.isFull ? new DataStoreError('DISK_FULL', 'the disk is full') : undefined)
  const node = await composeNode(
    {
      id: 's1',
      address: '',
      labels: {},
      overlayBytes: 1024 * 1024,
      bootstrap: { stores: ['s1'], replicas: 1, shards: 1 },
      raft: RAFT_SETTINGS_DEFAULT,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      events: silentEvents,
      openTransport: async (incarnation) =>
        openMemoryTransport(hub, {
          clusterId: 'test',
          address: 's1',
          incarnation,
          clock: systemClock,
          random: systemRandom,
        }),
    },
    {
      incarnation: 'one',
      openLog: () => new MemoryLog((run) => systemClock.soon(run)),
      engine: { kind: 'memory', disk: new MemoryDisk({ fault }) },
      release: async () => {
        releases++
      },
    },
  )
  await poll('the store is ready', 10_000, () => node.notReady().length === 0)
  return { node, disk: state, released: () => releases }
}

for (const isFull of [false, true]) {
  test(`a node is closed as a whole, once, ${isFull ? 'although its disk is full' : 'in order'}`, async () => {
    const alive = setInterval(() => {}, 2 ** 30)
    try {
      const { node, disk, released } = await openAlone()
      await node.router.put('key', Buffer.from('value'), { kind: 'none' }, {})
      disk.isFull = isFull
      const closings = [node.close(), node.close()]
      await Promise.all(closings)
      if (isFull) assert.match((await node.failed).message, /full/)
      assert.equal(node.store.state, 'stopped')
      assert.equal(node.transport.state, 'closed')
      assert.equal(released(), 1)
      await assert.rejects(async () => node.data.getMany(['another']))
    } finally {
      clearInterval(alive)
    }
  })
}
