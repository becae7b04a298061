/**
 * When a seed has taken too long: by the processor time of its process where the system tells it, because a busy machine is no reason to call a
 * seed broken. A process that uses none for as long waits for something that never comes. Used by `seed-pool.ts`, for one child at a time.
 */
import { readFileSync } from 'node:fs'

/** The unit of times under /proc: a hundredth of a second on every Linux (sysconf _SC_CLK_TCK). */
const PROC_TICK_MS = 10
/** Fields of /proc/PID/stat behind the name of the program, from 0: time in user mode and in the kernel. */
const USER_FIELD = 11
const SYSTEM_FIELD = 12
/** Less than this in a whole span of real time is no progress, only a process that was woken now and then. */
const PROGRESS_MS_MIN = 20
const CHECK_MS_MIN = 100

export class SeedDeadline {
  readonly #pid: number
  readonly #seedMsMax: number
  readonly #onOver: () => void
  readonly #startedMs: number
  #seenMs: number
  #timer: NodeJS.Timeout

  /** Counts from now on; calls `onOver` once when `seedMsMax` are used up. */
  constructor(pid: number, seedMsMax: number, onOver: () => void) {
    this.#pid = pid
    this.#seedMsMax = seedMsMax
    this.#onOver = onOver
    this.#startedMs = processorMsOf(pid) ?? 0
    this.#seenMs = this.#startedMs
    this.#timer = setTimeout(() => this.#check(), seedMsMax)
  }

  cancel(): void {
    clearTimeout(this.#timer)
  }

  #check(): void {
    const usedMs = processorMsOf(this.#pid)
    if (
      usedMs === undefined ||
      usedMs - this.#startedMs >= this.#seedMsMax ||
      usedMs - this.#seenMs < PROGRESS_MS_MIN
    ) {
      this.#onOver()
      return
    }
    this.#seenMs = usedMs
    // The rest of its time, and again as long if others have most of the processor.
    const leftMs = this.#seedMsMax - (usedMs - this.#startedMs)
    this.#timer = setTimeout(() => this.#check(), Math.max(CHECK_MS_MIN, leftMs))
  }
}

/** Milliseconds of processor time that a process has used; undefined where the system does not tell, and when it has ended. */
export function processorMsOf(pid: number): number | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    // Not Linux, or nobody there any more.
    return undefined
  }
  // The name of the program may hold anything, and ends with the last parenthesis.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[USER_FIELD]) + Number(fields[SYSTEM_FIELD])) * PROC_TICK_MS
}
