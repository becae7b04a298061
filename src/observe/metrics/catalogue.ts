/**
 * Every metric of the program: its type, what it says, its unit and labels, and the part that owns it. The page, the reference, the dashboards and the alert
 * rules are made from this table. Names follow Prometheus: base units, `_total` for counters. Node's own metrics (`nodejs_*`, `process_*`) are beside it.
 */
export type MetricOwner = 'raft' | 'storage' | 'transport' | 'placement' | 'gateway' | 'client' | 'process'
export type MetricType = 'counter' | 'gauge' | 'histogram'
export type MetricUnit = 'seconds' | 'bytes' | 'entries' | 'none'

export interface MetricDefinition {
  readonly type: MetricType
  readonly owner: MetricOwner
  readonly help: string
  readonly unit: MetricUnit
  readonly labels: readonly string[]
}

function counter(owner: MetricOwner, help: string, unit: MetricUnit = 'none') {
  return { type: 'counter', owner, help, unit, labels: [] as const } as const
}

function gauge(owner: MetricOwner, help: string, unit: MetricUnit = 'none') {
  return { type: 'gauge', owner, help, unit, labels: [] as const } as const
}

/** A gauge with a series for each of several things. */
function gauges<const Labels extends readonly string[]>(
  owner: MetricOwner,
  help: string,
  unit: MetricUnit,
  labels: Labels,
) {
  return { type: 'gauge', owner, help, unit, labels } as const
}

function histogram(owner: MetricOwner, help: string, labels: readonly string[] = []) {
  return { type: 'histogram', owner, help, unit: 'seconds', labels } as const
}

