import { PLACEMENT_SHARD } from '../../shard-map/index.ts'
import { busiest, type EventBus, type PartReading, type RpcLog, type Sample } from '../observe/index.ts'
import type { Replica } from '../store/index.ts'
import type { Node } from './node.ts'
import { VERSION } from './version.ts'

/** The numbers of one node, as its parts count them, for a scrape. */
export interface MeteredParts {
  readonly node: Node
  readonly events: Pick<EventBus, 'stats'>
  readonly rpcLog: Pick<RpcLog, 'rows' | 'dropped'>
  /** HTTP requests without an answer. */
  readonly inflight: () => number
}

export function readMetrics({ node, events, rpcLog, inflight }: MeteredParts): PartReading {
  const replicas = [...node.store.replicas.values()]
  return {
    ...readGroups(replicas),
    ...readRaft(node, replicas),
    ...readStorage(node, replicas),
    ...readTransport(node),
    ...readPlacement(node),
    flotilla_http_requests_in_progress: inflight(),
    flotilla_reads_total: node.store.loop.stats.readsServed,
    flotilla_router_calls_total: node.router.stats.calls,
    flotilla_router_attempts_total: node.router.stats.attempts,
    flotilla_router_failures_total: node.router.stats.failures,
    flotilla_ready: node.notReady().length === 0 ? 1 : 0,
    flotilla_replicas: replicas.length,
    flotilla_leaders: count(replicas, (replica) => replica.isLeader),
    flotilla_uptime_seconds: node.store.uptimeSeconds,
    flotilla_loop_turns_total: node.store.loop.stats.turns,
    flotilla_loop_busy_seconds_total: node.store.loop.stats.busyMs / 1000,
    flotilla_events_total: events.stats.emitted,
    flotilla_events_dropped_total: events.stats.dropped,
    flotilla_event_output_failures_total: events.stats.outputFailures,
    flotilla_rpc_log_rows: rpcLog.rows,
    flotilla_rpc_log_dropped_total: rpcLog.dropped,
    flotilla_build_info: [{ labels: [VERSION], value: 1 }],
  }
}

function readGroups(replicas: readonly Replica[]) {
  const groups = busiest(replicas.map((replica) => ({ replica, commitIndex: replica.raft.commitIndex })))
  const each = (value: (replica: Replica) => number): Sample[] =>
    groups.map(({ replica }) => ({ labels: [String(replica.group)], value: value(replica) }))
  return {
    raft_term_current: each((replica) => replica.raft.term),
    raft_state: each((replica) => ROLES.indexOf(roleOf(replica))),
    raft_commit_index: each((replica) => replica.raft.commitIndex),
    raft_applied_index: each((replica) => replica.appliedIndex),
    raft_log_length: each((replica) => replica.log.lastIndex() - replica.log.firstIndex() + 1),
    flotilla_shard_size_bytes: each((replica) => replica.bytes),
    flotilla_shard_reads_per_second: each((replica) => replica.load.rates.readsPerSecond),
    flotilla_shard_writes_per_second: each((replica) => replica.load.rates.writesPerSecond),
  }
}

function readRaft({ store, log }: Node, replicas: readonly Replica[]) {
  const { stats } = store.loop
  return {
    raft_log_entries_total: log.stats().entriesAppended,
    raft_commits_total: stats.entriesApplied,
    raft_leader_elections_total: stats.elections,
    raft_leader_changes_total: stats.leadershipChanges,
    raft_messages_sent_total: stats.messagesSent,
    raft_messages_received_total: stats.messagesReceived,
    raft_proposals_total: stats.writesProposed,
    raft_replicas: ROLES.map((role) => ({
      labels: [role],
      value: count(replicas, (replica) => roleOf(replica) === role),
    })),
    raft_leaderless_replicas: count(replicas, (replica) => replica.leader === 0),
    raft_commit_lag_entries: sum(replicas, (replica) => replica.raft.commitIndex - replica.appliedIndex),
    raft_apply_queue_entries: sum(replicas, (replica) => replica.queue.length),
    raft_writes_waiting: sum(replicas, (replica) => replica.writes.size),
    raft_reads_waiting: sum(replicas, (replica) => replica.reads.size),
  }
}

function readStorage({ store, log, data }: Node, replicas: readonly Replica[]) {
  const stats = log.stats()
  return {
    storage_syncs_total: stats.syncs,
    storage_sync_duration_seconds: [{ labels: [], histogram: store.loop.stats.syncSeconds }],
    storage_log_bytes_total: stats.bytesWritten,
    storage_log_segments: stats.segments,
    storage_log_size_bytes: stats.bytes,
    storage_overlay_bytes: data.overlayBytes,
    storage_flush_duration_seconds: [{ labels: [], histogram: store.loop.stats.flushSeconds }],
    storage_data_bytes: sum(replicas, (replica) => replica.bytes),
    storage_damaged_groups: store.damaged.size,
    storage_snapshots_sending: store.snapshots.sending,
  }
}

function readTransport({ transport }: Node) {
  const wire = transport.stats()
  return {
    transport_frames_sent_total: wire.framesSent,
    transport_frames_received_total: wire.framesReceived,
    transport_sent_bytes_total: wire.bytesSent,
    transport_received_bytes_total: wire.bytesReceived,
    transport_items_dropped_total: wire.itemsDropped,
    transport_replies_dropped_total: wire.repliesDropped,
    transport_replies_late_total: wire.repliesLate,
    transport_malformed_frames_total: wire.malformedFrames,
    transport_stale_frames_total: wire.staleFrames,
    transport_fragments_dropped_total: wire.fragmentsDropped,
    transport_credit_stalls_total: wire.creditStalls,
    transport_reconnects_total: wire.reconnects,
    transport_requests_pending: wire.requestsPending,
    transport_peers: wire.peers,
    transport_connected: transport.state === 'open' ? 1 : 0,
  }
}

const STORE_STATES = ['up', 'draining', 'decommissioning', 'gone', 'registered'] as const

function readPlacement({ store }: Node) {
  const { map } = store.map
  return {
    placement_map_version: map.version,
    placement_shards: map.shards.length,
    placement_stores: STORE_STATES.map((state) => ({
      labels: [state],
      value: map.stores.filter((known) => known.state === state).length,
    })),
    placement_driver_leads: store.replicas.get(PLACEMENT_SHARD)?.isLeader === true ? 1 : 0,
    placement_unanswered_seconds: store.unansweredMs / 1000,
  }
}

/** In the order of the numbers that stand for them. */
const ROLES = ['follower', 'candidate', 'leader', 'learner'] as const

function roleOf(replica: Replica): (typeof ROLES)[number] {
  if (replica.role === 'leader') return 'leader'
  if (replica.role !== 'follower') return 'candidate'
  return replica.membership.learners.includes(replica.id) ? 'learner' : 'follower'
}

function count(replicas: readonly Replica[], holds: (replica: Replica) => boolean): number {
  return replicas.filter(holds).length
}

function sum(replicas: readonly Replica[], value: (replica: Replica) => number): number {
  return replicas.reduce((total, replica) => total + value(replica), 0)
}
