import { execFile } from 'node:child_process'
import type { Logger } from '../base/index.ts'

/**
 * Asks Linux to treat this process as a batch one (SCHED_BATCH): it keeps its share of the processors and its priority, but does not push others off
 * a processor each time that something arrives for it. More has then arrived when its turn comes, and one log write and one frame carry more: with
 * three stores, a broker and their load on two cores, about a tenth more writes, while a single client sees no difference. Node has no
 * call for it, so the `chrt` of util-linux does it, once; threads that start later inherit it. It needs no privileges. Where it does not work the
 * store runs as any other process.
 */
export function scheduleAsBatch(logger: Logger): void {
  if (process.platform !== 'linux') return
  execFile('chrt', ['--all-tasks', '--batch', '--pid', '0', String(process.pid)], { timeout: 5_000 }, (error) => {
    if (error !== null) logger.log('debug', `not scheduled as a batch process: ${error.message}`)
  })
}