export const METRICS = {
  // Per group, for the busiest groups of the store.
  raft_term_current: gauges('raft', 'Current term of the replica', 'none', ['group']),
  raft_state: gauges('raft', 'Role of the replica: 0 follower, 1 candidate, 2 leader, 3 learner', 'none', ['group']),
  raft_commit_index: gauges('raft', 'Highest index known to be committed', 'none', ['group']),
  raft_applied_index: gauges('raft', 'Highest index applied', 'none', ['group']),
  raft_log_length: gauges('raft', 'Entries kept in the log of the replica', 'entries', ['group']),
  flotilla_shard_size_bytes: gauges('storage', 'Bytes of the shard, as last estimated', 'bytes', ['group']),
  flotilla_shard_reads_per_second: gauges('client', 'Reads served by this replica', 'none', ['group']),
  flotilla_shard_writes_per_second: gauges('client', 'Writes applied by this replica', 'none', ['group']),

  // Raft, over all groups of the store.
  raft_log_entries_total: counter('raft', 'Entries appended to the logs of this store', 'entries'),
  raft_commits_total: counter('raft', 'Entries applied by this store', 'entries'),
  raft_leader_elections_total: counter('raft', 'Elections won by replicas of this store'),
  raft_leader_changes_total: counter('raft', 'Changes of leader or role seen by replicas of this store'),
  raft_messages_sent_total: counter('raft', 'Raft messages sent to other stores'),
  raft_messages_received_total: counter('raft', 'Raft messages received from other stores'),
  raft_proposals_total: counter('raft', 'Writes proposed by leaders of this store'),
  raft_replicas: gauges('raft', 'Replicas on this store by role', 'none', ['role']),
  raft_leaderless_replicas: gauge('raft', 'Replicas on this store that know no leader'),
  raft_commit_lag_entries: gauge('raft', 'Entries committed and not yet applied, over all replicas', 'entries'),
  raft_apply_queue_entries: gauge('raft', 'Entries waiting for the state machines', 'entries'),
  raft_writes_waiting: gauge('raft', 'Writes waiting for their group'),
  raft_reads_waiting: gauge('raft', 'Reads waiting for a quorum round'),

  // The log and the data.
  storage_syncs_total: counter('storage', 'Writes of the shared log made durable'),
  storage_sync_duration_seconds: histogram('storage', 'Seconds until a write of the shared log was durable'),
  storage_log_bytes_total: counter('storage', 'Bytes written to the shared log', 'bytes'),
  storage_log_segments: gauge('storage', 'Segment files of the shared log'),
  storage_log_size_bytes: gauge('storage', 'Bytes of segment files of the shared log', 'bytes'),
  storage_overlay_bytes: gauge('storage', 'Applied bytes that only memory holds', 'bytes'),
  storage_flush_duration_seconds: histogram('storage', 'Seconds until applied writes were durable in the engine'),
  storage_data_bytes: gauge('storage', 'Bytes of all shards on this store, as last estimated', 'bytes'),
  storage_damaged_groups: gauge('storage', 'Groups that do not run here because their log or data is damaged'),
  storage_snapshots_sending: gauge('storage', 'Snapshots on their way to other stores'),

  // Connections.
  transport_frames_sent_total: counter('transport', 'Frames sent to other processes'),
  transport_frames_received_total: counter('transport', 'Frames received from other processes'),
  transport_sent_bytes_total: counter('transport', 'Bytes of frames sent', 'bytes'),
  transport_received_bytes_total: counter('transport', 'Bytes of frames received', 'bytes'),
  transport_items_dropped_total: counter('transport', 'One-way items dropped for lack of credit or connection'),
  transport_replies_dropped_total: counter('transport', 'Answers whose asker was gone, or that found no room'),
  transport_replies_late_total: counter('transport', 'Answers that came after their request had ended'),
  transport_malformed_frames_total: counter('transport', 'Frames that could not be read'),
  transport_stale_frames_total: counter('transport', 'Frames that came twice or too late'),
  transport_fragments_dropped_total: counter('transport', 'Messages of which a fragment was missing'),
  transport_credit_stalls_total: counter('transport', 'Times a destination ran out of credit'),
  transport_reconnects_total: counter('transport', 'Connections to the broker that were lost and came back'),
  transport_requests_pending: gauge('transport', 'Requests to other processes without an answer yet'),
  transport_peers: gauge('transport', 'Processes that are remembered'),
  transport_connected: gauge('transport', '1 while all connections to the broker are open, else 0'),

  // The shard map and the placement driver.
  placement_map_version: gauge('placement', 'Version of the shard map this store knows'),
  placement_shards: gauge('placement', 'Shards in the map this store knows'),
  placement_stores: gauges('placement', 'Stores in the map this store knows, by state', 'none', ['state']),
  placement_driver_leads: gauge('placement', '1 on the store that acts as placement driver, else 0'),
  placement_unanswered_seconds: gauge('placement', 'Seconds since the driver answered a heartbeat', 'seconds'),

  // Requests.
  flotilla_http_request_duration_seconds: histogram(
    'gateway',
    'Seconds from the head of an HTTP request to the end of its answer',
    ['route', 'method', 'status'],
  ),
  flotilla_http_requests_in_progress: gauge('gateway', 'HTTP requests without an answer yet'),
  flotilla_reads_total: counter('client', 'Linearizable reads served by leaders of this store'),
  flotilla_router_calls_total: counter('client', 'Requests that the router of this process took'),
  flotilla_router_attempts_total: counter('client', 'Attempts of the router, retries among them'),
  flotilla_router_failures_total: counter('client', 'Requests that the router had to fail'),

  // The process.
  flotilla_ready: gauge('process', '1 when the store can serve, else 0'),
  flotilla_replicas: gauge('process', 'Replicas on this store'),
  flotilla_leaders: gauge('process', 'Groups led by this store'),
  flotilla_uptime_seconds: gauge('process', 'Seconds since the store started', 'seconds'),
  flotilla_loop_turns_total: counter('process', 'Turns of the store loop'),
  flotilla_loop_busy_seconds_total: counter('process', 'Seconds spent in turns of the store loop', 'seconds'),
  flotilla_events_total: counter('process', 'Events emitted'),
  flotilla_events_dropped_total: counter('process', 'Events that an output could not take in time'),
  flotilla_event_output_failures_total: counter('process', 'Times that an output of events failed'),
  flotilla_rpc_log_rows: gauge('process', 'Rows of the RPC log'),
  flotilla_rpc_log_dropped_total: counter('process', 'Messages that found no room on their way to the RPC log'),
  flotilla_build_info: gauges('process', 'Always 1; the version is a label', 'none', ['version']),
} as const satisfies Readonly<Record<string, MetricDefinition>>

export type MetricName = keyof typeof METRICS
