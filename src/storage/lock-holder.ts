import fs from 'node:fs'
import os from 'node:os'

/**
 * Describes the process that holds a data directory and judges whether it still runs. Called by `data-directory.ts` only.
 *
 * A process id alone proves nothing: ids are reused, and mean something else in another container or on another machine.
 * Where the system tells (Linux), a holder is also known by its start time, the boot of the machine and the namespace of
 * its ids. The rules, in order:
 *
 * 1. Another host name, in another id namespace or another boot: cannot be told from here.
 * 2. The same host name, but another boot or another namespace: an earlier run of this machine or container; it is gone.
 * 3. Otherwise the id means the same to us: it runs if there is such a process and it started at the same time.
 *
 * Two containers that share both a volume and a host name pass rule 2 wrongly; the data store's own file lock stops the
 * second one then.
 */
export interface LockHolder {
  readonly pid: number
  readonly host: string
  /** Identifies the running kernel; empty where the system does not tell. */
  readonly boot: string
  /** Identifies what process ids mean; empty where the system does not tell. */
  readonly namespace: string
  /** When the process started, in the system's own units since boot; empty where the system does not tell. */
  readonly startTicks: string
  /** When the process started, for people: ISO 8601. */
  readonly started: string | undefined
}

export function describeThisProcess(): LockHolder {
  return {
    pid: process.pid,
    host: os.hostname(),
    boot: readText('/proc/sys/kernel/random/boot_id'),
    namespace: readLink('/proc/self/ns/pid'),
    startTicks: startTicksOf(process.pid),
    started: new Date(performance.timeOrigin).toISOString(),
  }
}

/** The holder in a lock file's object, `released`, or undefined when it is neither. */
export function parseLockHolder(value: Record<string, unknown> | undefined): LockHolder | 'released' | undefined {
  if (value === undefined) return undefined
  const { released, pid, host, boot, namespace, startTicks, started } = value
  if (released === true) return 'released'
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0 || typeof host !== 'string') return undefined
  if (typeof boot !== 'string' || typeof namespace !== 'string' || typeof startTicks !== 'string') return undefined
  return { pid, host, boot, namespace, startTicks, started: typeof started === 'string' ? started : undefined }
}

export function isAlive(holder: LockHolder, self: LockHolder): 'yes' | 'no' | 'unknown' {
  const sameIds = holder.boot === self.boot && holder.namespace === self.namespace
  if (holder.host !== self.host && (!sameIds || holder.boot === '')) return 'unknown'
  if (!sameIds) return 'no'
  if (!processExists(holder.pid)) return 'no'
  if (holder.startTicks === '') return 'yes'
  return startTicksOf(holder.pid) === holder.startTicks ? 'yes' : 'no'
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Field 22 of /proc/<pid>/stat; the name in field 2 may hold anything, so count from the last parenthesis. */
function startTicksOf(pid: number): string {
  const text = readText(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8').trim()
  } catch {
    // Not every system has this file, and a process may end while it is looked at: then nothing is known.
    return ''
  }
}

function readLink(file: string): string {
  try {
    return fs.readlinkSync(file)
  } catch {
    // As above.
    return ''
  }
}
