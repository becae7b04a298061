/** A bit rots in a log segment of one store: the group it hit does not start there and says so; all others run, and the cluster serves everything. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import { http, problem } from '../../tools/cluster/http.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { type ProcessCluster, withCluster } from '../support/process-cluster.ts'

const VICTIM = 's2'

interface Segment {
  readonly file: string
  readonly bytes: Buffer
}

/** In the order in which they were written. */
function segmentsOf(cluster: ProcessCluster): Segment[] {
  const root = cluster.directory(VICTIM)
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.segment'))
    .sort()
    .map((name) => ({ file: path.join(root, name), bytes: readFileSync(path.join(root, name)) }))
}

/** Flips one bit in the middle of a value that was written under a name of its own. Returns the position of the segment among all. */
function rot(cluster: ProcessCluster, marker: string): { readonly position: number; readonly of: number } {
  const segments = segmentsOf(cluster)
  const position = segments.findIndex(({ bytes }) => bytes.includes(marker))
  const segment = segments[position]
  assert(segment !== undefined, `no segment holds ${marker}`)
  const at = segment.bytes.indexOf(marker) + 2
  segment.bytes[at] = (segment.bytes[at] ?? 0) ^ 1
  writeFileSync(segment.file, segment.bytes)
  return { position, of: segments.length }
}

async function put(cluster: ProcessCluster, key: string, value: string): Promise<void> {
  await poll(`a write of ${key} succeeds`, 30_000, async () => {
    const answer = await cluster.http('s1', { method: 'PUT', path: `/kv/${key}`, body: value })
    return answer.status === 204
  })
}

for (const where of ['an old segment', 'the newest segment'] as const) {
  test(`a flipped bit in ${where} stops one group on one store, and nothing else`, async () => {
    const config = { storage: { segmentBytes: '64KiB' } }
    const expectedErrors = [/corruption_detected/, /does not start/, /the log of a group is damaged/]
    await withCluster({ broker: ANY_BROKER, config, expectedErrors }, async (cluster) => {
      const shards = await cluster.dataShards()
      const [healthy, hit] = shards
      assert(healthy !== undefined && hit !== undefined)
      const markers = { 'an old segment': 'early-marker-value', 'the newest segment': 'late-marker-value' }
      await put(cluster, `${hit.start}!early`, markers['an old segment'])
      for (let i = 0; i < 40; i++) await put(cluster, `${healthy.start}!filler${i}`, 'f'.repeat(8_000))
      await put(cluster, `${hit.start}!late`, markers['the newest segment'])
      await poll(`${VICTIM} has the last write`, 30_000, async () => {
        const stale = await cluster.http(VICTIM, { method: 'GET', path: `/kv/${hit.start}!late?consistency=stale` })
        return stale.status === 200
      })
      // Once in order and once by force: what was durable is judged the same.
      if (where === 'an old segment') await cluster.stop(VICTIM)
      else await cluster.kill9(VICTIM)
      const { position, of } = rot(cluster, markers[where])
      if (where === 'an old segment') assert(position < of - 1, `segment ${position} of ${of} is not old`)
      else assert.equal(position, of - 1, 'the newest segment')
      cluster.start(VICTIM)
      const reasons = await poll(`${VICTIM} serves and says what it lacks`, 60_000, async () => {
        const answer = await cluster.http(VICTIM, { method: 'GET', path: '/readyz' })
        assert.equal(answer.status, 503)
        const named = problem(answer)?.reasons ?? []
        return named.length === 1 && named
      })
      assert.match(reasons[0] ?? '', new RegExp(`shard ${hit.id} is damaged on this store: .*segment`))
      const told = cluster.logged(VICTIM, 'corruption_detected')
      assert.deepEqual(
        told.map((line) => (JSON.parse(line) as { group: number }).group),
        [hit.id],
      )
      // The store has its other replicas, and serves every key, those of the damaged shard through the others.
      for (const shard of await cluster.shards('s1')) {
        const path = `/debug/raft/${shard.id}`
        const answer = await cluster.http(VICTIM, { method: 'GET', path })
        assert.equal(answer.status, shard.id === hit.id ? 503 : 200, `${path}: ${answer.body.toString('utf8')}`)
      }
      for (const id of cluster.ids) {
        const answer = await cluster.http(id, { method: 'GET', path: `/kv/${hit.start}!early` })
        assert.equal(answer.body.toString('utf8'), markers['an old segment'])
        const write = await cluster.http(id, { method: 'PUT', path: `/kv/${hit.start}!after-${id}`, body: 'v' })
        assert.equal(write.status, 204)
      }
      const stale = await http(cluster.address(VICTIM), {
        method: 'GET',
        path: `/kv/${healthy.start}!filler0?consistency=stale`,
      })
      assert.equal(stale.body.length, 8_000)
    })
  })
}
