import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { silentLogger } from '../../src/base/index.ts'
import type { Entry } from '../../src/raft/index.ts'
import { type GroupLog, type LogStoreError, NodeFiles, openSegmentLog } from '../../src/storage/index.ts'

/**
 * How fast the shared log takes entries on this disk, at what cost in CPU time, and how fast it recovers them.
 *
 *   node --import tsx bench/micro/segment-log.ts [--groups 8] [--entries 64] [--bytes 100] [--syncs 5000] [--dir /tmp]
 *
 * `entries` of `bytes` each per sync, spread over `groups`; logs are compacted and garbage is collected as a store would.
 */
const { values } = parseArgs({
  options: {
    groups: { type: 'string', default: '8' },
    entries: { type: 'string', default: '64' },
    bytes: { type: 'string', default: '100' },
    syncs: { type: 'string', default: '5000' },
    dir: { type: 'string', default: os.tmpdir() },
  },
})
const groups = Number(values.groups)
const entriesPerGroup = Math.max(1, Math.floor(Number(values.entries) / groups))
const syncs = Number(values.syncs)
const warmupSyncs = Math.ceil(syncs / 10)
const KEPT_ENTRIES = 10_000

const directory = fs.mkdtempSync(path.join(values.dir, 'flotilla-bench-'))
const options = {
  files: new NodeFiles(directory),
  segmentBytes: 64 * 1024 * 1024,
  random: { below: (bound: number) => Math.floor(Math.random() * bound) },
  logger: silentLogger,
}
const log = openSegmentLog(options)
const data = new Uint8Array(Number(values.bytes)).fill(7)
const logs = Array.from({ length: groups }, (_, i) => log.create(i + 1, 1, { index: 0, term: 0 }))

function appendTo(one: GroupLog): void {
  const entries: Entry[] = []
  const first = one.lastIndex() + 1
  for (let i = 0; i < entriesPerGroup; i++) entries.push({ index: first + i, term: 1, type: 'normal', data })
  one.append(entries, { term: 1, votedFor: 1, commitIndex: first - 1 })
}

function report(startMs: number, startCpu: NodeJS.CpuUsage): void {
  const elapsedMs = performance.now() - startMs
  const cpu = process.cpuUsage(startCpu)
  const measured = syncs - warmupSyncs
  const { bytes, segments } = log.stats()
  process.stdout.write(
    `${groups} groups, ${entriesPerGroup * groups} entries of ${data.length} B per sync: ` +
      `${Math.round((measured * entriesPerGroup * groups * 1000) / elapsedMs)} entries/s, ` +
      `${Math.round((elapsedMs * 1000) / measured)} us per sync, ` +
      `CPU ${Math.round((cpu.user + cpu.system) / measured)} us per sync (user ${Math.round(cpu.user / measured)}), ` +
      `${((cpu.user + cpu.system) / 1000 / elapsedMs).toFixed(2)} cores; ${segments} segments, ${bytes} bytes on disk\n`,
  )
}

async function finish(): Promise<void> {
  await log.close()
  const startMs = performance.now()
  const again = openSegmentLog(options)
  const entries = [...again.groups().values()].reduce((sum, one) => sum + one.lastIndex() - one.firstIndex() + 1, 0)
  process.stdout.write(`recovered ${entries} live entries in ${Math.round(performance.now() - startMs)} ms\n`)
  await again.close()
  fs.rmSync(directory, { recursive: true })
}

let done = 0
let startMs = performance.now()
let startCpu = process.cpuUsage()
function turn(error?: LogStoreError): void {
  if (error !== undefined) throw error
  if (done === warmupSyncs) {
    startMs = performance.now()
    startCpu = process.cpuUsage()
  }
  if (done++ === syncs) {
    report(startMs, startCpu)
    void finish()
    return
  }
  for (const one of logs) {
    appendTo(one)
    if (one.lastIndex() - one.firstIndex() > 2 * KEPT_ENTRIES) one.compact(one.lastIndex() - KEPT_ENTRIES)
  }
  if (done % 16 === 0) log.collectGarbage()
  log.sync(turn)
}
turn()
