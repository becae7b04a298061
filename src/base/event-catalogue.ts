/**
 * Every event of the program: its family, its level, what it means and what it tells. This table is the vocabulary; the types in `events.ts`,
 * the reference page and the filters are made from it. Whoever emits a new event adds its row here. It emits nothing itself.
 */
import type { LogLevel } from './log.ts'

/** What a field of an event's data is; a question mark says that it may be absent. */
export type EventField = 'text' | 'number' | 'flag' | 'text?' | 'number?' | 'flag?'

/** Events of a group family always name their group. */
export type GroupFamily = 'raft' | 'log' | 'snapshot' | 'replica' | 'shard'
export type EventFamily = GroupFamily | 'process' | 'storage' | 'placement' | 'transport' | 'gateway' | 'events'

export interface EventDefinition {
  readonly family: EventFamily
  readonly level: LogLevel
  /** One sentence. */
  readonly meaning: string
  readonly data: Readonly<Record<string, EventField>>
  /** Happens with every write: built only while somebody asked for exactly this type. */
  readonly isFrequent: boolean
}

function row<
  Family extends EventFamily,
  const Data extends Readonly<Record<string, EventField>> = Record<never, never>,
>(family: Family, level: LogLevel, meaning: string, data: Data = {} as Data, isFrequent = false) {
  return { family, level, meaning, data, isFrequent } as const
}

