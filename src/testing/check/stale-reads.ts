/**
 * Stale reads: what was read was current at some moment between (call - the age the answer admits) and the return, so it is never from the future and never
 * older than it says. Said as an ordinary read that was called that much earlier: the real moments of all reads then fit one order.
 */
import type { Operation, StaleRead } from './history.ts'

/** `slackMs` is added to the admitted age: for the way of the leader's word, and clocks that drift. */
export function readOfStaleRead(read: StaleRead, slackMs = 0): Operation {
  const { client, key, calledMs, returnedMs, found, stalenessMs } = read
  return {
    client: `${client} (stale by ${stalenessMs})`,
    key,
    action: { kind: 'get' },
    calledMs: calledMs - stalenessMs - slackMs,
    returnedMs,
    outcome: { kind: 'read', found },
  }
}
