/** Stopwatches that other programs do not lengthen: of the whole process, and of its main thread alone where the system tells. */
import { openSync, readSync } from 'node:fs'

/** Milliseconds of the processor's work for all threads of this process. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const SPACE = 0x20

/** The same of the main thread, to some milliseconds; undefined where nobody tells it (elsewhere than on Linux). */
export function threadStopwatch(): (() => number) | undefined {
  let file: number
  try {
    file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
  } catch {
    // Another system, or one without these statistics.
    return undefined
  }
  const line = Buffer.alloc(64)
  return () => {
    readSync(file, line, 0, line.length, 0)
    return Number(line.toString('latin1', 0, line.indexOf(SPACE))) / 1e6
  }
}
