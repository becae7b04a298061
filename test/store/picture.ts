/** For people, when a test of a cluster has failed: every replica of every store. */
import type { Store } from '../../src/store/index.ts'

export function picture(failures: readonly string[], stores: readonly Store[]): string {
  const lines = [`failures: ${failures.join('; ')}`]
  for (const store of stores) {
    lines.push(`${store.id} ${store.state}, damaged: ${JSON.stringify([...store.damaged])}`)
    for (const replica of store.replicas.values()) {
      const { shard, raft, group, id, role, appliedIndex } = replica
      const range = `[${shard.start}, ${shard.end ?? 'end'}) ${shard.epoch.membership}.${shard.epoch.range}`
      const log = `applied ${appliedIndex} of ${raft.commitIndex} of ${raft.lastIndex}`
      const waits = `queue ${replica.queue.length}${replica.queue.fetching ? ' fetching' : ''}${replica.installing ? ' installing' : ''}`
      const members = JSON.stringify(replica.membership)
      lines.push(`  ${group}/${id} ${role} of ${raft.leader} in ${raft.term} ${range} ${log} ${waits} ${members}`)
    }
  }
  return lines.join('\n')
}
