/**
 * Lets the thread that calls it stand back: whoever serves requests, in this process or in others of the machine, comes first, and a snapshot takes what
 * is left. Linux keeps a nice value per thread; elsewhere, and without /proc, the thread competes like any other. Called by the worker's entry file.
 */
import { readlinkSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import path from 'node:path'

export function standBack(): void {
  if (process.platform !== 'linux') return
  try {
    // The link ends in the number of this very thread, which Linux takes where others take a process.
    const thread = Number(path.basename(readlinkSync('/proc/thread-self')))
    setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // Without /proc, or where the system forbids it, the snapshot is only less polite.
  }
}
