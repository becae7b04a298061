/**
 * `/debug/profile/*` and `/debug/bundle`: the inside of this process as files. One at a time, because each costs what it measures.
 */
import type { DebugPort } from '../debug-port.ts'
import type { Exchange } from '../exchange.ts'
import { refusal } from '../failures.ts'
import type { Handler } from '../route-definition.ts'

export const PROFILE_SECONDS_MAX = 60
const CPU_SECONDS_DEFAULT = 10
const HEAP_SECONDS_DEFAULT = 5
/** What making the file may take after it was measured. */
const WRITE_MS_MAX = 30_000

export interface DebugHandlers {
  readonly cpuProfile: Handler
  readonly heapProfile: Handler
  readonly bundle: Handler
}

export function debugHandlers(port: DebugPort | undefined): DebugHandlers {
  let busy: string | undefined
  /** `make` is called when the process has no other such work. */
  const alone = async (
    exchange: Exchange,
    what: string,
    seconds: number,
    make: (port: DebugPort) => Promise<void>,
  ): Promise<void> => {
    if (port === undefined) throw refusal('ROUTE_NOT_FOUND', 'this process does not show its inside')
    if (busy !== undefined)
      throw refusal('OVERLOADED', `a ${busy} is being made already`, 'One at a time: try again when it has ended.')
    busy = what
    exchange.deadlineMs += seconds * 1000 + WRITE_MS_MAX
    try {
      await make(port)
    } catch (error) {
      // Nobody is there any more who could read an answer.
      if (!exchange.signal.aborted) throw error
      exchange.abandon()
    } finally {
      busy = undefined
    }
  }
  return {
    cpuProfile(exchange) {
      const seconds = secondsOf(exchange, CPU_SECONDS_DEFAULT)
      return alone(exchange, 'profile', seconds, async (debug) => {
        const profile = await debug.cpuProfile(seconds, exchange.signal)
        sendFile(exchange, 'application/json', 'cpuprofile', Buffer.from(profile))
      })
    },
    heapProfile(exchange) {
      const seconds = secondsOf(exchange, HEAP_SECONDS_DEFAULT)
      return alone(exchange, 'profile', seconds, async (debug) => {
        const profile = await debug.heapProfile(seconds, exchange.signal)
        sendFile(exchange, 'application/json', 'heapprofile', Buffer.from(profile))
      })
    },
    bundle(exchange) {
      return alone(exchange, 'support bundle', 0, async (debug) => {
        sendFile(exchange, 'application/gzip', 'tar.gz', await debug.bundle(exchange.signal))
      })
    },
  }
}

function secondsOf(exchange: Exchange, byDefault: number): number {
  return exchange.query.count('seconds', PROFILE_SECONDS_MAX) ?? byDefault
}

/** A browser keeps it under a name that says whose it is and when. */
function sendFile(exchange: Exchange, contentType: string, ending: string, bytes: Uint8Array): void {
  const { storeId, clock } = exchange.services
  const store = storeId.replace(/[^A-Za-z0-9._-]/g, '_')
  const moment = new Date(clock.wallMs()).toISOString().replace(/[:.]/g, '-')
  exchange.header('Content-Disposition', `attachment; filename="flotilla-${store}-${moment}.${ending}"`)
  exchange.sendBytes(200, contentType, bytes)
}
