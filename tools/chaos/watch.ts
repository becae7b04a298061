/**
 * Looks at the processes while a run lasts: none may end that nobody ended, and none may grow without bound. Ends of processes that faults caused are told
 * apart by asking whether the process was sent a signal that ends it, or ran on the disk that was filled.
 */
import { readFileSync } from 'node:fs'
import type { Scene } from './scene.ts'

const LOOK_EVERY_MS = 500
const PAGE_BYTES = 4096
/** Twice what a store of this size needs under load; growth without bound passes it within minutes. */
const RESIDENT_MIB_MAX = 512

export class Watch {
  readonly residentMibMax = new Map<string, number>()
  readonly #scene: Scene
  readonly #timer: NodeJS.Timeout
  readonly #reported = new Set<string>()

  constructor(scene: Scene) {
    this.#scene = scene
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#look()
  }

  #look(): void {
    const { cluster } = this.#scene
    for (const id of cluster.running) {
      const mib = residentMib(cluster.process(id).pid)
      if (mib === undefined) continue
      this.residentMibMax.set(id, Math.max(mib, this.residentMibMax.get(id) ?? 0))
      if (mib > RESIDENT_MIB_MAX && !this.#reported.has(id)) {
        this.#reported.add(id)
        this.#scene.fail(`${id} takes ${mib} MiB of memory; ${RESIDENT_MIB_MAX} are allowed`)
      }
    }
    for (const { name, pid, exit, wasEnded } of cluster.past) {
      const key = `${name} ${pid}`
      if (exit === undefined || wasEnded || this.#reported.has(key)) continue
      const isFull = name === this.#scene.storeOnSmallDisk && exit.code === 1
      if (isFull) continue
      this.#reported.add(key)
      this.#scene.fail(`${name} (pid ${pid}) ended by itself with ${exit.signal ?? `code ${exit.code}`}`)
    }
  }
}

/** Undefined where the system does not tell, or the process has just ended. */
function residentMib(pid: number | undefined): number | undefined {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
    return Math.round((pages * PAGE_BYTES) / 2 ** 20)
  } catch {
    // No /proc here, or no such process any more.
    return undefined
  }
}