export const EVENT_CATALOGUE = {
  // The process and its life.
  node_starting: row('process', 'info', 'The process begins to open its store.', { version: 'text', pid: 'number' }),
  node_started: row('process', 'info', 'The store runs and its gateway listens.', { address: 'text', version: 'text' }),
  node_stopping: row('process', 'info', 'An orderly stop began: no new requests, leaders are handed over.'),
  node_stopped: row('process', 'info', 'Everything is flushed and closed.'),
  node_ready: row('process', 'info', 'The store can serve, and could not before.'),
  node_not_ready: row('process', 'warn', 'The store can no longer serve.', { reason: 'text' }),
  config_reloaded: row('process', 'info', 'The configuration was read again; what may change has changed.', {
    tokens: 'number',
  }),
  config_applied: row('process', 'info', 'The store goes by new settings of the cluster.', {
    version: 'number',
    settings: 'text',
  }),
  broker_hosted: row('process', 'info', 'This process hosts the embedded broker.', { url: 'text' }),
  store_failed: row('process', 'error', 'The store cannot go on and the process ends.', { error: 'text' }),

  // The Raft core.
  state_changed: row('raft', 'debug', 'The role of a replica changed.', { from: 'text', to: 'text' }),
  pre_vote_started: row(
    'raft',
    'debug',
    'A replica heard no leader in time and asks whether it could win an election.',
  ),
  election_started: row('raft', 'info', 'A replica became candidate and asks for votes.'),
  election_won: row('raft', 'info', 'A replica of this store won an election and leads its group.'),
  election_lost: row('raft', 'info', 'A candidate of this store gave up: another leads, or the vote failed.'),
  vote_granted: row('raft', 'debug', 'This replica gave its vote.', { preVote: 'flag' }),
  vote_refused: row('raft', 'debug', 'This replica refused its vote.', { preVote: 'flag' }),
  vote_ignored: row('raft', 'debug', 'A vote was asked for while the leader is known to live, and was not considered.'),
  vote_received: row('raft', 'debug', 'A vote, or its refusal, came in.', { granted: 'flag', preVote: 'flag' }),
  campaign_refused: row('raft', 'debug', 'A replica may not campaign now.', { reason: 'text' }),
  leader_changed: row('raft', 'info', 'Another store leads the group than this store knew.'),
  leader_lost: row('raft', 'info', 'The replica knows no leader any more.'),
  leadership_lost: row('raft', 'info', 'A replica of this store leads no longer.', { to: 'text' }),
  quorum_lost: row('raft', 'warn', 'A leader heard of no quorum for an election time-out and steps down.'),
  append_refused: row('raft', 'debug', 'Entries of the leader do not fit this log yet; it will back off.', {
    prevLogIndex: 'number',
  }),
  peer_backed_off: row('raft', 'debug', 'A leader found where a follower’s log still agrees.', { nextIndex: 'number' }),
  peer_unreachable: row('raft', 'debug', 'A message to a member could not be delivered.'),
  leader_transfer_started: row('raft', 'info', 'A leader begins to hand its group over.'),
  leader_transfer_aborted: row('raft', 'warn', 'The member that was to lead did not take over in time.'),
  election_handed_over: row('raft', 'info', 'The member that is to lead was told to campaign now.'),

  // Members of groups.
  member_added: row('replica', 'info', 'A replica joined the group.', { replica: 'number', role: 'text' }),
  member_removed: row('replica', 'info', 'A replica left the group.', { replica: 'number' }),
  member_role_changed: row('replica', 'info', 'A member changed its role.', {
    replica: 'number',
    from: 'text',
    to: 'text',
  }),
  membership_refused: row('replica', 'warn', 'A membership change was refused.', { reason: 'text' }),
  joint_membership_leaving: row('replica', 'debug', 'The group leaves its joint membership.'),
  replica_called: row('replica', 'info', 'A message called a new replica into being.', { replica: 'number' }),
  replica_created: row('replica', 'info', 'A replica begins its life or its next one on this store.', {
    replica: 'number',
  }),
  replica_removed: row('replica', 'info', 'A replica left this store; its data is deleted.', {
    replica: 'number',
    reason: 'text',
  }),
  replica_damaged: row('replica', 'error', 'A running replica met damage and takes no further part.', {
    reason: 'text',
  }),
  corruption_detected: row('replica', 'error', 'Log or data of a replica cannot be read.', { reason: 'text' }),

  // The shared log.
  log_appended: row('log', 'debug', 'Entries were given to the log.', { entries: 'number' }, true),
  log_committed: row('log', 'debug', 'Entries are known to be committed.', { entries: 'number' }, true),
  log_compacted: row('log', 'debug', 'The log was shortened up to an index.'),
  log_write_superseded: row('log', 'debug', 'A log write ended that another leader had overwritten meanwhile.'),
  log_sync_slow: row('storage', 'warn', 'Making the log durable took long.', { durationMs: 'number' }),

  // Snapshots.
  snapshot_created: row('snapshot', 'debug', 'The export of a snapshot began.'),
  snapshot_sending: row('snapshot', 'info', 'A snapshot is on its way to a follower.'),
  snapshot_sent: row('snapshot', 'info', 'A follower has put a snapshot in place.', {
    chunks: 'number',
    reason: 'text?',
  }),
  snapshot_installed: row('snapshot', 'info', 'A snapshot replaced the data of a replica here.'),
  snapshot_failed: row('snapshot', 'warn', 'A snapshot did not get through.', { reason: 'text?', chunks: 'number?' }),
  snapshot_ignored: row('snapshot', 'debug', 'A snapshot was offered that the replica does not need.'),

  // Shards.
  split_applied: row('shard', 'info', 'The shard was cut.', { children: 'text' }),
  merge_prepared: row('shard', 'info', 'The shard stopped, to be taken in by its neighbour.', { target: 'number' }),
  merge_committed: row('shard', 'info', 'The shard took in its neighbour.', { source: 'number' }),
  merge_rolled_back: row('shard', 'info', 'The shard goes on: its merge was given up.'),

  // What is on the disk.
  store_recovered: row('storage', 'info', 'What the disk held is running again.', {
    replicas: 'number',
    damaged: 'number',
  }),
  data_flushed: row('storage', 'debug', 'Applied writes were made durable in the engine.', {
    bytes: 'number',
    durationMs: 'number',
  }),
  rpc_log_failed: row('storage', 'warn', 'The RPC log cannot be written any more; the store goes on without.', {
    error: 'text',
  }),
  disk_full: row('storage', 'error', 'A write failed for lack of room; the process ends.', { error: 'text' }),

  // The placement driver.
  placement_led: row('placement', 'info', 'This store acts as placement driver from now on.'),
  placement_left: row('placement', 'info', 'This store acts as placement driver no longer.'),
  cluster_bootstrapped: row('placement', 'info', 'The first shard map was founded.', { shards: 'number' }),
  map_updated: row('placement', 'info', 'The shard map has a new version.', { version: 'number' }),
  replicas_creating: row('placement', 'info', 'The map expects replicas here that have never existed.', {
    mapVersion: 'number',
  }),
  store_registered: row('placement', 'info', 'A store is known to the cluster now.', { address: 'text' }),
  store_updated: row('placement', 'info', 'A store changed its address or version.', { address: 'text' }),
  store_suspected: row('placement', 'warn', 'The placement driver misses heartbeats of a store.'),
  store_down: row('placement', 'error', 'A store was silent for so long that it counts as down.'),
  store_up: row('placement', 'info', 'A store is heard again.'),
  hot_key_found: row(
    'placement',
    'warn',
    'One key has the requests of its busy shard nearly to itself, so that no split would help.',
    { keyShare: 'number', opsPerSecond: 'number' },
  ),
  config_changed: row('placement', 'info', 'Somebody changed settings of the cluster over HTTP.', {
    version: 'number',
    by: 'text',
    changes: 'text',
    requestId: 'text',
    unreached: 'text?',
  }),
  operator_started: row('placement', 'info', 'The placement driver begins to change a shard, or lets a store leave.', {
    operator: 'number',
    kind: 'text',
    reason: 'text',
  }),
  operator_finished: row('placement', 'info', 'An operator has ended.', {
    operator: 'number',
    kind: 'text',
    state: 'text',
    reason: 'text',
    error: 'text?',
  }),

  // Connections.
  transport_open: row('transport', 'info', 'All connections to the broker are open.'),
  transport_reconnecting: row('transport', 'warn', 'A connection to the broker is lost; it is tried again.'),
  transport_closed: row('transport', 'info', 'The connections to the broker are closed.'),

  // The HTTP face.
  gateway_listening: row('gateway', 'info', 'The gateway takes requests.', { address: 'text' }),
  gateway_draining: row('gateway', 'info', 'The gateway takes no new requests and finishes those in progress.', {
    inflight: 'number',
  }),
  gateway_closed: row('gateway', 'info', 'The gateway closed its last connection.'),
  request_failed: row('gateway', 'error', 'A request failed in a way that no code foresaw.', {
    route: 'text',
    requestId: 'text',
  }),
  admin_action: row(
    'gateway',
    'info',
    'Somebody changed the cluster, or looked at its inside, over HTTP; the token is named, never shown.',
    {
      action: 'text',
      path: 'text',
      status: 'number',
      address: 'text',
      requestId: 'text',
      token: 'text?',
    },
  ),
  admin_refused: row(
    'gateway',
    'warn',
    'Somebody tried an operating route without the token or the role that it needs. When there are many, most are only counted (untold).',
    {
      action: 'text',
      path: 'text',
      status: 'number',
      address: 'text',
      requestId: 'text',
      token: 'text?',
      untold: 'number?',
    },
  ),

  // The events themselves.
  events_dropped: row('events', 'warn', 'An output could not keep up, and events to it were lost.', {
    output: 'text',
    count: 'number',
  }),
  event_output_failed: row('events', 'warn', 'An output could not take events.', { output: 'text', error: 'text' }),
} as const

export type EventType = keyof typeof EVENT_CATALOGUE
