/** A line on a terminal that shows how far long work is. Nothing is written where standard error is no terminal. */
import { type Context, shortBytes, write } from '../cli/index.ts'

export interface Progress {
  readonly keys: number
  readonly bytes: number
  /** From 0 to 1; undefined where nobody knows how much it is. */
  readonly fraction: number | undefined
}

const REFRESH_MS = 200
const BAR_CHARS = 24
const CLEAR_LINE = '\r\u001b[K'

export class ProgressLine {
  readonly #context: Context
  readonly #what: string
  readonly #startedMs: number
  #shownMs = Number.NEGATIVE_INFINITY

  /** `what` is the work in the past tense, such as `exported`. */
  constructor(context: Context, what: string) {
    this.#context = context
    this.#what = what
    this.#startedMs = context.clock.nowMs()
  }

  async show({ keys, bytes, fraction }: Progress): Promise<void> {
    const { stderr, clock } = this.#context
    const nowMs = clock.nowMs()
    if (stderr.isTTY !== true || nowMs - this.#shownMs < REFRESH_MS) return
    this.#shownMs = nowMs
    const rate = Math.round((keys * 1000) / Math.max(1, nowMs - this.#startedMs))
    const counts = `${this.#what} ${keys} keys, ${shortBytes(bytes)}, ${rate} keys/s`
    await write(stderr, `${CLEAR_LINE}${fraction === undefined ? '' : `${bar(fraction)} `}${counts}`)
  }

  /** Before anything else is written. */
  async clear(): Promise<void> {
    const { stderr } = this.#context
    if (stderr.isTTY === true) await write(stderr, CLEAR_LINE)
  }
}

function bar(fraction: number): string {
  const share = Math.min(1, Math.max(0, fraction))
  const filled = Math.round(share * BAR_CHARS)
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_CHARS - filled)}] ${String(Math.floor(share * 100)).padStart(3)} %`
}
