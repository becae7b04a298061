import type { GroupReading, MetricsReading } from '../observe/index.ts'
import type { Replica } from '../store/index.ts'
import type { Node } from './node.ts'

/** The numbers of one node, as its parts count them. */
export function readMetrics(node: Node): MetricsReading {
  const { store, log, data, transport } = node
  const { loop } = store
  const logStats = log.stats()
  const wire = transport.stats()
  const replicas = [...store.replicas.values()]
  return {
    groups: replicas.map(readGroup),
    counters: {
      raft_log_entries_total: logStats.entriesAppended,
      raft_commits_total: loop.stats.entriesApplied,
      raft_leader_elections_total: loop.stats.elections,
      raft_messages_sent_total: loop.stats.messagesSent,
      raft_proposals_total: loop.stats.writesProposed,
      flotilla_reads_total: loop.stats.readsServed,
      flotilla_loop_turns_total: loop.stats.turns,
      storage_syncs_total: logStats.syncs,
      storage_log_bytes_total: logStats.bytesWritten,
      transport_frames_sent_total: wire.framesSent,
      transport_frames_received_total: wire.framesReceived,
      transport_sent_bytes_total: wire.bytesSent,
      transport_received_bytes_total: wire.bytesReceived,
      transport_items_dropped_total: wire.itemsDropped,
      transport_malformed_frames_total: wire.malformedFrames,
      transport_reconnects_total: wire.reconnects,
    },
    gauges: {
      flotilla_ready: node.notReady().length === 0 ? 1 : 0,
      flotilla_replicas: replicas.length,
      flotilla_leaders: replicas.filter((replica) => replica.isLeader).length,
      flotilla_damaged_groups: store.damaged.size,
      flotilla_uptime_seconds: store.uptimeSeconds,
      placement_map_version: store.map.map.version,
      storage_log_segments: logStats.segments,
      storage_log_size_bytes: logStats.bytes,
      storage_overlay_bytes: data.overlayBytes,
      transport_requests_pending: wire.requestsPending,
    },
  }
}

function readGroup(replica: Replica): GroupReading {
  return {
    group: replica.group,
    term: replica.raft.term,
    state: roleNumber(replica),
    commitIndex: replica.raft.commitIndex,
    appliedIndex: replica.appliedIndex,
    logEntries: replica.log.lastIndex() - replica.log.firstIndex() + 1,
  }
}

function roleNumber(replica: Replica): 0 | 1 | 2 | 3 {
  if (replica.role === 'leader') return 2
  if (replica.role !== 'follower') return 1
  return replica.membership.learners.includes(replica.id) ? 3 : 0
}
