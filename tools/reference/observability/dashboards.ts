/**
 * The dashboards for Grafana, as data: which metrics of the catalogue stand where, and the few panels that put several together. What a panel asks and how
 * its numbers are written follows from the catalogue; `grafana.ts` makes the documents.
 */
import type { MetricName } from '../../../src/observe/index.ts'
import { type Query, quantile, ratePerSecond, series, sumBy } from './expressions.ts'

export interface CustomPanel {
  readonly title: string
  readonly description: string
  readonly kind: 'stat' | 'timeseries'
  readonly unit: string
  readonly queries: readonly Query[]
}

export interface Row {
  readonly title: string
  /** A name stands for the panel that its catalogue row makes. */
  readonly panels: readonly (MetricName | CustomPanel)[]
}

export interface Dashboard {
  /** Part of its address in Grafana, and the name of its file. */
  readonly uid: string
  readonly title: string
  readonly description: string
  /** `instance`: of the stores that are chosen at its top. `cluster`: of all of them together. */
  readonly scope: 'instance' | 'cluster'
  readonly rows: readonly Row[]
}

function stat(title: string, description: string, expr: string, unit = 'short'): CustomPanel {
  return { title, description, kind: 'stat', unit, queries: [{ expr, legend: title }] }
}

function graph(title: string, description: string, unit: string, ...queries: readonly Query[]): CustomPanel {
  return { title, description, kind: 'timeseries', unit, queries }
}

const CHOSEN = 'instance=~"$instance"'
const HTTP = 'flotilla_http_request_duration_seconds'
const requestRate = (matcher: string): string => `rate(${HTTP}_count${matcher}[$__rate_interval])`

const OVERVIEW: Dashboard = {
  uid: 'flotilla-overview',
  title: 'Flotilla: cluster overview',
  description: 'Is it well, how much does it do, and who does it.',
  scope: 'cluster',
  rows: [
    {
      title: 'Health',
      panels: [
        stat('Stores ready', 'Stores that can serve', sumBy([], series('flotilla_ready'))),
        stat('Stores asked', 'Stores that Prometheus asks', `count(${series('flotilla_ready')})`),
        stat('Replicas without a leader', 'None when all is well', sumBy([], series('raft_leaderless_replicas'))),
        stat('Damaged replicas', 'None when all is well', sumBy([], series('storage_damaged_groups'))),
        stat('Shards', 'Shards in the newest map that a store knows', `max(${series('placement_shards')})`),
        stat('Placement drivers', 'One when all is well', sumBy([], series('placement_driver_leads'))),
      ],
    },
    {
      title: 'Work',
      panels: [
        graph('Requests by status', 'HTTP requests that ended', 'reqps', {
          expr: sumBy(['status'], requestRate('')),
          legend: '{{status}}',
        }),
        HTTP,
        'raft_proposals_total',
        'flotilla_reads_total',
        'raft_commits_total',
        'storage_data_bytes',
      ],
    },
    {
      title: 'Who does it',
      panels: [
        graph('Leaders by store', 'Groups led by each store', 'short', {
          expr: sumBy(['instance'], series('flotilla_leaders')),
          legend: '{{instance}}',
        }),
        graph('Replicas by store', 'Replicas on each store', 'short', {
          expr: sumBy(['instance'], series('flotilla_replicas')),
          legend: '{{instance}}',
        }),
        graph('Processor by store', 'Share of one core', 'percentunit', {
          expr: sumBy(['instance'], ratePerSecond('process_cpu_seconds_total')),
          legend: '{{instance}}',
        }),
        graph('Versions', 'Stores by version', 'short', {
          expr: `count by (version) (${series('flotilla_build_info')})`,
          legend: '{{version}}',
        }),
        'raft_leader_elections_total',
        'raft_leader_changes_total',
      ],
    },
  ],
}

