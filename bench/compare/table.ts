/** The comparison as text: machine, medians, ratios with pass or fail. Pure. */
import type { MedianRow, Ratio } from './judge.ts'
import type { MachineFacts } from './machine.ts'
import type { Workload } from './workloads.ts'

export function describeMachine(machine: MachineFacts, versions: readonly string[], command: string): string[] {
  const lines = [
    `machine    ${machine.cores} cores of ${machine.processor}, ${machine.memoryGiB} GiB, ${machine.kernel}`,
    `           node ${machine.node}, data on ${machine.fileSystem}, load average ${machine.loadAverage.toFixed(2)} before`,
    `systems    ${versions.join('; ')}`,
    `commit     ${machine.commit}, ${machine.startedAt}`,
    `command    ${command}`,
  ]
  if (machine.fileSystem === 'tmpfs') {
    lines.push('WARNING    the data is in memory, where fsync costs nothing: choose --dir on a disk')
  }
  return lines
}

export function medianTable(rows: readonly MedianRow[], workloads: readonly Workload[]): string[] {
  const header = ['workload', 'system', 'ops/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'server us/op', 'client us/op']
  header.push('ops/fsync', 'errors', 'wrong reads')
  return columns([
    header,
    ...rows.map((row) => [
      workloads.find((workload) => workload.name === row.workload)?.title ?? row.workload,
      row.system,
      String(Math.round(row.operationsPerSecond)),
      row.p50Ms.toFixed(3),
      row.p99Ms.toFixed(2),
      row.p999Ms.toFixed(2),
      fixed(row.serverCpuUsPerOperation),
      fixed(row.generatorCpuUsPerOperation),
      fixed(row.operationsPerSync),
      String(row.errors),
      String(row.violations),
    ]),
  ])
}

export function ratioTable(ratios: readonly Ratio[], workloads: readonly Workload[]): string[] {
  return columns([
    ['ratio', 'median', 'min', 'max', 'demanded', 'verdict'],
    ...ratios.map((ratio) => {
      const { workload, metric, peer, bound } = ratio.rule
      const title = workloads.find((candidate) => candidate.name === workload)?.title ?? workload
      return [
        `${title} ${metric}, flotilla / ${peer}`,
        ratio.median.toFixed(2),
        ratio.min.toFixed(2),
        ratio.max.toFixed(2),
        bound === undefined ? '-' : `${bound.kind === 'floor' ? 'at least' : 'at most'} ${bound.value}`,
        ratio.passed === undefined ? '-' : ratio.passed ? 'pass' : 'FAIL',
      ]
    }),
  ])
}

function fixed(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(1)
}

/** First column to the left, numbers to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  }
  return rows.map((row) =>
    row.map((cell, i) => (i < 1 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  )
}
