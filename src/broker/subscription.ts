/**
 * One subscription of one client. Plain data: its connection creates and closes it, the index finds it, delivery counts in it.
 */
export interface Subscriber {
  /** Whether the subscriber understands HMSG; otherwise it gets the body of a message without its header. */
  readonly acceptsHeaders: boolean
  /** Whether it wants its own publications back. */
  readonly wantsEcho: boolean
  /** Queues one message: a head line, then `bytes[start, end)` with the line end after the body. `bytes` must not change afterwards. */
  deliver(head: string, bytes: Buffer, start: number, end: number): void
  /** Called when a subscription has received all the messages it asked for. */
  finish(subscription: Subscription): void
}

export interface Subscription {
  readonly subscriber: Subscriber
  /** The client's own name for it, unique within the client only. */
  readonly sid: string
  readonly subject: string
  readonly queue: string | undefined
  delivered: number
  /** Messages after which it ends by itself; zero means never. */
  deliveredMax: number
  closed: boolean
}
