/**
 * What the servers spent while a load ran: processor time from `/proc` and fsyncs from `/metrics`. Reads twice, at the edges of the
 * measured window, so it does not disturb what it measures. Either figure is undefined where its source does not exist.
 */
import { readFileSync } from 'node:fs'
import { fetchText } from './readiness.ts'

export interface ServerCosts {
  readonly cpuMs: number | undefined
  readonly syncs: number | undefined
}

interface Reading {
  readonly cpuMs: number | undefined
  readonly syncs: Promise<number | undefined>
}

/** Linux counts processor time in ticks of 10 ms, whatever the kernel's own. */
const TICK_MS = 10

export class ServerMeter {
  readonly #pids: readonly number[]
  readonly #metricsUrls: readonly string[]
  #start: Reading | undefined
  #end: Reading | undefined

  constructor(pids: readonly number[], metricsUrls: readonly string[]) {
    this.#pids = pids
    this.#metricsUrls = metricsUrls
  }

  mark(edge: 'start' | 'end'): void {
    const reading = { cpuMs: cpuMsOf(this.#pids), syncs: syncsOf(this.#metricsUrls) }
    if (edge === 'start') this.#start = reading
    else this.#end = reading
  }

  /** The difference between the two edges; ask once the load has ended. */
  async costs(): Promise<ServerCosts> {
    const start = this.#start
    const end = this.#end
    if (start === undefined || end === undefined) return { cpuMs: undefined, syncs: undefined }
    return { cpuMs: difference(end.cpuMs, start.cpuMs), syncs: difference(await end.syncs, await start.syncs) }
  }
}

function difference(end: number | undefined, start: number | undefined): number | undefined {
  return end === undefined || start === undefined ? undefined : end - start
}

function cpuMsOf(pids: readonly number[]): number | undefined {
  if (pids.length === 0) return undefined
  let ticks = 0
  for (const pid of pids) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      // The name in parentheses may hold spaces; user and system time are the 12th and 13th fields after it.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // Not Linux, or the server has just died; the load's errors tell the latter.
      return undefined
    }
  }
  return ticks * TICK_MS
}

async function syncsOf(urls: readonly string[]): Promise<number | undefined> {
  if (urls.length === 0) return undefined
  const pages = await Promise.all(urls.map(fetchText))
  let total: number | undefined
  for (const page of pages) {
    if (page?.status !== 200) return undefined
    for (const sample of page.body.matchAll(/^storage_syncs_total(?:\{[^}]*\})? (\S+)/gm)) {
      total = (total ?? 0) + Number(sample[1])
    }
  }
  return total
}
