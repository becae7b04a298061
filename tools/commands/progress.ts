/** A line on a terminal that shows how far long work is. Nothing is written where standard error is no terminal. */
import { type Context, shortBytes, write } from '../cli/index.ts'

export interface Progress {
  readonly keys: number
  readonly bytes: number
  /** From 0 to 1; undefined where nobody knows how much it is. */
  readonly fraction: number | undefined
}

const REFRESH_MS = 200
const BAR_CHARS_MAX = 24
/** A shorter one says less than the number beside it. */
const BAR_CHARS_MIN = 6
const COLUMNS_DEFAULT = 80
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
    // One column is left free: a line that fills the last one is two lines on many terminals, and the first of them would stay.
    const room = (stderr.columns ?? COLUMNS_DEFAULT) - 1
    const line = fraction === undefined ? counts : `${shareText(fraction, room - counts.length)}${counts}`
    await write(stderr, `${CLEAR_LINE}${line.slice(0, Math.max(0, room))}`)
  }

  /** Before anything else is written. */
  async clear(): Promise<void> {
    const { stderr } = this.#context
    if (stderr.isTTY === true) await write(stderr, CLEAR_LINE)
  }
}

/** How far it is, as a bar and a number, or only as a number where there is little room. */
function shareText(fraction: number, room: number): string {
  const share = Math.min(1, Math.max(0, fraction))
  const percent = `${String(Math.floor(share * 100)).padStart(3)} % `
  const chars = Math.min(BAR_CHARS_MAX, room - percent.length - '[] '.length)
  if (chars < BAR_CHARS_MIN) return percent
  const filled = Math.round(share * chars)
  return `[${'#'.repeat(filled)}${'-'.repeat(chars - filled)}] ${percent}`
}
