import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/**
 * The metrics page of one process. Counting happens where things happen, with plain numbers; this file reads them when somebody
 * scrapes, so that metrics cost the hot path nothing. Per-group series are capped; totals always cover all groups.
 */
export interface GroupReading {
  readonly group: number
  readonly term: number
  /** 0 follower, 1 candidate, 2 leader, 3 learner. */
  readonly state: 0 | 1 | 2 | 3
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly logEntries: number
}

export interface MetricsReading {
  readonly groups: readonly GroupReading[]
  /** Name to value, for every counter of COUNTERS. */
  readonly counters: Readonly<Record<CounterName, number>>
  /** Name to value, for every gauge of GAUGES. */
  readonly gauges: Readonly<Record<GaugeName, number>>
}

const COUNTERS = {
  raft_log_entries_total: 'Entries appended to the logs of this store',
  raft_commits_total: 'Entries applied by this store',
  raft_leader_elections_total: 'Elections won by replicas of this store',
  raft_messages_sent_total: 'Raft messages sent to other stores',
  raft_proposals_total: 'Writes proposed by leaders of this store',
  flotilla_reads_total: 'Linearizable reads served by leaders of this store',
  flotilla_loop_turns_total: 'Turns of the store loop',
  storage_syncs_total: 'Writes of the shared log made durable (fdatasync)',
  storage_log_bytes_total: 'Bytes written to the shared log',
  transport_frames_sent_total: 'Frames sent to other processes',
  transport_frames_received_total: 'Frames received from other processes',
  transport_sent_bytes_total: 'Bytes of frames sent',
  transport_received_bytes_total: 'Bytes of frames received',
  transport_items_dropped_total: 'One-way items dropped for lack of credit or connection',
  transport_malformed_frames_total: 'Frames that could not be read',
  transport_reconnects_total: 'Connections to the broker that were lost and came back',
} as const

const GAUGES = {
  flotilla_ready: '1 when the store can serve, else 0',
  flotilla_replicas: 'Replicas on this store',
  flotilla_leaders: 'Groups led by this store',
  flotilla_damaged_groups: 'Groups that do not run here because their log or data is damaged',
  flotilla_uptime_seconds: 'Seconds since the store started',
  placement_map_version: 'Version of the shard map this store knows',
  storage_log_segments: 'Segment files of the shared log',
  storage_log_size_bytes: 'Bytes of segment files of the shared log',
  storage_overlay_bytes: 'Applied bytes that only memory holds',
  transport_requests_pending: 'Requests to other processes without an answer yet',
} as const

export type CounterName = keyof typeof COUNTERS
export type GaugeName = keyof typeof GAUGES

/** Groups with series of their own: those with the highest commit index, for they are the busiest. */
const GROUPS_MAX = 50
const REQUEST_BUCKETS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]

export interface MetricsPage {
  readonly contentType: string
  metrics(): Promise<string>
  observe(route: string, method: string, status: number, seconds: number): void
}

export function createMetrics(read: () => MetricsReading): MetricsPage {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const counters = Object.entries(COUNTERS).map(([name, help]) => ({
    name: name as CounterName,
    counter: new Counter({ name, help, registers }),
  }))
  const gauges = Object.entries(GAUGES).map(([name, help]) => ({
    name: name as GaugeName,
    gauge: new Gauge({ name, help, registers }),
  }))
  const perGroup = (name: string, help: string): Gauge<'group'> =>
    new Gauge({ name, help, labelNames: ['group'], registers })
  const term = perGroup('raft_term_current', 'Current term of the replica')
  const state = perGroup('raft_state', 'Role of the replica: 0 follower, 1 candidate, 2 leader, 3 learner')
  const commit = perGroup('raft_commit_index', 'Highest index known to be committed')
  const applied = perGroup('raft_applied_index', 'Highest index applied')
  const entries = perGroup('raft_log_length', 'Entries kept in the log of the replica')
  const requests = new Histogram({
    name: 'flotilla_http_request_duration_seconds',
    help: 'Seconds from the head of an HTTP request to the end of its answer',
    labelNames: ['route', 'method', 'status'],
    buckets: REQUEST_BUCKETS_SECONDS,
    registers,
  })
  const children = new Map<string, { observe(seconds: number): void }>()
  return {
    contentType: registry.contentType,
    async metrics() {
      const reading = read()
      for (const { name, counter } of counters) {
        counter.reset()
        counter.inc(reading.counters[name])
      }
      for (const { name, gauge } of gauges) gauge.set(reading.gauges[name])
      for (const gauge of [term, state, commit, applied, entries]) gauge.reset()
      for (const group of busiest(reading.groups)) {
        const labels = { group: String(group.group) }
        term.set(labels, group.term)
        state.set(labels, group.state)
        commit.set(labels, group.commitIndex)
        applied.set(labels, group.appliedIndex)
        entries.set(labels, group.logEntries)
      }
      return registry.metrics()
    },
    observe(route, method, status, seconds): void {
      const key = `${route} ${method} ${status}`
      let child = children.get(key)
      if (child === undefined) {
        child = requests.labels({ route, method, status: String(status) })
        children.set(key, child)
      }
      child.observe(seconds)
    },
  }
}

function busiest(groups: readonly GroupReading[]): readonly GroupReading[] {
  if (groups.length <= GROUPS_MAX) return groups
  return [...groups].sort((left, right) => right.commitIndex - left.commitIndex).slice(0, GROUPS_MAX)
}
