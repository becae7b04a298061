/** Whose data is deleted has no keys that anybody else may have meanwhile, from the moment on at which it stops. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyRange } from '../../src/storage/index.ts'
import { Burials } from '../../src/store/burials.ts'
import { Graves } from '../../src/store/graves.ts'
import type { Replica } from '../../src/store/replica.ts'

function replicaOf(group: number, start: string, end: string): Replica {
  const epoch = { membership: 1, range: 3 }
  return {
    id: 70 + group,
    group,
    shard: { id: group, start, end, epoch, replicas: [] },
    retire: () => {},
    queue: { clear: () => {} },
  } as unknown as Replica
}

interface Scene {
  readonly burials: Burials
  /** Deletions take until this is called. */
  readonly finishDeleting: () => void
  readonly deleted: string[]
  readonly replicas: Map<number, Replica>
}

function scene(replicas: readonly Replica[], isSlow = false): Scene {
  const deleted: string[] = []
  let finishDeleting = (): void => {}
  const finished = new Promise<void>((resolve) => {
    finishDeleting = resolve
  })
  const present = new Map(replicas.map((replica) => [replica.group, replica]))
  const burials = new Burials({
    clock: { soon: (run: () => void) => queueMicrotask(run) },
    events: { emit: () => {} },
    data: {
      flush: async () => {},
      destroyGroup: async (group: number, range: KeyRange) => {
        if (isSlow) await finished
        deleted.push(`${group}: ${range.start} to ${range.end}`)
      },
    },
    log: { destroy: () => {} },
    graves: new Graves(),
    replicas: present,
    damaged: new Map(),
    gone: () => {},
    writeSoon: () => {},
  } as unknown as ConstructorParameters<typeof Burials>[0])
  return { burials, deleted, replicas: present, finishDeleting }
}

test('keys that a displaced replica had beyond the snapshot are nobody else’s until they are deleted', async () => {
  // Here shard 5 still has b to z; elsewhere it was split at m, and shard 4 took the left half in.
  const { burials, deleted, replicas } = scene([replicaOf(5, 'b', 'z')])
  const displacing = burials.displace([...replicas.values()], 4, { start: 'a', end: 'm' })
  assert(burials.overlaps({ start: 'p', end: 'q' }), 'before its writes are durable')
  assert.equal(replicas.size, 0)
  const bury = await displacing
  assert(burials.overlaps({ start: 'm', end: 'z' }), 'while the snapshot is put in place')
  assert(!burials.overlaps({ start: 'z', end: undefined }), 'no more than it had')
  assert(!burials.overlaps({ start: 'a', end: 'm' }), 'what the snapshot covers is the snapshot’s')
  assert(burials.isRunning(5))
  bury()
  await burials.settled()
  assert.deepEqual(deleted, ['5: m to z'])
  assert(!burials.overlaps({ start: 'm', end: 'z' }) && !burials.isRunning(5))
})

test('a replica that goes takes its keys out of use at once, and gives them back when they are deleted', async () => {
  const replica = replicaOf(6, 'd', 'f')
  const { burials, deleted } = scene([replica])
  burials.bury(replica, 4, 'a test')
  assert(burials.overlaps({ start: 'e', end: 'g' }))
  await burials.settled()
  assert.deepEqual(deleted, ['6: d to f'])
  assert(!burials.overlaps({ start: 'e', end: 'g' }))
})

test('a snapshot is put in place only when nothing is being deleted under it any more', async () => {
  // Shard 5 was found not to belong here after the snapshot of shard 4, which took it in, had been accepted.
  const replica = replicaOf(5, 'b', 'm')
  const { burials, deleted, finishDeleting } = scene([replica], true)
  burials.bury(replica, 4, 'a test')
  let mayInstall = false
  const displacing = burials.displace([], 4, { start: 'a', end: 'm' }).then(() => {
    mayInstall = true
  })
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([mayInstall, deleted], [false, []])
  finishDeleting()
  await displacing
  assert.deepEqual(deleted, ['5: b to m'])
})