const NODES: Dashboard = {
  uid: 'flotilla-nodes',
  title: 'Flotilla: node details',
  description: 'One store, or several beside each other: process, disk, connections.',
  scope: 'instance',
  rows: [
    {
      title: 'Process',
      panels: [
        'flotilla_ready',
        'flotilla_uptime_seconds',
        graph('Processor', 'Share of one core', 'percentunit', {
          expr: sumBy(['instance'], ratePerSecond('process_cpu_seconds_total', CHOSEN)),
          legend: '{{instance}}',
        }),
        graph(
          'Memory',
          'Resident, and the heap in it',
          'bytes',
          { expr: series('process_resident_memory_bytes', CHOSEN), legend: 'resident {{instance}}' },
          { expr: series('nodejs_heap_size_used_bytes', CHOSEN), legend: 'heap used {{instance}}' },
          { expr: series('nodejs_heap_size_total_bytes', CHOSEN), legend: 'heap {{instance}}' },
          { expr: series('nodejs_external_memory_bytes', CHOSEN), legend: 'external {{instance}}' },
        ),
        graph(
          'Delay of the event loop',
          'How late timers come',
          's',
          { expr: series('nodejs_eventloop_lag_p50_seconds', CHOSEN), legend: 'p50 {{instance}}' },
          { expr: series('nodejs_eventloop_lag_p99_seconds', CHOSEN), legend: 'p99 {{instance}}' },
        ),
        graph('Garbage collection', 'Share of time spent collecting', 'percentunit', {
          expr: `sum by (instance, kind) (rate(nodejs_gc_duration_seconds_sum{${CHOSEN}}[$__rate_interval]))`,
          legend: '{{kind}} {{instance}}',
        }),
        'flotilla_loop_busy_seconds_total',
        'flotilla_loop_turns_total',
        graph('Open files', 'File descriptors in use', 'short', {
          expr: series('process_open_fds', CHOSEN),
          legend: '{{instance}}',
        }),
        'flotilla_replicas',
        'flotilla_leaders',
        'flotilla_build_info',
      ],
    },
    {
      title: 'Disk',
      panels: [
        'storage_log_size_bytes',
        'storage_log_segments',
        'storage_log_bytes_total',
        'storage_overlay_bytes',
        'storage_snapshots_sending',
        'storage_damaged_groups',
      ],
    },
    {
      title: 'Connections',
      panels: [
        'transport_connected',
        'transport_reconnects_total',
        'transport_frames_sent_total',
        'transport_frames_received_total',
        'transport_sent_bytes_total',
        'transport_received_bytes_total',
        'transport_peers',
        'transport_requests_pending',
        'transport_credit_stalls_total',
        'transport_items_dropped_total',
        'transport_replies_dropped_total',
        'transport_replies_late_total',
        'transport_malformed_frames_total',
        'transport_stale_frames_total',
        'transport_fragments_dropped_total',
      ],
    },
    {
      title: 'What it writes down',
      panels: [
        'flotilla_events_total',
        'flotilla_events_dropped_total',
        'flotilla_event_output_failures_total',
        'flotilla_rpc_log_rows',
        'flotilla_rpc_log_dropped_total',
      ],
    },
  ],
}

const PERFORMANCE: Dashboard = {
  uid: 'flotilla-performance',
  title: 'Flotilla: performance',
  description: 'Where the time of a request goes: gateway, router, quorum, disk.',
  scope: 'instance',
  rows: [
    {
      title: 'Requests',
      panels: [
        graph('Requests by route', 'HTTP requests that ended', 'reqps', {
          expr: sumBy(['method', 'route'], requestRate(`{${CHOSEN}}`)),
          legend: '{{method}} {{route}}',
        }),
        graph('p99 by route', 'Seconds until the end of the answer', 's', {
          expr: quantile(0.99, HTTP, ['method', 'route'], CHOSEN),
          legend: '{{method}} {{route}}',
        }),
        HTTP,
        'flotilla_http_requests_in_progress',
        'flotilla_router_calls_total',
        'flotilla_router_attempts_total',
        'flotilla_router_failures_total',
        'flotilla_reads_total',
      ],
    },
    {
      title: 'Quorum',
      panels: [
        'raft_proposals_total',
        'raft_commits_total',
        'raft_log_entries_total',
        'raft_messages_sent_total',
        'raft_messages_received_total',
        'raft_writes_waiting',
        'raft_reads_waiting',
        'raft_commit_lag_entries',
        'raft_apply_queue_entries',
      ],
    },
    {
      title: 'Disk',
      panels: ['storage_sync_duration_seconds', 'storage_syncs_total', 'storage_flush_duration_seconds'],
    },
  ],
}

const SHARDS: Dashboard = {
  uid: 'flotilla-shards',
  title: 'Flotilla: shards and placement',
  description: 'Where the load and the bytes are, who leads, and what the placement driver knows.',
  scope: 'instance',
  rows: [
    {
      title: 'The busiest shards',
      panels: [
        'flotilla_shard_reads_per_second',
        'flotilla_shard_writes_per_second',
        'flotilla_shard_size_bytes',
        'raft_log_length',
        'raft_commit_index',
        'raft_applied_index',
        'raft_term_current',
        'raft_state',
      ],
    },
    {
      title: 'Groups',
      panels: [
        'raft_replicas',
        'raft_leaderless_replicas',
        'raft_leader_elections_total',
        'raft_leader_changes_total',
        'flotilla_leaders',
        'storage_data_bytes',
      ],
    },
    {
      title: 'The placement driver',
      panels: [
        'placement_driver_leads',
        'placement_map_version',
        'placement_shards',
        'placement_stores',
        'placement_unanswered_seconds',
      ],
    },
  ],
}

export const DASHBOARDS: readonly Dashboard[] = [OVERVIEW, NODES, PERFORMANCE, SHARDS]
