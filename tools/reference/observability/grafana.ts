/** The documents that Grafana reads, made from the dashboards: panels three in a row, each with what its metric means. */
import type { MetricName } from '../../../src/observe/index.ts'
import type { CustomPanel, Dashboard, Row } from './dashboards.ts'
import { definitionOf, queriesOf, unitOf } from './expressions.ts'

/** As Grafana is told it when it starts. */
export const DATASOURCE_UID = 'flotilla-prometheus'
const DATASOURCE = { type: 'prometheus', uid: DATASOURCE_UID }
const COLUMNS = 24
const PANEL = { width: 8, height: 8 }
const STAT = { width: 4, height: 4 }
/** Of Grafana's format for dashboards; older ones are read by every newer Grafana. */
const SCHEMA_VERSION = 39

export function grafanaDocument(dashboard: Dashboard): unknown {
  const { uid, title, description, scope } = dashboard
  return {
    uid,
    title,
    description,
    tags: ['flotilla'],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    templating: { list: scope === 'instance' ? [instanceVariable()] : [] },
    links: [{ type: 'dashboards', title: 'Flotilla', tags: ['flotilla'], asDropdown: false, keepTime: true }],
    panels: layOut(dashboard),
  }
}

function instanceVariable(): unknown {
  return {
    name: 'instance',
    label: 'Store',
    type: 'query',
    datasource: DATASOURCE,
    query: { query: 'label_values(flotilla_ready, instance)', refId: 'instances' },
    refresh: 2,
    includeAll: true,
    multi: true,
    current: { text: 'All', value: '$__all' },
  }
}

function layOut({ rows, scope }: Dashboard): unknown[] {
  const panels: unknown[] = []
  let y = 0
  for (const row of rows) {
    panels.push({ id: panels.length + 1, type: 'row', title: row.title, collapsed: false, gridPos: at(0, y, 24, 1) })
    y = layOutRow(row, y + 1, scope, panels)
  }
  return panels
}

/** Answers where the next row begins. */
function layOutRow(row: Row, top: number, scope: Dashboard['scope'], panels: unknown[]): number {
  let x = 0
  let y = top
  let height = 0
  for (const entry of row.panels) {
    const panel = typeof entry === 'string' ? panelOf(entry, scope) : entry
    const size = panel.kind === 'stat' ? STAT : PANEL
    if (x + size.width > COLUMNS) {
      x = 0
      y += height
      height = 0
    }
    panels.push({ id: panels.length + 1, gridPos: at(x, y, size.width, size.height), ...panelDocument(panel) })
    x += size.width
    height = Math.max(height, size.height)
  }
  return y + height
}

function at(x: number, y: number, w: number, h: number): unknown {
  return { x, y, w, h }
}

function panelOf(name: MetricName, scope: Dashboard['scope']): CustomPanel {
  const { help } = definitionOf(name)
  return {
    title: name,
    description: help,
    kind: 'timeseries',
    unit: unitOf(name),
    queries: queriesOf(name, scope === 'cluster' ? '' : 'instance=~"$instance"', scope === 'cluster'),
  }
}

function panelDocument({ title, description, kind, unit, queries }: CustomPanel): Record<string, unknown> {
  return {
    type: kind,
    title,
    description,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options:
      kind === 'stat'
        ? { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value' }
        : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(({ expr, legend }, position) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + position),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
    })),
  }
}
