/** Who is heard: a store that lost its data has forgotten its votes, and nothing that it says may count. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../src/base/index.ts'
import { encodeRaftMessage } from '../../src/protocol/index.ts'
import type { Message } from '../../src/raft/index.ts'
import { Inbox, type InboxOptions } from '../../src/store/inbox.ts'
import type { Replica } from '../../src/store/replica.ts'

const GROUP = 5
const MESSAGE: Message = { type: 'HeartbeatReply', from: 2, to: 1, term: 3, readId: 0 }

/** How many messages are heard of a store with this incarnation, when the map says that. */
function heard(known: string | undefined, incarnation: string): number {
  let count = 0
  const replica = { id: 1, storeOf: () => 's2', learnStore() {} } as unknown as Replica
  const stores = known === undefined ? [] : [{ id: 's2', incarnation: known }]
  const options = {
    map: { map: { stores, shards: [] } },
    logger: silentLogger,
    replicas: new Map([[GROUP, replica]]),
    receive: () => count++,
  } as unknown as InboxOptions
  new Inbox(options).take('s2', 'raft', [encodeRaftMessage(GROUP, MESSAGE)], incarnation)
  return count
}

test('a store is heard while it has the data that the map knows, or while nobody knows any', () => {
  assert.equal(heard('disk-1', 'disk-1'), 1)
  assert.equal(heard('', 'disk-1'), 1)
  assert.equal(heard(undefined, 'disk-1'), 1)
})

test('a store that came back with other data is not heard', () => {
  assert.equal(heard('disk-1', 'disk-2'), 0)
})
