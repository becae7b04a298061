/** The alert rules for Prometheus, as data: what is wrong, how long it must last, and what somebody who is woken by it does first. */
import { quantile, ratePerSecond, series, sumBy } from './expressions.ts'

export interface Alert {
  readonly name: string
  readonly expr: string
  readonly for: string
  /** `critical` wakes people; `warning` waits for the morning. */
  readonly severity: 'critical' | 'warning'
  readonly summary: string
  readonly action: string
}

const HTTP = 'flotilla_http_request_duration_seconds'
const FIVE = '5m'

export const ALERTS: readonly Alert[] = [
  {
    name: 'FlotillaStoreUnreachable',
    expr: 'up{job="flotilla"} == 0',
    for: '1m',
    severity: 'critical',
    summary: 'Store {{ $labels.instance }} cannot be asked for its metrics.',
    action: 'See whether its process runs; the end of its log says why not.',
  },
  {
    name: 'FlotillaStoreNotReady',
    expr: `${series('flotilla_ready')} == 0`,
    for: '2m',
    severity: 'critical',
    summary: 'Store {{ $labels.instance }} cannot serve.',
    action: 'GET /readyz of that store lists the reasons.',
  },
  {
    name: 'FlotillaGroupsWithoutLeader',
    expr: `${series('raft_leaderless_replicas')} > 0`,
    for: '1m',
    severity: 'critical',
    summary: '{{ $value }} replicas on {{ $labels.instance }} know no leader.',
    action: 'flotilla status names the shards; most replicas of each must be running.',
  },
  {
    name: 'FlotillaReplicaDamaged',
    expr: `${series('storage_damaged_groups')} > 0`,
    for: '0m',
    severity: 'critical',
    summary: '{{ $value }} replicas on {{ $labels.instance }} cannot be read from its disk.',
    action:
      'flotilla store show and the events of type corruption_detected; replace the replica, then look at the disk.',
  },
  {
    name: 'FlotillaBrokerLost',
    expr: `${series('transport_connected')} == 0`,
    for: '1m',
    severity: 'critical',
    summary: 'Store {{ $labels.instance }} has no connection to the NATS servers.',
    action: 'See whether the servers of transport.servers run and can be reached from there.',
  },
  {
    name: 'FlotillaNoPlacementDriver',
    expr: `${sumBy([], series('placement_driver_leads'))} == 0`,
    for: '1m',
    severity: 'critical',
    summary: 'No store acts as placement driver: reads and writes go on, nothing is moved, split or repaired.',
    action: 'Group 1 has no leader; most of its replicas must be running.',
  },
  {
    name: 'FlotillaPlacementDriverSilent',
    expr: `${series('placement_unanswered_seconds')} > 30`,
    for: '1m',
    severity: 'warning',
    summary: 'The placement driver has not answered store {{ $labels.instance }} for {{ $value }} s.',
    action: 'flotilla status names the driver; see whether the two can reach each other.',
  },
  {
    name: 'FlotillaRequestsFail',
    expr: `sum(rate(${HTTP}_count{status=~"5.."}[${FIVE}])) / sum(rate(${HTTP}_count[${FIVE}])) > 0.05`,
    for: FIVE,
    severity: 'critical',
    summary: '{{ $value | humanizePercentage }} of all requests fail.',
    action: 'The code in the answers says why; flotilla explain CODE says what to do.',
  },
  {
    name: 'FlotillaRequestsSlow',
    expr: `${quantile(0.99, HTTP, ['instance'], 'route=~"/kv.*",method!="DELETE"', FIVE)} > 1`,
    for: FIVE,
    severity: 'warning',
    summary: 'One request of a hundred takes more than {{ $value | humanizeDuration }} at {{ $labels.instance }}.',
    action: 'The dashboard on performance shows whether disk, quorum or processor is late.',
  },
  {
    name: 'FlotillaDiskSlow',
    expr: `${quantile(0.99, 'storage_sync_duration_seconds', ['instance'], '', FIVE)} > 0.1`,
    for: FIVE,
    severity: 'warning',
    summary: 'Making the log durable takes {{ $value | humanizeDuration }} at {{ $labels.instance }}.',
    action: 'Look for others who use that disk.',
  },
  {
    name: 'FlotillaLeadersChange',
    expr: `${ratePerSecond('raft_leader_elections_total', '', '10m')} > 0.1`,
    for: '10m',
    severity: 'warning',
    summary: 'Store {{ $labels.instance }} keeps winning elections.',
    action:
      'flotilla events --type election_won,quorum_lost; pauses of a process or a network that loses messages are the usual causes.',
  },
  {
    name: 'FlotillaApplyingLate',
    expr: `${series('raft_commit_lag_entries')} > 10000`,
    for: FIVE,
    severity: 'warning',
    summary: 'Store {{ $labels.instance }} is {{ $value }} entries behind what is committed.',
    action: 'Look at its processor and its flushes on the dashboard on performance.',
  },
  {
    name: 'FlotillaLoopFull',
    expr: `${ratePerSecond('flotilla_loop_busy_seconds_total', '', FIVE)} > 0.9`,
    for: FIVE,
    severity: 'warning',
    summary: 'The loop of store {{ $labels.instance }} has no time left.',
    action: 'Move leaders away, or add a store: flotilla rebalance plan.',
  },
  {
    name: 'FlotillaEventLoopLate',
    expr: `${series('nodejs_eventloop_lag_p99_seconds')} > 0.25`,
    for: FIVE,
    severity: 'warning',
    summary: 'The event loop of store {{ $labels.instance }} is late by {{ $value | humanizeDuration }}.',
    action: 'flotilla debug profile shows what takes the time.',
  },
  {
    name: 'FlotillaFilesRunOut',
    expr: `${series('process_open_fds')} / ${series('process_max_fds')} > 0.8`,
    for: FIVE,
    severity: 'warning',
    summary: 'Store {{ $labels.instance }} uses {{ $value | humanizePercentage }} of its file descriptors.',
    action: 'Raise the limit (LimitNOFILE) or find the client that opens connections.',
  },
  {
    name: 'FlotillaFramesMalformed',
    expr: `${ratePerSecond('transport_malformed_frames_total', '', FIVE)} > 0`,
    for: FIVE,
    severity: 'warning',
    summary: 'Store {{ $labels.instance }} receives frames that it cannot read.',
    action: 'Somebody else publishes on the subjects of this cluster: look at the permissions of the NATS servers.',
  },
  {
    name: 'FlotillaEventsLost',
    expr: `${ratePerSecond('flotilla_events_dropped_total', '', FIVE)} > 0`,
    for: FIVE,
    severity: 'warning',
    summary: 'Store {{ $labels.instance }} loses events.',
    action: 'An output cannot keep up: see the events of type events_dropped.',
  },
  {
    name: 'FlotillaVersionsDiffer',
    expr: `count(count by (version) (${series('flotilla_build_info')})) > 1`,
    for: '1h',
    severity: 'warning',
    summary: 'Stores of {{ $value }} versions run beside each other.',
    action: 'Finish the rolling upgrade.',
  },
]
