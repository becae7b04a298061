/**
 * Server-sent events over an exchange: messages that are pushed in, with a bound on those that a slow reader has yet to take, a sign of life while nothing
 * happens, and an end when the gateway drains. Who reads too slowly is told what it missed.
 */
import type { Exchange } from './exchange.ts'

export interface StreamMessage {
  readonly id: string
  /** The `event:` field. */
  readonly type: string
  readonly data: unknown
}

const WAITING_MAX = 2_000
const LOOK_MS = 250
const SIGN_OF_LIFE_MS = 10_000
/** A reconnecting reader waits this long. */
const RETRY_MS = 1_000

/**
 * Streams until the client leaves or the gateway drains. `follow` is given `push` and answers how to stop; it is called after `first` was written, with what
 * must not be lost in between pushed before that.
 */
export async function streamMessages(
  exchange: Exchange,
  follow: (push: (message: StreamMessage) => void) => {
    readonly first: Promise<readonly StreamMessage[]>
    stop(): void
  },
): Promise<void> {
  const { clock } = exchange.services
  let waiting: StreamMessage[] = []
  let missed = 0
  let wake: () => void = () => {}
  const source = follow((message) => {
    if (waiting.length < WAITING_MAX) waiting.push(message)
    else missed++
    wake()
  })
  try {
    const first = await source.first
    exchange.startStream(200, 'text/event-stream')
    if (exchange.isHead) {
      exchange.endStream()
      return
    }
    await exchange.write(`retry: ${RETRY_MS}\n\n${first.map(spell).join('')}`)
    const known = new Set(first.map((message) => message.id))
    waiting = waiting.filter((message) => !known.has(message.id))
    let spokenMs = clock.nowMs()
    while (!exchange.isAbandoned && !exchange.services.isDraining()) {
      if (waiting.length > 0 || missed > 0) {
        const messages = waiting
        waiting = []
        const gap = missed
        missed = 0
        const note = gap === 0 ? '' : `event: missed\ndata: ${JSON.stringify({ count: gap })}\n\n`
        await exchange.write(messages.map(spell).join('') + note)
        spokenMs = clock.nowMs()
      } else if (clock.nowMs() - spokenMs > SIGN_OF_LIFE_MS) {
        await exchange.write(': still here\n\n')
        spokenMs = clock.nowMs()
      } else {
        await new Promise<void>((resolve) => {
          const timer = clock.after(LOOK_MS, resolve)
          wake = () => {
            timer.cancel()
            resolve()
          }
        })
      }
    }
    exchange.endStream()
  } finally {
    source.stop()
    if (exchange.isAbandoned) exchange.abandon()
  }
}

function spell({ id, type, data }: StreamMessage): string {
  // JSON has no line breaks of its own, so one data line carries it.
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`
}
