/**
 * The reference pages, made from the catalogues in the sources. `generate.ts` writes them; a test checks that what is committed is what these functions say.
 */
import { EVENT_CATALOGUE, type EventDefinition, type EventFamily } from '../../src/base/index.ts'
import { METRICS, type MetricDefinition, type MetricOwner } from '../../src/observe/index.ts'
import { observabilityFiles } from './observability/files.ts'

/** Path in the repository, to the text that belongs there. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ['tools/reference/events.md', eventsPage()],
    ['tools/reference/metrics.md', metricsPage()],
    ...observabilityFiles(),
  ])
}

const FAMILIES: readonly (readonly [EventFamily, string])[] = [
  ['process', 'The process'],
  ['raft', 'Elections and leaders'],
  ['replica', 'Replicas and members'],
  ['shard', 'Splits and merges'],
  ['log', 'The log'],
  ['snapshot', 'Snapshots'],
  ['storage', 'Storage'],
  ['placement', 'The placement driver'],
  ['transport', 'Connections'],
  ['gateway', 'The gateway'],
  ['events', 'The events themselves'],
]

const MADE = '<!-- Made by `npm run reference` from the catalogue in the sources. Do not edit. -->'

function eventsPage(): string {
  const all = Object.entries<EventDefinition>(EVENT_CATALOGUE)
  const sections = FAMILIES.map(([family, title]) => {
    const rows = all
      .filter(([, definition]) => definition.family === family)
      .map(
        ([type, definition]) =>
          `| \`${type}\` | ${levelText(definition)} | ${definition.meaning} | ${dataText(definition)} |`,
      )
    return [`## ${title}`, '', '| type | level | meaning | data |', '|---|---|---|---|', ...rows, ''].join('\n')
  })
  return `${MADE}

# Events

What a store tells of itself, ${all.length} types. Each event has an \`id\`, \`ts\`, \`level\`, \`type\` and \`store\`, and where they apply \`group\` (the shard), \`term\`, \`index\`, \`peer\` (another store) and \`traceId\`; the last column
below is its \`data\`. They go to standard error from \`observability.log.level\` on, and all of them into a bounded history in the data directory: \`GET /events\`, \`flotilla events\`.
Types marked \`on demand\` happen with every write; they exist only while somebody asks for exactly them: \`flotilla events -f --type log_committed\`.

${sections.join('\n')}`
}

function levelText({ level, isFrequent }: EventDefinition): string {
  return isFrequent ? `${level}, on demand` : level
}

function dataText({ data }: EventDefinition): string {
  return Object.entries(data)
    .map(([name, field]) => `\`${name}\`: ${field.endsWith('?') ? `${field.slice(0, -1)} or absent` : field}`)
    .join(', ')
}

const OWNERS: readonly (readonly [MetricOwner, string])[] = [
  ['raft', 'Raft'],
  ['storage', 'Storage'],
  ['transport', 'Connections'],
  ['placement', 'Shard map and placement driver'],
  ['gateway', 'Gateway'],
  ['client', 'Requests and shards'],
  ['process', 'Process'],
]

function metricsPage(): string {
  const all = Object.entries<MetricDefinition>(METRICS)
  const sections = OWNERS.map(([owner, title]) => {
    const rows = all
      .filter(([, definition]) => definition.owner === owner)
      .map(([name, { type, labels, help }]) => {
        const labelText = labels.map((label) => `\`${label}\``).join(', ')
        return `| \`${name}\` | ${type} | ${labelText} | ${help} |`
      })
    return [`## ${title}`, '', '| metric | type | labels | meaning |', '|---|---|---|---|', ...rows, ''].join('\n')
  })
  return `${MADE}

# Metrics

What \`GET /metrics\` of a store says, ${all.length} metrics in the text format of Prometheus, and Node's own (\`nodejs_*\`, \`process_*\`) beside them. All speak of one store; a sum over stores speaks of the cluster. Series with the
label \`group\` (a shard's id) exist for the 50 busiest replicas of a store only; totals cover all of them. Dashboards and alert rules made from this table are in \`tools/deploy/observability\`.

${sections.join('\n')}`
}
