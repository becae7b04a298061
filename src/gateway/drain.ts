/**
 * How a gateway lets its connections go. A client that keeps its connection may send a request at any moment, and a connection that is closed at that moment breaks
 * it; nothing in HTTP/1.1 takes that back. So: nobody new is let in, what comes is served and told that its connection ends, and only when clients have fallen
 * silent the rest is closed. Whatever this process is about to decide from silence, it first reads what has arrived: on a busy machine a timer comes before the
 * bytes that came before it. Called once, by the gateway's `close`.
 */
import type { Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../base/index.ts'
import type { ExchangeSet } from './exchange-set.ts'
import type { GatewayLimits } from './options.ts'

/** Clients that connect without end must not keep the gateway open. */
const BACKLOG_TURNS_MAX = 200
/** In a longer turn of the event loop somebody may have connected whom nobody has seen yet. */
const SHORT_TURN_MS = 1
/** Between two looks whether the last answers have been carried away. */
const FLUSH_MS = 50

export interface Draining {
  readonly server: Server
  readonly set: ExchangeSet
  /** Connections that have not brought a request yet, which Node does not count as idle. */
  readonly unused: ReadonlySet<Duplex>
  readonly clock: Clock
  readonly limits: GatewayLimits
}

/** Resolves when no connection is left, after `drainMsMax` at the latest. From before it begins, every answer must say that its connection ends. */
export async function drain({ server, set, unused, clock, limits }: Draining): Promise<void> {
  await takeBacklog(server, clock)
  const ended = stopListening(server)
  const impatience = clock.after(limits.drainMsMax, () => server.closeAllConnections())
  await Promise.race([ended, silence(set, clock, limits)])
  server.closeIdleConnections()
  for (const socket of unused) if (!hasBegun(socket)) socket.destroy()
  await Promise.race([ended, carriedAway(set, clock)])
  server.closeAllConnections()
  await ended
  // Node's own end of the server, which also stops its timer.
  server.close()
  impatience.cancel()
}

/** Connections that the system has established and this process has not seen yet would be reset when the server stops to listen. */
async function takeBacklog(server: Server, clock: Clock): Promise<void> {
  let arrived = false
  const note = (): void => {
    arrived = true
  }
  server.on('connection', note)
  let sinceMs = clock.nowMs()
  for (let turn = 0; turn < BACKLOG_TURNS_MAX; turn++) {
    arrived = false
    await nextTurn(clock)
    const nowMs = clock.nowMs()
    if (!arrived && turn > 0 && nowMs - sinceMs < SHORT_TURN_MS) break
    sinceMs = nowMs
  }
  server.off('connection', note)
}

/** Takes no more connections and leaves those that are there alone; `close` of an HTTP server would end the idle ones. Resolves when none is left. */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    NetServer.prototype.close.call(server, () => resolve())
  })
}

/**
 * Resolves when no request has come for `drainIdleMs` on any connection: a client that sends on one of its connections now and then will come to the others too, and
 * each request takes its connection away, so this ends; after `drainIdleMsMax` at the latest. Only that an answer is still being read can make it later: Node takes a
 * connection for idle as soon as the answer was handed to it, whatever of that has left.
 */
async function silence(set: ExchangeSet, clock: Clock, limits: GatewayLimits): Promise<void> {
  const endMs = clock.nowMs() + limits.drainIdleMsMax
  for (;;) {
    const before = set.begun
    const leftMs = endMs - clock.nowMs()
    await pause(clock, leftMs > 0 ? Math.min(limits.drainIdleMs, leftMs) : FLUSH_MS)
    await nextTurn(clock)
    await nextTurn(clock)
    if ((set.begun === before || clock.nowMs() >= endMs) && set.unread.bytes === 0) return
  }
}

/** Resolves when every request is answered and its answer has left this process. */
async function carriedAway(set: ExchangeSet, clock: Clock): Promise<void> {
  do {
    await set.empty()
    await pause(clock, FLUSH_MS)
    await unreadGone(set, clock)
  } while (set.size > 0)
}

/** Resolves when no answer waits for its reader; those who do not read lose their connection after a while. */
async function unreadGone(set: ExchangeSet, clock: Clock): Promise<void> {
  while (set.unread.bytes > 0) await pause(clock, FLUSH_MS)
}

/** A part of the first request's head is here. */
function hasBegun(socket: Duplex): boolean {
  return 'bytesRead' in socket && typeof socket.bytesRead === 'number' && socket.bytesRead > 0
}

/** Whatever had arrived when this was called has been read when it resolves. */
function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve))
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve)
  })
}
